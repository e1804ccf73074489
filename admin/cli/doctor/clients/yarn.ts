import { join } from 'node:path'
import { parse } from 'yaml'
import { type Client, inHome, parsedFile, textOf, variables } from './client.ts'

/** yarn from 2 on (`.yarnrc.yml`), and 1 where it has a file of its own (`.yarnrc`). */
export const yarn: Client = {
  name: 'yarn',
  programs: ['yarn'],
  protocol: 'npm',
  read: (machine) => [
    ...variables(machine, 'YARN_NPM_REGISTRY_SERVER', 'YARN_REGISTRY'),
    ...[join(machine.folder, '.yarnrc.yml'), ...inHome(machine, '.yarnrc.yml')].flatMap((where) => {
      const url = parsedFile(where, parse)?.npmRegistryServer
      return typeof url === 'string' ? [{ where, url }] : []
    }),
    ...[join(machine.folder, '.yarnrc'), ...inHome(machine, '.yarnrc')].flatMap((where) => {
      const [, url] = /^registry\s+"?([^"\s]+)"?/m.exec(textOf(where) ?? '') ?? []
      return url === undefined ? [] : [{ where, url }]
    }),
  ],
}
