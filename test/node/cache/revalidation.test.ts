import { describe, expect, it } from 'vitest'
import { bytesOf, codeOf, MINUTE, makeCache, read, settled, turns, useCacheTests } from './fixture.ts'
import { BASE, document } from './plans.ts'
import { Registry, UNREACHABLE, version } from './registry.ts'

useCacheTests()

const PLAN = document('index')

/** A cache that has version 1 of the document since just now. */
async function filled() {
  const registry = new Registry()
  const kit = makeCache({ script: registry.script })
  await kit.fetch(PLAN)
  return { ...kit, registry }
}

describe('a document within its lifetime', () => {
  it('is served without asking anybody, and says how old it is', async () => {
    const { get, clock, upstream, registry } = await filled()
    registry.publish(2)
    await clock.advance(MINUTE - 1)
    const found = await get(PLAN)
    expect([found.source, found.age, upstream.requests.length]).toEqual(['local', 59, 1])
    expect((await read(found)).equals(version(1))).toBe(true)
  })

  it('is asked for anew when its lifetime is over', async () => {
    const { fetch, clock, registry, get } = await filled()
    registry.publish(2)
    await clock.advance(3 * MINUTE)
    const found = await get(PLAN)
    expect([found.source, found.age]).toEqual(['upstream', 0])
    expect((await read(found)).equals(version(2))).toBe(true)
    expect((await fetch(PLAN)).equals(version(2))).toBe(true)
  })
})

describe('a document up to a minute past its lifetime', () => {
  it('is served at once and refreshed behind', async () => {
    const { get, clock, registry, upstream } = await filled()
    registry.publish(2)
    await clock.advance(2 * MINUTE - 1)
    const release = registry.hold()
    const found = await get(PLAN)
    expect([found.source, found.age]).toEqual(['stale', 119])
    expect((await read(found)).equals(version(1))).toBe(true)
    expect(upstream.requests.length).toBe(2)
    release()
    await turns()
    const next = await get(PLAN)
    expect(next.source).toBe('local')
    expect((await read(next)).equals(version(2))).toBe(true)
    expect(upstream.requests.length).toBe(2)
  })

  it('is waited for once that minute is over', async () => {
    const { get, clock, registry } = await filled()
    registry.publish(2)
    await clock.advance(2 * MINUTE)
    expect((await get(PLAN)).source).toBe('upstream')
  })

  it('is refreshed once for all who are served the old copy', async () => {
    const { get, clock, registry, upstream } = await filled()
    await clock.advance(MINUTE)
    const release = registry.hold()
    const found = await Promise.all(Array.from({ length: 20 }, () => get(PLAN)))
    expect(found.map(({ source }) => source)).toEqual(Array.from({ length: 20 }, () => 'stale'))
    release()
    await turns()
    expect(upstream.requests.length).toBe(2)
  })

  it('stays in use when the refresh fails, and tells so', async () => {
    const { get, clock, registry, events } = await filled()
    await clock.advance(MINUTE)
    registry.instead = UNREACHABLE
    expect((await get(PLAN)).source).toBe('stale')
    await turns()
    expect(events.lines).toEqual(['refresh failed: nobody there'])
    expect((await get(PLAN)).source).toBe('stale')
  })

  it('is not what a client gets that asks for confirmation', async () => {
    const { get, clock, registry } = await filled()
    registry.publish(2)
    await clock.advance(MINUTE)
    expect((await get(PLAN, { revalidate: true })).source).toBe('upstream')
  })

  it('is fetched anew at once when its bytes are gone', async () => {
    const { get, fetch, clock, registry, store } = await filled()
    await clock.advance(MINUTE)
    await store.blobs.delete(store.records.get(PLAN.key)?.blob ?? '')
    expect((await get(PLAN)).source).toBe('upstream')
    expect((await fetch(PLAN)).equals(version(1))).toBe(true)
    expect(registry.sent).toBe(2)
  })
})

describe('a client that asks for confirmation', () => {
  it('is heard at most once in ten seconds per document', async () => {
    const { get, clock, upstream } = await filled()
    await clock.advance(9_999)
    expect((await get(PLAN, { revalidate: true })).source).toBe('local')
    await clock.advance(1)
    expect((await get(PLAN, { revalidate: true })).source).toBe('upstream')
    expect((await get(PLAN, { revalidate: true })).source).toBe('local')
    expect(upstream.requests.length).toBe(2)
  })

  it('shares its question with all who ask meanwhile', async () => {
    const { get, clock, upstream, registry } = await filled()
    await clock.advance(10_000)
    const release = registry.hold()
    const asking = Array.from({ length: 20 }, () => get(PLAN, { revalidate: true }))
    release()
    expect((await Promise.all(asking)).every(({ source }) => source === 'upstream')).toBe(true)
    expect(upstream.requests.length).toBe(2)
  })

  it('is not heard where nothing can change', async () => {
    const bytes = bytesOf(1_000)
    const kit = makeCache({ script: () => ({ body: bytes }) })
    const plan = { ...PLAN, kind: 'immutable' as const, document: undefined, url: `${BASE}x`, key: 'x' }
    const { document: _, ...artifact } = plan
    await kit.fetch(artifact)
    await turns()
    await kit.clock.advance(1e12)
    expect((await kit.get(artifact, { revalidate: true })).source).toBe('local')
    expect(kit.upstream.requests.length).toBe(1)
  })
})

describe('an upstream that takes its time', () => {
  it('is waited for three seconds while there is a copy, and the answer is not lost', async () => {
    const { get, clock, registry, upstream } = await filled()
    registry.publish(2)
    await clock.advance(3 * MINUTE)
    const release = registry.hold()
    const getting = get(PLAN)
    await clock.advance(2_999)
    expect(await settled(getting)).toBe(false)
    await clock.advance(1)
    expect((await getting).source).toBe('stale')
    release()
    await turns()
    const next = await get(PLAN)
    expect([next.source, upstream.requests.length]).toEqual(['local', 2])
    expect((await read(next)).equals(version(2))).toBe(true)
  })

  it('is waited for as long as it takes where there is no copy', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    const release = registry.hold()
    const getting = kit.get(PLAN)
    await kit.clock.advance(10 * MINUTE)
    expect(await settled(getting)).toBe(false)
    release()
    expect((await getting).source).toBe('upstream')
  })

  it('costs the patience of each who asks, but no second request', async () => {
    const { get, clock, registry, upstream } = await filled()
    await clock.advance(3 * MINUTE)
    const release = registry.hold()
    for (let i = 0; i < 3; i++) {
      const getting = get(PLAN)
      await clock.advance(3_000)
      expect((await getting).source).toBe('stale')
    }
    expect(upstream.requests.length).toBe(2)
    release()
    await turns()
    expect(clock.sleeping).toBe(0)
  })

  it('loses a client that leaves, and nobody else', async () => {
    const { get, clock, registry } = await filled()
    await clock.advance(3 * MINUTE)
    const release = registry.hold()
    const leaving = new AbortController()
    const first = get(PLAN, { signal: leaving.signal })
    const second = get(PLAN)
    leaving.abort('left')
    await expect(first).rejects.toBe('left')
    release()
    expect((await second).source).toBe('upstream')
  })

  it('is broken off when the node stops', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    registry.hold()
    const getting = codeOf(kit.get(PLAN))
    await kit.cache.close()
    expect(await getting).toBe('DRAINING')
    expect(await codeOf(kit.get(PLAN))).toBe('DRAINING')
  })
})

describe('a clock that was set', () => {
  it('back by more than a minute makes nothing fresh for years: upstream is asked', async () => {
    const { get, clock, upstream } = await filled()
    clock.jump(-MINUTE - 1)
    expect((await get(PLAN)).source).toBe('upstream')
    // From now on the new time counts.
    expect((await get(PLAN)).source).toBe('local')
    expect(upstream.requests.length).toBe(2)
  })

  it('back by a little changes nothing', async () => {
    const { get, clock, upstream } = await filled()
    clock.jump(-MINUTE)
    const found = await get(PLAN)
    expect([found.source, found.age, upstream.requests.length]).toEqual(['local', 0, 1])
  })

  it('back still leaves the copy for when upstream is in trouble', async () => {
    const { get, clock, registry } = await filled()
    registry.instead = UNREACHABLE
    clock.jump(-1_000 * MINUTE)
    const found = await get(PLAN)
    expect([found.source, found.age]).toEqual(['stale', 0])
  })

  it('ahead makes a copy old, and nothing worse', async () => {
    const { get, clock } = await filled()
    clock.jump(60 * MINUTE)
    expect((await get(PLAN)).source).toBe('upstream')
  })
})
