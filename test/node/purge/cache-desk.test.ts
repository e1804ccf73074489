import { expect, it } from 'vitest'
import { cacheKey } from '../../../node/cache/plan.ts'
import { CacheDesk, type CacheDeskComponents } from '../../../node/purge/cache-desk.ts'
import type { PurgeScope } from '../../../node/purge/scope.ts'

const BASE = 'https://upstream.example.test/'
const BLOB = 'a'.repeat(64)

it.each([
  ['a name', 'a/b', { kind: 'path', ecosystem: 'raw', base: BASE, pattern: 'a/b' }],
  [
    'a name with a star in it, and nothing that such a pattern would stand for',
    'a/*',
    { kind: 'digest', digest: `sha256:${BLOB}` },
  ],
  ['a name that no pattern has', 'a b', { kind: 'digest', digest: `sha256:${BLOB}` }],
])('purges what is kept under %s', async (_, path, scope) => {
  const purged: (readonly PurgeScope[])[] = []
  const components = {
    store: { records: { get: () => ({ blob: BLOB, verified: [] }) } },
    purger: { apply: async (_id: string, scopes: readonly PurgeScope[]) => purged.push(scopes) },
    planOf: () => undefined,
    find: () => undefined,
    mirrors: () => [],
  }
  const desk = new CacheDesk(components as unknown as CacheDeskComponents)
  await desk.remove(cacheKey({ ecosystem: 'raw', base: BASE, path }))
  expect(purged).toEqual([[scope]])
})
