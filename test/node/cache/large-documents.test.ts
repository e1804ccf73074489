import { expect, it } from 'vitest'
import { useDiskStores } from '../store/fixture.ts'
import { makeCache, read, useCacheTests } from './fixture.ts'
import { document, indexBytes } from './plans.ts'

useCacheTests()
const openStore = useDiskStores()

it('is in no client’s hands as a whole: who asks for hundreds of them and does not read must not fill the memory', async () => {
  const large = Buffer.concat([indexBytes({}), Buffer.alloc(4 << 20, ' ')])
  const { store } = await openStore()
  const { get, upstream } = makeCache({ store, script: () => ({ body: large }) })
  const found = await get(document('large'))
  expect([found.source, found.age, found.body.size, found.body.bytes === undefined]).toEqual([
    'upstream',
    0,
    large.length,
    true,
  ])
  expect(found.document?.facts).toEqual({ files: {} })
  expect((await read(found)).equals(large)).toBe(true)
  expect(upstream.requests.length).toBe(1)
})
