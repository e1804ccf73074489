import { expect, test } from 'vitest'
import { protocols } from '../../protocols/index.ts'

test('each built-in protocol is listed once and owns its root aliases', () => {
  const names = protocols.map((protocol) => protocol.name)
  expect(names).toContain('npm')
  expect(new Set(names).size).toBe(names.length)
  const aliases = protocols.flatMap((protocol) => protocol.rootAliases)
  expect(new Set(aliases).size).toBe(aliases.length)
  for (const alias of aliases) expect(alias).toMatch(/^\/.+\/$/)
})
