import { join } from 'node:path'
import { type Client, configFolder, type Setting, textOf, valuesOf, variables } from './client.ts'

export const go: Client = {
  name: 'go',
  programs: ['go'],
  protocol: 'go',
  read: (machine) => {
    const { GOENV } = machine.env
    const files = GOENV === 'off' ? [] : GOENV ? [GOENV] : configFolder(machine).map((folder) => join(folder, 'go/env'))
    const found = files.flatMap((where) => valuesOf(textOf(where) ?? '', /^GOPROXY$/).map((url) => ({ where, url })))
    return [...variables(machine, 'GOPROXY'), ...found].flatMap(firstOf)
  },
}

/** A list of proxies, of which the first one is asked first. `off` and `direct` are none. */
function firstOf({ where, url }: Setting): Setting[] {
  const [first = ''] = url.split(/[,|]/)
  return /^https?:/.test(first) ? [{ where, url: first }] : []
}
