import { join } from 'node:path'
import { type Client, configFolder, inHome, textOf, valuesOf, variables } from './client.ts'

export const pip: Client = {
  name: 'pip',
  programs: ['pip', 'pip3'],
  protocol: 'pypi',
  read: (machine) => {
    const named = machine.env.PIP_CONFIG_FILE
    const files = named
      ? [named]
      : [
          ...configFolder(machine).map((folder) => join(folder, 'pip/pip.conf')),
          ...inHome(machine, '.pip/pip.conf', 'Library/Application Support/pip/pip.conf'),
          join(machine.root, 'etc/pip.conf'),
        ]
    const found = files.flatMap((where) => valuesOf(textOf(where) ?? '', /^index[-_]url$/i).map((url) => ({ where, url })))
    return [...variables(machine, 'PIP_INDEX_URL'), ...found]
  },
}
