import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defaults } from '../../../node/config/defaults.ts'
import { settings } from '../../../node/config/settings.ts'

const documented = new Map(
  readFileSync(new URL('../../../node/README.md', import.meta.url), 'utf8')
    .split('<!-- settings -->')[1]
    ?.split('\n## ', 1)[0]
    ?.matchAll(/^\| `([\w.]+)` +\| (\S.*?) +\| (\S.*?) +\|$/gm)
    .map(([, key, value, text]) => [key as string, { value, text }] as const),
)

test('the documentation has every setting, in order, with its description', () => {
  const rows = [...documented].map(([key, { text }]) => [key, text])
  expect(rows).toEqual([...settings.values()].map(({ key, description }) => [key, description]))
})

test('the documentation has the defaults that apply', () => {
  const applying = defaults({ env: {}, home: '/home/you' })
  for (const [key, value] of applying) {
    const text = [value].flat().map((one) => `\`${String(one).replace('/home/you', '~')}\``)
    expect([key, documented.get(key)?.value]).toEqual([key, text.join(', ') || '–'])
  }
})
