import { expect, it } from 'vitest'
import { bytesOf, makeCache, read, turns, useCacheTests } from './fixture.ts'
import { artifact, digestOf } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(10_000)

it.each([
  ['md5', 'upstream', 0],
  ['sha1', 'peer', 1],
] as const)('a member that has it by its %s: it comes from %s, and is announced %i times', async (algorithm, source, times) => {
  const kit = makeCache({ script: () => ({ body: BYTES }) })
  const digest = digestOf(BYTES, algorithm)
  kit.network.join({ id: 'other', kind: 'peer' }).hold(digest, BYTES)
  const found = await kit.get(artifact('a', undefined, { expect: async () => ({ digests: [digest] }) }))
  expect([found.source, (await read(found)).equals(BYTES)]).toEqual([source, true])
  await turns()
  expect(kit.store.records.get(artifact('a').key)?.verified).toEqual([`${algorithm}:${digest.hex}`])
  expect(kit.mesh.announced.length).toBe(times)
})
