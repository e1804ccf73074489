import { describe, expect, it } from 'vitest'
import type { MemoryAnswer } from '../../../node/upstream/memory-upstream.ts'
import { bytesOf, codeOf, inTime, type Kit, makeCache, serve, settled, turns, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { BASE, document, indexBytes, indexed } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const INDEX = document('index')
/** Its digest stands in a document that nobody has yet. */
const PLAN = indexed('a', INDEX)
/** Ms that a flight waits for the digest by which members can be asked. */
const PATIENCE = 2_000

/** A cache whose upstream tells digests when the test says so. */
function late(refusal?: MemoryAnswer) {
  const metadata = Promise.withResolvers<MemoryAnswer>()
  const kit = makeCache({
    script: (request) => {
      if (request.url === INDEX.url) return metadata.promise
      return refusal ?? serve(request, BYTES)
    },
  })
  const tell = () => metadata.resolve({ body: indexBytes({ a: { bytes: BYTES } }) })
  return { kit, metadata, tell }
}

const asked = ({ upstream }: Kit) => [upstream.count(INDEX.url), upstream.count(`${BASE}a`)]

describe('an artifact whose digest comes late', () => {
  it('comes from a member, and upstream is asked for the metadata only', async () => {
    const { kit, tell } = late()
    const peer = member(kit, 'p', BYTES)
    const getting = kit.get(PLAN)
    await kit.clock.advance(PATIENCE - 1)
    expect([asked(kit), peer.asked]).toEqual([[1, 0], 0])
    tell()
    const found = await getting
    expect([found.source, found.body.size]).toEqual(['peer', BYTES.length])
    found.body.close()
    expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
    expect([asked(kit), peer.asked, kit.clock.sleeping]).toEqual([[1, 0], 1, 0])
  })

  it('comes from upstream once the metadata took longer than two seconds', async () => {
    const { kit, tell } = late()
    const peer = member(kit, 'p', BYTES)
    const fetching = kit.fetch(PLAN)
    await kit.clock.advance(PATIENCE - 1)
    expect(asked(kit)).toEqual([1, 0])
    await kit.clock.advance(1)
    expect(asked(kit)).toEqual([1, 1])
    tell()
    expect((await fetching).equals(BYTES)).toBe(true)
    expect([asked(kit), peer.asked]).toEqual([[1, 1], 0])
    await turns()
    expect(kit.store.records.get(PLAN.key)?.verified.length).toBe(1)
  })

  it('is asked of upstream at once when the metadata cannot be had or does not tell', async () => {
    for (const answer of [{ status: 503 }, { status: 404 }, { body: indexBytes({}) }]) {
      const { kit, metadata } = late()
      member(kit, 'p', BYTES)
      const start = kit.clock.now()
      const fetching = kit.fetch(PLAN)
      metadata.resolve(answer)
      await turns()
      expect([asked(kit)[1], kit.clock.now()]).toEqual([1, start])
      expect((await fetching).equals(BYTES)).toBe(true)
    }
  })

  it('is waited for by nobody who is alone: upstream is asked for both at once', async () => {
    const { kit, tell } = late()
    const fetching = kit.fetch(PLAN)
    await turns()
    expect(asked(kit)).toEqual([1, 1])
    tell()
    expect((await fetching).equals(BYTES)).toBe(true)
  })

  it.each([404, 403, 503])('comes from a member when upstream answered %i before the digest was known', async (status) => {
    const { kit, tell } = late({ status })
    const peer = member(kit, 'p', BYTES)
    const fetching = kit.fetch(PLAN)
    await kit.clock.advance(PATIENCE)
    expect([asked(kit), peer.asked, await settled(fetching)]).toEqual([[1, 1], 0, false])
    tell()
    expect((await inTime(kit.clock, fetching)).equals(BYTES)).toBe(true)
    expect(peer.asked).toBe(1)
  })

  it('comes from a member that came after upstream had said no', async () => {
    const { kit, tell } = late({ status: 404 })
    const fetching = kit.fetch(PLAN)
    await turns()
    expect(asked(kit)).toEqual([1, 1])
    member(kit, 'p', BYTES)
    tell()
    expect((await inTime(kit.clock, fetching)).equals(BYTES)).toBe(true)
  })

  it('is what upstream said when no member has it either, or there is no digest to ask by', async () => {
    for (const bytes of [bytesOf(10), undefined]) {
      const { kit, metadata } = late({ status: 404 })
      const peer = member(kit, 'p', bytesOf(20))
      const fetching = kit.fetch(PLAN)
      await kit.clock.advance(PATIENCE)
      metadata.resolve({ body: indexBytes({ a: bytes ? { bytes } : { digests: [] } }) })
      expect(await codeOf(inTime(kit.clock, fetching))).toBe('UPSTREAM_ABSENT')
      expect(peer.asked).toBe(0)
    }
  })

  it('is given up with the cache while its digest is waited for', async () => {
    const { kit, tell } = late()
    member(kit, 'p', BYTES)
    const getting = kit.get(PLAN)
    await turns()
    const closing = kit.cache.close()
    tell()
    expect(await codeOf(getting)).toBe('DRAINING')
    await closing
    expect([asked(kit)[1], kit.clock.sleeping]).toEqual([0, 0])
  })
})
