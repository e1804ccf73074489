import { expect, test } from 'vitest'
import { coursier } from '../../../../admin/cli/setup/clients/coursier.ts'
import { go } from '../../../../admin/cli/setup/clients/go.ts'
import { npm } from '../../../../admin/cli/setup/clients/npm.ts'
import { pip } from '../../../../admin/cli/setup/clients/pip.ts'
import { NotEditable } from '../../../../admin/cli/setup/not-editable.ts'
import { edited, NODE } from './editing.ts'

const URL = `${NODE}/one/`
const INDEX = `${URL}simple/`
const OMIT = 'omit-lockfile-registry-resolved=true'

test.for([
  // npm knows «=» only, quotes around a key, and sections from the first column on.
  [npm, 'registry: https://x.test/\n', `registry: https://x.test/\nregistry=${URL}\n${OMIT}\n`],
  [npm, '"registry"=https://x.test/\n', `"registry"=${URL}\n${OMIT}\n`],
  [npm, '  [s]\nregistry=https://x.test/\n', `  [s]\nregistry=${URL}\n${OMIT}\n`],
  // Go takes nothing before a key, no blank behind it, and knows no sections.
  [go, 'GOPROXY = https://x.test\n', `GOPROXY = https://x.test\nGOPROXY=${URL},direct\n`],
  [go, ' GOPROXY=https://x.test\n', ` GOPROXY=https://x.test\nGOPROXY=${URL},direct\n`],
  [go, '[s]\nGOPROXY=https://x.test,off\n', `[s]\nGOPROXY=${URL},off\n`],
  // Of pip each command has a section, above that of all. A line that is indented more belongs to the value before it.
  [
    pip,
    '[install]\nindex-url = https://x.test/\n[freeze]\nindex-url = https://y.test/\n',
    `[install]\nindex-url = ${INDEX}\n[freeze]\nindex-url = https://y.test/\n\n[global]\nindex-url = ${INDEX}\n`,
  ],
  [
    pip,
    '  [global]\ntrusted-host =\n    x.test\n    index-url = y.test\n  [install]\n',
    `  [global]\ntrusted-host =\n    x.test\n    index-url = y.test\n  [install]\nindex-url = ${INDEX}\n`,
  ],
] as const)('a key is what its client takes for one: %#', ([client, before, after]) => {
  expect(edited(client, before)).toBe(after)
})

test.for([
  [pip, '[global]\nindex-url =\n\n    https://x.test/\n'],
  [pip, '[global]\nindex-url = https://x.test/\n# note\n  # note\n  https://y.test/\n'],
  [coursier, 'x.from=*\nx.to=https://x.test\\\n  /m2\n'],
] as const)('a value that goes on in a later line is left to whoever wrote it: %#', ([client, before]) => {
  expect(() => edited(client, before)).toThrow(NotEditable)
})
