import { describe, expect, it } from 'vitest'
import type { Fault } from '../../../node/mesh/memory-mesh.ts'
import type { MemoryScript } from '../../../node/upstream/memory-upstream.ts'
import { bytesOf, codeOf, inTime, makeCache, read, serve, settled, turns, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { artifact, BASE, digestOf, document, indexBytes, indexed } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const DIGEST = digestOf(BYTES)
const PLAN = artifact('a', [DIGEST])

describe('who is asked for an artifact', () => {
  it('is a member alone as long as it answers within the head start', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES }) })
    const peer = member(kit, 'p', BYTES)
    const found = await kit.get(PLAN)
    expect(found.source).toBe('peer')
    found.body.close()
    expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
    expect([peer.asked, kit.upstream.requests.length]).toEqual([1, 0])
  })

  it('is upstream too once a member that says it has it was silent for 300 ms, and not before', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES }) })
    const silent = member(kit, 'p', BYTES, { fault: { silent: true } })
    const fetching = kit.fetch(PLAN)
    await kit.clock.advance(299)
    expect([silent.asked, kit.upstream.requests.length]).toEqual([1, 0])
    await kit.clock.advance(1)
    expect((await fetching).equals(BYTES)).toBe(true)
    expect(kit.mesh.blamed).toEqual([])
    // Whoever lost the race is asked no longer.
    expect(kit.clock.sleeping).toBe(0)
  })

  it('is upstream alone while no digest is known, in a mesh of one, and when no member has it', async () => {
    const lone = makeCache({ script: () => ({ body: BYTES }) })
    await lone.fetch(PLAN)
    const unjudged = makeCache({ script: () => ({ body: BYTES }) })
    const peer = member(unjudged, 'p', BYTES)
    await unjudged.fetch(artifact('a'))
    const others = makeCache({ script: () => ({ body: BYTES }) })
    member(others, 'p', bytesOf(10))
    // Nobody to wait for: no time passes.
    expect((await others.fetch(PLAN)).equals(BYTES)).toBe(true)
    expect([lone, unjudged, others].map(({ upstream }) => upstream.requests.length)).toEqual([1, 1, 1])
    expect(peer.asked).toBe(0)
  })

  it('is a member by a digest that a cached document tells', async () => {
    const index = document('index')
    const kit = makeCache({ script: () => ({ body: indexBytes({ a: { bytes: BYTES } }) }) })
    member(kit, 'p', BYTES)
    await kit.fetch(index)
    const found = await kit.get(indexed('a', index))
    expect([found.source, kit.upstream.requests.length]).toEqual(['peer', 1])
    expect((await read(found)).equals(BYTES)).toBe(true)
  })

  it('is a member when upstream says no or is in trouble', async () => {
    for (const status of [404, 503]) {
      const kit = makeCache({ script: () => ({ status }) })
      // The first one is silent for longer than the head start.
      member(kit, 'p', BYTES, { fault: { silent: true } })
      member(kit, 'q', BYTES)
      expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(BYTES)).toBe(true)
      expect(kit.upstream.requests.length).toBe(1)
    }
  })

  it('is nobody any more when all have failed: upstream has the word', async () => {
    const kit = makeCache({ script: () => ({ status: 404 }) })
    member(kit, 'p', BYTES, { fault: { refuse: true } })
    expect(await codeOf(inTime(kit.clock, kit.fetch(PLAN)))).toBe('UPSTREAM_ABSENT')
    const trouble = makeCache({ script: () => ({ status: 500 }) })
    member(trouble, 'p', BYTES, { fault: { refuse: true } })
    expect(await codeOf(inTime(trouble.clock, trouble.fetch(PLAN), 500))).toBe('UPSTREAM_FAILED')
  })

  it('is told what was kept once it is verified, and not before', async () => {
    const gate = Promise.withResolvers<void>()
    const kit = makeCache({ script: (request) => gate.promise.then(() => serve(request, BYTES)) })
    const fetching = kit.fetch(PLAN)
    await turns()
    expect(kit.mesh.announced).toEqual([])
    gate.resolve()
    await fetching
    await turns()
    expect(kit.mesh.announced).toEqual([`sha512:${DIGEST.hex}`])
  })
})

describe('bytes of a peer', () => {
  it('are seen by nobody before they are verified, and head and size neither', async () => {
    const kit = makeCache()
    const peer = member(kit, 'p', BYTES, { fault: { stallAfter: BYTES.length - 1 } })
    const getting = kit.get(PLAN)
    expect(await settled(getting)).toBe(false)
    expect(peer.sending).toBe(1)
    await kit.cache.close()
    expect(await codeOf(getting)).toBe('DRAINING')
    expect(peer.sending).toBe(0)
  })

  it('go out while they come when it is a seed, but for the last ones', async () => {
    const kit = makeCache()
    member(kit, 's', BYTES, { kind: 'seed', fault: { stallAfter: BYTES.length - 1 } })
    const found = await kit.get(PLAN)
    expect([found.source, found.body.size]).toEqual(['seed', BYTES.length])
    const first = await found.body.read(0, 1 << 20, (size) => Buffer.alloc(size))
    expect(first.equals(BYTES.subarray(0, first.length))).toBe(true)
    const last = Promise.resolve(found.body.read(BYTES.length - 1, 1, (size) => Buffer.alloc(size)))
    expect(await settled(last)).toBe(false)
    await kit.cache.close()
    expect(await codeOf(last)).toBe('DRAINING')
    found.body.close()
  })

  const faults: [string, Fault, blamed: boolean][] = [
    ['lies in one byte', { flipAt: 150_000 }, true],
    ['sends too few and ends cleanly', { shortAfter: 200_000 }, true],
    ['sends too many', { surplus: 1 }, true],
    ['breaks off', { cutAfter: 200_000 }, false],
    ['goes silent', { stallAfter: 200_000 }, false],
    ['answers nothing at all', { silent: true }, false],
    ['refuses', { refuse: true }, false],
    ['says that there is less', { size: 299_999 }, true],
    ['says that there is more', { size: 300_001 }, true],
  ]

  it.each(faults)('are replaced unnoticed when it %s, by another peer', async (_, fault, blamed) => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    member(kit, 'bad', BYTES, { fault })
    member(kit, 'good', BYTES)
    const found = await inTime(kit.clock, kit.get(PLAN), 500)
    expect([found.source, found.digest, found.body.size]).toEqual(['peer', `sha512:${DIGEST.hex}`, BYTES.length])
    found.body.close()
    expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
    expect(kit.mesh.blamed.length > 0).toBe(blamed)
    expect(new Set(kit.mesh.blamed)).toEqual(new Set(blamed ? ['bad'] : []))
  })

  it.each(faults)('are replaced unnoticed when it %s, by upstream', async (_, fault, blamed) => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    member(kit, 'bad', BYTES, { fault })
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    expect(new Set(kit.mesh.blamed)).toEqual(new Set(blamed ? ['bad'] : []))
    await turns()
    expect(kit.store.records.get(PLAN.key)).toMatchObject({ size: BYTES.length, verified: [`sha512:${DIGEST.hex}`] })
    expect([kit.cache.flights, kit.clock.sleeping]).toEqual([0, 0])
  })

  it.each(faults)('do no harm when it %s, however many such peers there are', async (_, fault) => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    for (let i = 0; i < 30; i++) member(kit, `bad${i}`, BYTES, { fault })
    const start = kit.clock.now()
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    expect(kit.clock.now() - start).toBeLessThan(60_000)
  })

  it.each(faults)(
    'are replaced unnoticed when it %s after its first byte, however many such peers there are',
    async (_, fault) => {
      const kit = makeCache({ script: (request) => serve(request, BYTES) })
      const early = Object.fromEntries(Object.entries(fault).map(([name, value]) => [name, value === 200_000 ? 1 : value]))
      for (let i = 0; i < 30; i++) member(kit, `bad${i}`, BYTES, { fault: early })
      expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    },
  )
})

describe('a peer that breaks off', () => {
  it('is followed by the next one from byte n', async () => {
    const kit = makeCache()
    member(kit, 'first', BYTES, { fault: { cutAfter: 200_000 } })
    const opened: number[] = []
    const second = member(kit, 'second', BYTES)
    const find = kit.mesh.find.bind(kit.mesh)
    kit.mesh.find = async function* (digest, signal) {
      for await (const source of find(digest, signal)) {
        const open: typeof source.open = (start, openSignal) => {
          opened.push(start)
          return source.open(start, openSignal)
        }
        yield { ...source, open }
      }
    }
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(BYTES)).toBe(true)
    expect([opened, second.asked]).toEqual([[0, 200_000], 1])
  })

  it('is followed by upstream from byte n, with a range and no condition', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES, { etag: '"1"' }) })
    member(kit, 'first', BYTES, { fault: { cutAfter: 200_000 } })
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(BYTES)).toBe(true)
    expect(kit.upstream.requests.map(({ range }) => range)).toEqual([{ start: 200_000 }])
    await turns()
    expect(kit.store.records.get(PLAN.key)?.etag).toBe('"1"')
  })

  it('is not asked a second time in the same flight', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    const only = member(kit, 'only', BYTES, { fault: { cutAfter: 200_000 } })
    expect(await codeOf(inTime(kit.clock, kit.fetch(PLAN), 500))).toBe('UPSTREAM_FAILED')
    expect(only.asked).toBe(1)
    only.fault = {}
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(BYTES)).toBe(true)
  })

  it('stays out of what readers of upstream have begun to receive, unless nobody else can go on', async () => {
    for (const lives of [true, false]) {
      const script: MemoryScript = (request) => {
        if (!request.range) return serve(request, BYTES, { cutAt: 200_000 })
        peer.fault = {}
        return lives ? serve(request, BYTES) : { status: 503 }
      }
      const kit = makeCache({ script })
      const peer = member(kit, 'p', BYTES, { fault: { silent: true } })
      const found = await inTime(kit.clock, kit.get(PLAN), 20)
      expect(found.source).toBe('upstream')
      expect((await inTime(kit.clock, read(found), 500)).equals(BYTES)).toBe(true)
      expect(peer.asked).toBe(lives ? 1 : 2)
    }
  })

  it('frees what it was sending', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    const peers = [{ stallAfter: 70_000 }, { cutAfter: 70_000 }, { surplus: 9 }].map((fault, i) =>
      member(kit, `p${i}`, BYTES, { fault }),
    )
    await inTime(kit.clock, kit.fetch(PLAN), 500)
    expect(peers.map(({ sending }) => sending)).toEqual([0, 0, 0])
    expect(kit.upstream.count(`${BASE}a`)).toBeGreaterThan(0)
  })
})
