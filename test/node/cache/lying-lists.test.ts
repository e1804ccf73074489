import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import type { ChunkPage } from '../../../node/mesh/swarm/chunk-page.ts'
import { CHUNK_BYTES } from '../../../node/mesh/swarm/constants.ts'
import { eventually } from '../../harness/wait.ts'
import { bytesOf, makeCache, serve, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { artifact, digestOf } from './plans.ts'
import { LARGE } from './swarm.ts'

useCacheTests()

const BYTES = bytesOf(LARGE)
const PLAN = artifact('large', [digestOf(BYTES)])
const HASHES = Array.from({ length: Math.ceil(LARGE / CHUNK_BYTES) }, (_, at) => {
  const chunk = BYTES.subarray(at * CHUNK_BYTES, (at + 1) * CHUNK_BYTES)
  return createHash('sha256').update(chunk).digest()
})
const RIGHT: ChunkPage = { size: LARGE, sure: true, hashes: Buffer.concat(HASHES) }
const WRONG_CHUNK: ChunkPage = { ...RIGHT, hashes: Buffer.concat(HASHES.with(3, Buffer.alloc(32))) }
const WRONG_SIZE: ChunkPage = { ...RIGHT, size: LARGE + 1 }

it.each([
  ['a chunk', WRONG_CHUNK, {}, ['seed']],
  ['the length', WRONG_SIZE, {}, ['seed']],
  ['a chunk, but has not seen the whole', { ...WRONG_CHUNK, sure: false }, {}, []],
  ['nothing', RIGHT, { flipAt: 3 * CHUNK_BYTES }, ['a', 'b']],
  ['nothing, while two say it is longer', RIGHT, { size: LARGE + 1 }, ['a', 'b']],
])('who hands on what is right is not blamed where the list of a seed is wrong about %s', async (_, page, fault, liars) => {
  const kit = makeCache({ script: (request) => serve(request, BYTES) })
  const seed = kit.network.join({ id: 'seed', kind: 'seed' })
  const serving = { shelf: { has: () => false, partial: () => undefined }, lists: { page: async () => page } }
  Object.assign(seed, { serving })
  for (const id of ['a', 'b']) member(kit, id, BYTES, { fault })
  expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
  await eventually('it is kept, and known who lied', () => kit.cache.flights === 0)
  expect(kit.mesh.blamed).toEqual(liars)
})
