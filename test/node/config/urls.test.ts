import fc from 'fast-check'
import { expect, test } from 'vitest'
import { baseUrl } from '../../../node/config/rules.ts'

test.for([
  ['https://NPM.example.test', 'https://npm.example.test/'],
  ['https://example.test:443/a/../npm', 'https://example.test/npm/'],
  ['http://127.0.0.1:4873/', 'http://127.0.0.1:4873/'],
  ['http://[::1]:80/x/', 'http://[::1]/x/'],
])('%s is asked as %s', ([written, canonical]) => {
  expect(baseUrl.parse(written)).toBe(canonical)
})

test.for([
  '',
  'npm.example.test',
  'ftp://example.test/',
  'file:///etc/passwd',
  'http:///x',
  'https:example.test',
  'http://exa\tmple.test/',
  ' http://example.test/',
  'http://',
])('%j is no base URL', (written) => {
  expect(baseUrl.safeParse(written).success).toBe(false)
})

test('a canonical URL stays as it is', () => {
  fc.assert(
    fc.property(fc.webUrl({ validSchemes: ['http', 'https'] }), (url) => {
      const first = baseUrl.safeParse(url)
      if (first.success) expect(baseUrl.parse(first.data)).toBe(first.data)
    }),
  )
})
