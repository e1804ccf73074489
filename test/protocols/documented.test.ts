import { existsSync, readFileSync } from 'node:fs'
import { expect, it, test } from 'vitest'
import { protocols } from '../../protocols/index.ts'

const root = new URL('../../', import.meta.url)
const text = (path: string) => readFileSync(new URL(path, root), 'utf8')
const documented = text('protocols/README.md')

/** Names of the fields that an interface has which not everybody needs. */
function optionalFields(file: string, name: string): string[] {
  const [, body = ''] = text(file).split(new RegExp(`^export interface ${name} \\{$`, 'm'))
  return [...(body.split(/^\}$/m)[0] ?? '').matchAll(/^ {2}(?:readonly )?(\w+)\?[:(]/gm)].map(([, field = '']) => field)
}

it.each([
  ['node/cache/plan.ts', 'Plan'],
  ['protocols/protocol.ts', 'Planned'],
])('what may be told of a request (%s, %s) is documented', (file, name) => {
  const fields = optionalFields(file, name)
  expect(fields.length).toBeGreaterThan(3)
  expect(fields.filter((field) => !documented.includes(`\`${field}\``))).toEqual([])
})

test('each ecosystem is in the table, with files that there are', () => {
  const rows = [...documented.matchAll(/^\| `(\w+)\/` +\|(.*)\|$/gm)].map(([, folder = '', cells = '']) => ({
    folder,
    files: [...cells.matchAll(/`([\w-]+\.ts)`/g)].map(([, file = '']) => file),
  }))
  expect(rows.map(({ folder }) => folder).sort()).toEqual(protocols.map(({ name }) => name).sort())
  for (const { folder, files } of rows) {
    expect(files.length).toBeGreaterThan(3)
    for (const file of ['errors.ts', 'index.ts', 'named.ts', ...files]) {
      expect([folder, file, existsSync(new URL(`protocols/${folder}/${file}`, root))]).toEqual([folder, file, true])
    }
  }
})
