import { describe, expect, it } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import { codeOf, failure, inTime, MINUTE, makeCache, read, turns, useCacheTests } from './fixture.ts'
import { BASE, document } from './plans.ts'
import { NOS, Registry, TROUBLES, UNREACHABLE, version } from './registry.ts'

useCacheTests()

const PLAN = document('index')
const DAY = 24 * 60 * MINUTE

/** A cache that has version 1 of the document since three minutes: too long to be served unasked. */
async function outdated(plan: Plan = PLAN, init: Parameters<typeof makeCache>[0] = {}) {
  const registry = new Registry()
  const kit = makeCache({ script: registry.script, ...init })
  await kit.fetch(plan)
  await kit.clock.advance(3 * MINUTE)
  return { ...kit, registry }
}

describe.each(TROUBLES)('an upstream that %s', (_, trouble) => {
  it('makes the old copy do, and does not replace it', async () => {
    const { get, fetch, clock, registry, store, events } = await outdated()
    const before = store.records.get(PLAN.key)
    registry.instead = trouble
    // Some of it is found out in another thread: no time passes until then, or the copy would be served for that.
    const found = await inTime(clock, get(PLAN), 0)
    expect([found.source, found.age]).toEqual(['stale', 180])
    expect((await read(found)).equals(version(1))).toBe(true)
    expect(store.records.get(PLAN.key)).toEqual(before)
    expect(events.count('refresh failed')).toBe(1)
    // Also for those who ask for confirmation, and as soon as it is over all is well again.
    expect((await inTime(clock, get(PLAN, { revalidate: true }), 0)).source).toBe('stale')
    registry.instead = undefined
    registry.publish(2)
    expect((await fetch(PLAN)).equals(version(2))).toBe(true)
  })

  it('is trouble where there is no copy, is not remembered and keeps nothing', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    registry.instead = trouble
    const error = await failure(inTime(kit.clock, kit.fetch(PLAN)))
    expect([error.status, error.retryable]).toEqual([error.code === 'UPSTREAM_BUSY' ? 429 : 503, true])
    expect([await kit.store.status().then(({ blobs }) => blobs), kit.store.records.get(PLAN.key)]).toEqual([0, undefined])
    registry.instead = undefined
    expect((await kit.fetch(PLAN)).equals(version(1))).toBe(true)
  })
})

describe('an old copy', () => {
  it('does for seven days past its lifetime and no longer', async () => {
    const { get, clock, registry } = await outdated()
    registry.instead = UNREACHABLE
    await clock.advance(7 * DAY - 2 * MINUTE)
    const found = await get(PLAN)
    expect([found.source, found.age]).toEqual(['stale', (7 * DAY + MINUTE) / 1_000])
    await clock.advance(1)
    expect(await codeOf(get(PLAN))).toBe('UPSTREAM_UNREACHABLE')
  })

  it('does for as long as was configured', async () => {
    const { get, clock, registry } = await outdated(PLAN, { init: { staleIfError: 5 * MINUTE } })
    registry.instead = UNREACHABLE
    expect((await get(PLAN)).source).toBe('stale')
    await clock.advance(4 * MINUTE)
    expect(await codeOf(get(PLAN))).toBe('UPSTREAM_UNREACHABLE')
  })

  it('lets the client know when to come back where it does not do any more', async () => {
    const { get, registry } = await outdated(PLAN, { init: { staleIfError: 0 } })
    registry.instead = new WarrenError('UPSTREAM_BUSY', 'limited', { retryAfter: 77 })
    expect(await failure(get(PLAN))).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 77 })
  })

  it('does not do when its bytes are gone, and upstream is heard to its end then', async () => {
    const { get, registry, store, clock } = await outdated()
    await store.blobs.delete(store.records.get(PLAN.key)?.blob ?? '')
    registry.instead = UNREACHABLE
    expect(await codeOf(get(PLAN))).toBe('UPSTREAM_UNREACHABLE')
    registry.instead = undefined
    const release = registry.hold()
    const getting = get(PLAN)
    await clock.advance(10_000)
    release()
    expect((await getting).source).toBe('upstream')
  })
})

describe.each(NOS)('an upstream that answers %i', (status, code) => {
  it('is obeyed at once, whatever copy there is', async () => {
    const { get, registry } = await outdated()
    registry.instead = { status, body: 'no' }
    expect(await codeOf(get(PLAN))).toBe(code)
    expect(await codeOf(get(PLAN))).toBe(code)
  })

  it('is obeyed from the next request on when the old copy went out while it was asked', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    await kit.fetch(PLAN)
    await kit.clock.advance(MINUTE)
    registry.instead = { status }
    expect((await kit.get(PLAN)).source).toBe('stale')
    await turns()
    expect(await codeOf(kit.get(PLAN))).toBe(code)
  })

  it('has taken the copy back for good: it does not return when upstream falls silent', async () => {
    // However long an operator lets copies serve.
    for (const staleIfError of [7 * DAY, 1_000_000 * DAY]) {
      const { get, registry, clock } = await outdated(PLAN, { init: { staleIfError, staleWhileRevalidate: staleIfError } })
      registry.instead = { status }
      await get(PLAN).then(({ body }) => body.close(), String)
      await turns()
      expect(await codeOf(get(PLAN))).toBe(code)
      await clock.advance(20 * MINUTE)
      registry.instead = UNREACHABLE
      expect(await codeOf(get(PLAN))).toBe('UPSTREAM_UNREACHABLE')
      clock.jump(-60 * 365 * DAY)
      expect(await codeOf(get(PLAN))).toBe('UPSTREAM_UNREACHABLE')
    }
  })

  it('may change its mind, and then needs not send the document again', async () => {
    const { get, registry, clock } = await outdated()
    registry.instead = { status }
    await codeOf(get(PLAN))
    registry.instead = undefined
    await clock.advance(20 * MINUTE)
    const found = await get(PLAN)
    expect([found.source, registry.sent]).toEqual(['upstream', 1])
    expect((await read(found)).equals(version(1))).toBe(true)
    expect((await get(PLAN)).source).toBe('local')
  })
})

describe('another variant of a document', () => {
  const FULL = document('index', { key: 'full', headers: { accept: 'full' } })
  const SHORT = document('index', { key: 'short', standIn: FULL })

  it('stands in while upstream is in trouble or slow', async () => {
    const { get, registry, clock } = await outdated(FULL)
    registry.instead = UNREACHABLE
    const found = await get(SHORT)
    expect([found.source, found.age, found.document?.facts]).toEqual(['stale', 180, { files: { v1: { digests: [] } } }])
    expect((await read(found)).equals(version(1))).toBe(true)
    registry.instead = undefined
    registry.hold()
    expect((await inTime(clock, get(SHORT), 1_000)).source).toBe('stale')
  })

  it('comes after the one that was asked for', async () => {
    const { get, fetch, registry, clock } = await outdated(SHORT)
    registry.publish(2)
    await fetch(FULL)
    registry.instead = UNREACHABLE
    await clock.advance(3 * MINUTE)
    expect((await read(await get(SHORT))).equals(version(1))).toBe(true)
  })

  it('does not stand in for ever, nor the other way round', async () => {
    const { get, registry, clock } = await outdated(FULL)
    registry.instead = UNREACHABLE
    await clock.advance(8 * DAY)
    expect(await codeOf(get(SHORT))).toBe('UPSTREAM_UNREACHABLE')
    const other = await outdated(SHORT)
    other.registry.instead = UNREACHABLE
    expect(await codeOf(other.get(FULL))).toBe('UPSTREAM_UNREACHABLE')
  })

  it.each(NOS)('does not stand in against a %i, nor later when upstream falls silent', async (status, code) => {
    for (const held of [[FULL], [FULL, SHORT]]) {
      const { get, fetch, registry, clock } = await outdated(FULL)
      for (const plan of held) await fetch(plan)
      await clock.advance(3 * MINUTE)
      registry.instead = { status }
      expect(await codeOf(get(SHORT))).toBe(code)
      await clock.advance(20 * MINUTE)
      registry.instead = UNREACHABLE
      expect(await codeOf(get(SHORT))).toBe('UPSTREAM_UNREACHABLE')
      registry.instead = undefined
      // It is still there to be compared with.
      const found = await get(FULL)
      expect([found.source, registry.sent]).toEqual(['upstream', held.length])
    }
  })

  it('is left alone by a no while it is being asked for itself', async () => {
    const gate = Promise.withResolvers<void>()
    let published = 1
    const kit = makeCache({
      script: async ({ headers }) => {
        if (headers?.accept !== 'full') return { status: 404 }
        if (published === 2) await gate.promise
        return { body: version(published) }
      },
    })
    await kit.fetch(FULL)
    await kit.clock.advance(3 * MINUTE)
    published = 2
    const before = kit.get(FULL)
    expect(await codeOf(kit.get(SHORT))).toBe('UPSTREAM_ABSENT')
    const after = kit.get(FULL)
    await kit.clock.advance(3_000)
    // Nobody has said anything against the old copy.
    expect([(await before).source, (await after).source]).toEqual(['stale', 'stale'])
    gate.resolve()
    await turns()
    expect((await kit.fetch(FULL)).equals(version(2))).toBe(true)
    expect(kit.upstream.count(`${BASE}index`)).toBe(3)
  })
})
