import { describe, expect, it } from 'vitest'
import type { Upstream, UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { bytesOf, makeCache, serve, turns, useCacheTests } from './fixture.ts'
import { artifact, digestOf } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const PLAN = artifact('a', [digestOf(BYTES)])
const LARGE = 200 << 20

/** A body that comes one piece at a time, whenever the test says so. */
function makeDrip(size: number, more: { declared?: boolean } = {}) {
  const piece = Buffer.alloc(16 << 20)
  const steps: (() => void)[] = []
  const state = { destroyed: false }
  const body = (async function* () {
    for (let sent = 0; sent < size; sent += piece.length) {
      await new Promise<void>((resolve) => steps.push(resolve))
      yield piece.subarray(0, Math.min(piece.length, size - sent))
    }
  })()
  const headers: Record<string, string> = more.declared === false ? {} : { 'content-length': String(size) }
  const fetch = async (_request: UpstreamRequest, signal: AbortSignal) => {
    const gone = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    )
    gone.catch(() => {
      state.destroyed = true
    })
    const abortable = {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const { done, value } = await Promise.race([body.next(), gone])
          if (done) return
          yield value
        }
      },
    }
    return { status: 200, headers, url: '', body: abortable, destroy() {} }
  }
  const step = async () => {
    await turns(3)
    steps.shift()?.()
    await turns(3)
  }
  return {
    upstream: { fetch, health: () => [], isPrivate: () => false, budget: () => undefined, close: async () => {} },
    step,
    state,
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes
}

describe('a flight that nobody waits for', () => {
  it('is given up after ten seconds if much is missing, and not before', async () => {
    const drip = makeDrip(LARGE)
    const kit = makeCache({ upstream: drip.upstream })
    const found = await kit.get(artifact('large'))
    await drip.step()
    found.body.close()
    await kit.clock.advance(9_900)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([1, false])
    await kit.clock.advance(200)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([0, true])
  })

  it('is given up also when its only client left before the headers were there', async () => {
    const drip = makeDrip(LARGE)
    const kit = makeCache({ upstream: drip.upstream })
    const leaving = new AbortController()
    const asking = kit.get(artifact('large'), { signal: leaving.signal })
    leaving.abort(new Error('gone'))
    await expect(asking).rejects.toThrow('gone')
    await drip.step()
    await kit.clock.advance(10_100)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([0, true])
  })

  it('goes on when somebody comes back in time, and waits anew when that one leaves', async () => {
    const drip = makeDrip(LARGE)
    const kit = makeCache({ upstream: drip.upstream })
    ;(await kit.get(artifact('large'))).body.close()
    await kit.clock.advance(6_000)
    const again = await kit.get(artifact('large'))
    expect(again.source).toBe('flight')
    await kit.clock.advance(60_000)
    again.body.close()
    await kit.clock.advance(9_000)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([1, false])
    await kit.clock.advance(1_100)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([0, true])
  })

  it('is given up at once while the disk takes nothing, and joined by nobody from then on', async () => {
    const drip = makeDrip(LARGE)
    const kit = makeCache({ upstream: drip.upstream })
    kit.memory.storing = false
    const first = await kit.get(artifact('large'))
    first.body.close()
    const next = await kit.get(artifact('large'))
    expect([next.source, drip.state.destroyed]).toEqual(['upstream', true])
    next.body.close()
  })

  it('goes on to its end if little is missing', async () => {
    const drip = makeDrip(80 << 20)
    const kit = makeCache({ upstream: drip.upstream })
    const found = await kit.get(artifact('large'))
    await drip.step()
    found.body.close()
    for (let i = 0; i < 5; i++) {
      await kit.clock.advance(9_000)
      await drip.step()
    }
    await turns()
    expect((await kit.get(artifact('large'))).source).toBe('local')
  })

  it('is given up, however little is missing, when next to nothing comes any more', async () => {
    const drip = makeDrip(80 << 20)
    const kit = makeCache({ upstream: drip.upstream })
    ;(await kit.get(artifact('large'))).body.close()
    for (let i = 0; i < 4; i++) await drip.step()
    await kit.clock.advance(10_100)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([1, false])
    await kit.clock.advance(10_100)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([0, true])
  })

  it('is given up when it has no declared length and does not end', async () => {
    const drip = makeDrip(LARGE, { declared: false })
    const kit = makeCache({ upstream: drip.upstream })
    ;(await kit.get(artifact('large'))).body.close()
    for (let i = 0; i < 4; i++) {
      await drip.step()
      await kit.clock.advance(9_000)
    }
    expect(kit.cache.flights).toBe(1)
    await drip.step()
    await kit.clock.advance(10_100)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([0, true])
  })

  it.each([
    ['left before the headers were there', 2 * 60_000, true],
    ['was served stale at once', 90_000, false],
  ])('is given up also when it brings something mutable anew and its only client %s', async (_, age, leaves) => {
    const drip = makeDrip(LARGE)
    let isHeld = false
    const gate = Promise.withResolvers<void>()
    const fetch: Upstream['fetch'] = async (request, signal) => {
      if (!isHeld) return { status: 200, headers: {}, url: '', body: once(BYTES), destroy() {} }
      await gate.promise
      return drip.upstream.fetch(request, signal)
    }
    const kit = makeCache({ upstream: { ...drip.upstream, fetch } })
    const plan = artifact('changing', undefined, { kind: 'mutable', streamed: true, lifetime: { floor: 60_000, cap: 60_000 } })
    await kit.fetch(plan)
    await turns()
    isHeld = true
    await kit.clock.advance(age)
    const leaving = new AbortController()
    const asking = kit.get(plan, { signal: leaving.signal })
    if (leaves) {
      await turns()
      leaving.abort(new Error('gone'))
      await expect(asking).rejects.toThrow('gone')
    } else (await asking).body.close()
    await kit.clock.advance(30_000)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([1, false])
    gate.resolve()
    await drip.step()
    await kit.clock.advance(60_000)
    await drip.step()
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([0, true])
  })

  it('goes on while those wait who have no part in it yet', async () => {
    const drip = makeDrip(LARGE)
    const gate = Promise.withResolvers<void>()
    const fetch: Upstream['fetch'] = async (request, signal) => {
      await gate.promise
      return drip.upstream.fetch(request, signal)
    }
    const kit = makeCache({ upstream: { ...drip.upstream, fetch } })
    const plan = artifact('changing', undefined, { kind: 'mutable', streamed: true })
    const leaving = new AbortController()
    const [one, other] = [kit.get(plan, { signal: leaving.signal }), kit.get(plan)]
    await turns()
    leaving.abort(new Error('gone'))
    await expect(one).rejects.toThrow('gone')
    await kit.clock.advance(5 * 60_000)
    gate.resolve()
    const found = await other
    await kit.clock.advance(5 * 60_000)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([1, false])
    found.body.close()
    await kit.clock.advance(10_100)
    expect([kit.cache.flights, drip.state.destroyed]).toEqual([0, true])
  })

  it('lands in the store when a small one was left by everybody, before or after it had begun', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    const leaving = new AbortController()
    const asking = kit.get(PLAN, { signal: leaving.signal })
    leaving.abort(new Error('gone'))
    await expect(asking).rejects.toThrow('gone')
    await turns()
    expect((await kit.get(PLAN)).source).toBe('local')
  })
})
