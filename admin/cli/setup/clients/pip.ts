import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { configFolder } from '../../doctor/clients/client.ts'
import { pip as reader } from '../../doctor/clients/pip.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { SetupClient } from '../client.ts'
import { withIniKey } from '../text/ini.ts'

const KEY = { section: 'global', key: 'index-url', spelled: /^index[-_]url$/i, is: ' = ' } as const

export const pip: SetupClient = {
  name: 'pip',
  programs: ['pip', 'pip3'],
  reader,
  files: userFiles,
  edit: (text, { mirror }) => withIniKey(text, KEY, `${mirror.url}simple/`),
  down: 'it stops after five tries of some seconds; --index-url names another index for one command',
}

/** The file that counts most of those of a user. */
function userFiles(machine: Machine): string[] {
  const { env, home } = machine
  if (env.PIP_CONFIG_FILE) return [env.PIP_CONFIG_FILE]
  const old = home === undefined ? [] : [join(home, '.pip/pip.conf')]
  const mac = home === undefined ? [] : [join(home, 'Library/Application Support/pip')]
  const folders = mac.filter((folder) => process.platform === 'darwin' && existsSync(folder))
  const [path] = [...folders, ...configFolder(machine).map((folder) => join(folder, 'pip'))].map((folder) =>
    join(folder, 'pip.conf'),
  )
  // The newer place stands above the older one, and beside it.
  return path === undefined ? old : [path]
}
