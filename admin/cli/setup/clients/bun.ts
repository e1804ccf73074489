import { join } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { type Client, inHome, parsedFile, variables } from '../../doctor/clients/client.ts'
import { npmVariables } from '../../doctor/clients/npm.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { SetupClient } from '../client.ts'
import { bunScopes } from '../scopes.ts'
import { withTomlKey } from '../text/toml.ts'

const registry = z.union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)])
const settings = z.object({ install: z.object({ registry }) })

const reader: Client = {
  name: 'bun',
  programs: ['bun'],
  protocol: 'npm',
  read: (machine) => [
    ...variables(machine, 'BUN_CONFIG_REGISTRY'),
    // They are set for npm on machines without bun.
    ...(machine.has('bun') ? npmVariables(machine) : []),
    ...read(machine).flatMap((where) => {
      const url = parsedFile(where, (text) => settings.safeParse(parse(text)).data?.install.registry)
      return url === undefined ? [] : [{ where, url }]
    }),
  ],
}

export const bun: SetupClient = {
  name: 'bun',
  programs: ['bun'],
  reader,
  scopes: (machine) => bunScopes(read(machine), machine),
  files,
  edit: (text, { mirror }) => withTomlKey(text, ['install'], 'registry', mirror.url),
  down: 'it stops at whatever it has to fetch; what is in its own cache it still installs (--prefer-offline)',
}

/** Of the project and of the user. */
function read(machine: Machine): string[] {
  return [join(machine.folder, 'bunfig.toml'), ...files(machine)]
}

/** Of a user; one in the folder of XDG stands above the one in the home folder. */
function files(machine: Machine): string[] {
  const { XDG_CONFIG_HOME } = machine.env
  return XDG_CONFIG_HOME ? [join(XDG_CONFIG_HOME, '.bunfig.toml')] : inHome(machine, '.bunfig.toml')
}
