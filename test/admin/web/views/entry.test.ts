import { expect, test } from 'vitest'
import { entryOf, fieldsOf } from '../../../../admin/web/views/mirrors/entry.ts'

test.each([
  {},
  { protocol: 'npm', path: '/x/', upstreams: ['https://a.example/', 'https://b.example/'] },
  { protocol: 'oci', upstreams: [{ url: 'https://a.example/', only: ['@corp/*'] }], lifetime: '10m', routes: { a: false } },
])('a form says of %j what was in it', (entry) => {
  expect(entryOf(fieldsOf('x', entry))).toEqual(entry)
})

test('a mirror that was taken away begins empty, and what is no JSON is told', () => {
  expect(entryOf(fieldsOf('x', false))).toEqual({})
  expect(() => entryOf({ ...fieldsOf('x', {}), rest: '{' })).toThrow('the further settings are no JSON')
  expect(() => entryOf({ ...fieldsOf('x', {}), upstreams: '{url' })).toThrow('«{url» is no JSON')
})
