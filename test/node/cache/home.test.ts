import { expect, test } from 'vitest'
import { homeOf } from '../../../node/cache/home.ts'
import { cacheKey } from '../../../node/cache/plan.ts'
import { protocols } from '../../../protocols/index.ts'

const BASE = 'https://registry.test/'
const home = (ecosystem: string, path: string, variant?: string, base = BASE) =>
  homeOf(cacheKey({ ecosystem, base, path, ...(variant === undefined ? {} : { variant }) }), protocols)

test.each([
  ['npm', ['lodash', 'lodash/-/lodash-4.17.21.tgz'], ['lodash-es', 'lodash/4.17.21']],
  ['npm', ['@s%2fname', '@s/name/-/name-1.0.0.tgz'], ['name', '@s%2fother']],
  ['go', ['a.test/m/@v/list', 'a.test/m/@v/v1.0.0.zip', 'a.test/m/@latest'], ['a.test/m/v2/@v/list']],
  ['maven', ['org/x/a/1/a-1.jar', 'org/x/a/1/a-1.jar.sha1', 'org/x/a/1/a-1.pom'], ['org/x/a/2/a-2.jar']],
])('of %s all of a package belongs together', (ecosystem, together, apart) => {
  const homes = together.map((path) => home(ecosystem, path, path === together[0] ? 'full' : ''))
  expect(new Set(homes).size).toBe(1)
  for (const path of apart) expect(home(ecosystem, path)).not.toBe(homes[0])
  expect(home(ecosystem, together[0] ?? '', '', 'https://other.test/')).not.toBe(homes[0])
})

test('what has no package, and what is no key, belongs where its own name leads', () => {
  const layer = cacheKey({ ecosystem: 'oci', base: BASE, path: 'library/x/blobs/sha256:ab' })
  expect([homeOf(layer, protocols), homeOf('nothing', protocols)]).toEqual([layer, 'nothing'])
})
