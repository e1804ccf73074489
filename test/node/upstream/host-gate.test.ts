import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { Crowded } from '../../../node/upstream/crowded.ts'
import { HostGate, type HostGateInit } from '../../../node/upstream/host-gate.ts'
import { HostGates } from '../../../node/upstream/host-gates.ts'
import { failure, NEVER } from './fixture.ts'
import { ManualClock } from './manual-clock.ts'

const ORIGIN = 'https://registry.example.test'

function makeGate(init: Partial<HostGateInit> = {}) {
  const clock = new ManualClock()
  const gate = new HostGate({ clock, random: () => 0 }, { origin: ORIGIN, concurrency: 2, queue: 3, patience: 8_000, ...init })
  const fail = async (times: number, reason = 'connection refused') => {
    for (let i = 0; i < times; i++) {
      const pass = await gate.enter(NEVER)
      pass.failed(reason, {})
      pass.leave()
    }
  }
  const limited = async (retryAfter?: number) => {
    const pass = await gate.enter(NEVER)
    const rest = pass.busy('answered 429', retryAfter)
    pass.leave()
    return rest
  }
  return { clock, gate, fail, limited }
}

describe('places', () => {
  it('are given in order of arrival, up to the limit', async () => {
    const { gate } = makeGate()
    const first = await gate.enter(NEVER)
    await gate.enter(NEVER)
    const order: string[] = []
    const waiting = ['a', 'b'].map((name) => gate.enter(NEVER).then((pass) => [order.push(name), pass.leave()]))
    expect(gate.health()).toMatchObject({ inFlight: 2, queued: 2, requests: 2 })
    first.leave()
    first.leave()
    await Promise.all(waiting)
    expect(order).toEqual(['a', 'b'])
    expect(gate.health()).toMatchObject({ inFlight: 1, queued: 0, requests: 4 })
  })

  it('are refused with UPSTREAM_BUSY when too many wait', async () => {
    const { gate } = makeGate({ concurrency: 1, queue: 1 })
    const first = await gate.enter(NEVER)
    const second = gate.enter(NEVER)
    const error = await failure(gate.enter(NEVER))
    expect(error).toBeInstanceOf(Crowded)
    expect(error).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 1 })
    first.leave()
    ;(await second).leave()
    expect(gate.unused).toBe(true)
  })

  it('are waited for as long as the queue moves', async () => {
    const { clock, gate } = makeGate({ concurrency: 1 })
    let place = await gate.enter(NEVER)
    const waiting = Array.from({ length: 3 }, () => gate.enter(NEVER))
    for (const next of waiting) {
      clock.advance(29_000)
      await Promise.resolve()
      place.leave()
      place = await next
    }
    place.leave()
    expect([gate.unused, clock.sleeping]).toEqual([true, 0])
  })

  it('are waited for half a minute at most while none comes free', async () => {
    const { clock, gate } = makeGate({ concurrency: 1 })
    const first = await gate.enter(NEVER)
    const late = failure(gate.enter(NEVER))
    clock.advance(10_000)
    const next = gate.enter(NEVER)
    clock.advance(19_999)
    expect(gate.health().queued).toBe(2)
    clock.advance(1)
    const error = await late
    expect(error).toBeInstanceOf(Crowded)
    expect(error).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 5 })
    expect(error.message).toBe(`${ORIGIN}: none of 1 requests under way has ended within 30 s; try again later`)
    expect(gate.health()).toMatchObject({ inFlight: 1, queued: 1 })
    first.leave()
    ;(await next).leave()
    expect([gate.unused, clock.sleeping]).toEqual([true, 0])
  })

  it('leave neither a timer nor a listener behind once they are waited for no more', async () => {
    const { clock, gate } = makeGate({ concurrency: 1 })
    const first = await gate.enter(NEVER)
    const { signal } = new AbortController()
    const controller = new AbortController()
    const served = gate.enter(signal)
    const late = failure(gate.enter(signal))
    const gone = gate.enter(controller.signal)
    expect(clock.sleeping).toBe(3)
    controller.abort('gone')
    await expect(gone).rejects.toBe('gone')
    first.leave()
    await served
    expect(clock.sleeping).toBe(1)
    clock.advance(30_000)
    await late
    expect([clock.sleeping, getEventListeners(signal, 'abort').length]).toEqual([0, 0])
  })

  it('are not kept for who has left the queue', async () => {
    const { gate } = makeGate({ concurrency: 1 })
    const first = await gate.enter(NEVER)
    const controller = new AbortController()
    const gone = gate.enter(controller.signal)
    const next = gate.enter(NEVER)
    controller.abort('gone')
    await expect(gone).rejects.toBe('gone')
    expect(gate.health().queued).toBe(1)
    first.leave()
    ;(await next).leave()
    expect(gate.unused).toBe(true)
  })
})

describe('failures', () => {
  it('in a row are counted until something is answered', async () => {
    const { gate, fail } = makeGate()
    await fail(3)
    expect(gate.health()).toMatchObject({ state: 'closed', requests: 3, failures: 3, failedInRow: 3 })
    const pass = await gate.enter(NEVER)
    pass.answered()
    pass.leave()
    expect(gate.health()).toMatchObject({ requests: 4, failures: 3 })
    expect(gate.health()).not.toHaveProperty('failedInRow')
  })
})

describe('a freeze', () => {
  it('makes requests wait that have the patience', async () => {
    const { clock, gate, limited } = makeGate()
    expect(await limited(5)).toBe(5)
    expect(gate.health()).toMatchObject({ state: 'frozen', until: clock.now() + 5_000, failures: 1, lastError: 'answered 429' })
    const waiting = gate.enter(NEVER)
    await clock.whenSleeping(1)
    expect(clock.asked).toEqual([5_000])
    clock.advance(5_000)
    ;(await waiting).leave()
    expect(gate.health()).toMatchObject({ state: 'closed', until: 0 })
  })

  it('bounces others with the seconds that are left', async () => {
    const { clock, gate, limited } = makeGate()
    await limited(20)
    clock.advance(10_500)
    expect(await failure(gate.enter(NEVER))).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 10 })
    clock.advance(2_000)
    const waiting = gate.enter(NEVER)
    await clock.whenSleeping(1)
    clock.advance(7_500)
    ;(await waiting).leave()
  })

  it('reaches those who wait for a place already', async () => {
    const { gate } = makeGate({ concurrency: 1 })
    const first = await gate.enter(NEVER)
    const waiting = failure(gate.enter(NEVER))
    first.busy('answered 429', 60)
    first.leave()
    expect(await waiting).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 60 })
  })

  it('ends a wait that is aborted', async () => {
    const { clock, gate, limited } = makeGate()
    await limited(5)
    const controller = new AbortController()
    const waiting = gate.enter(controller.signal)
    await clock.whenSleeping(1)
    controller.abort('gone')
    await expect(waiting).rejects.toBe('gone')
    expect(clock.sleeping).toBe(0)
  })

  it('doubles from 30 s to 15 min while upstream does not say how long, and starts anew after an answer', async () => {
    const { clock, gate, limited } = makeGate()
    const rests: number[] = []
    for (let i = 0; i < 7; i++) {
      rests.push(await limited())
      clock.advance(900_000)
    }
    expect(rests).toEqual([30, 60, 120, 240, 480, 900, 900])
    const pass = await gate.enter(NEVER)
    pass.answered()
    pass.leave()
    expect(await limited()).toBe(30)
  })

  it('is one event for all the requests that were under way', async () => {
    const { clock, gate, limited } = makeGate()
    const passes = [await gate.enter(NEVER), await gate.enter(NEVER)]
    expect(passes.map((pass) => pass.busy('answered 429', undefined))).toEqual([30, 30])
    for (const pass of passes) pass.leave()
    clock.advance(30_000)
    expect(await limited()).toBe(60)
  })

  it('is never shorter than a second nor longer than 15 min, whatever upstream asks', async () => {
    const { clock, limited } = makeGate()
    expect(await limited(0)).toBe(1)
    clock.advance(1_000)
    expect(await limited(1e9)).toBe(900)
  })

  it('has some jitter on top, never below what was asked', async () => {
    const clock = new ManualClock()
    const gate = new HostGate({ clock, random: () => 0.999 }, { origin: ORIGIN, concurrency: 1, queue: 1, patience: 0 })
    const pass = await gate.enter(NEVER)
    pass.busy('answered 429', 100)
    pass.leave()
    const rest = gate.health().until - clock.now()
    expect(rest).toBeGreaterThan(100_000)
    expect(rest).toBeLessThan(105_001)
  })

  it('is over when the clock is set back', async () => {
    const { clock, gate, limited } = makeGate()
    await limited(600)
    clock.advance(-3_600_000)
    ;(await gate.enter(NEVER)).leave()
  })

  it('comes with a failure, too, when upstream asks for it', async () => {
    const { gate } = makeGate()
    const pass = await gate.enter(NEVER)
    pass.failed('answered 503', { retryAfter: 60 })
    pass.leave()
    expect(await failure(gate.enter(NEVER))).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 60 })
  })
})

describe('the breaker', () => {
  it('opens after five consecutive failures and says since when and why', async () => {
    const { clock, gate, fail } = makeGate()
    await fail(4)
    expect(gate.health().state).toBe('closed')
    await fail(1)
    expect(gate.health()).toMatchObject({ state: 'open', until: clock.now() + 1_000, failures: 5 })
    const error = await failure(gate.enter(NEVER))
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', retryAfter: 1 })
    expect(error.message).toBe(`${ORIGIN} has failed since 2030-01-01T00:00:00.000Z (connection refused); asked again in 1 s`)
  })

  it('counts consecutive failures only', async () => {
    const { gate, fail } = makeGate()
    await fail(4)
    const pass = await gate.enter(NEVER)
    pass.answered()
    pass.leave()
    await fail(4)
    expect(gate.health()).toMatchObject({ state: 'closed', failures: 8 })
  })

  it('lets one probe through when its time is over, refuses others meanwhile, and closes on an answer', async () => {
    const { clock, gate, fail } = makeGate()
    await fail(5)
    clock.advance(1_000)
    const probe = await gate.enter(NEVER)
    expect(gate.health().state).toBe('half-open')
    expect((await failure(gate.enter(NEVER))).code).toBe('UPSTREAM_UNREACHABLE')
    probe.answered()
    probe.leave()
    expect(gate.health().state).toBe('closed')
    await fail(4)
    expect(gate.health().state).toBe('closed')
  })

  it('rests twice as long after each failed probe, up to 30 s', async () => {
    const { clock, gate, fail } = makeGate()
    await fail(5)
    const rests: number[] = []
    for (let i = 0; i < 7; i++) {
      const rest = gate.health().until - clock.now()
      rests.push(rest)
      clock.advance(rest)
      await fail(1, 'still down')
    }
    expect(rests).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    expect((await failure(gate.enter(NEVER))).message).toContain('since 2030-01-01T00:00:00.000Z (still down)')
  })

  it('sends another probe when the first ended without telling anything', async () => {
    const { clock, gate, fail } = makeGate()
    await fail(5)
    clock.advance(1_000)
    const probe = await gate.enter(NEVER)
    probe.leave()
    ;(await gate.enter(NEVER)).answered()
    expect(gate.health().state).toBe('closed')
  })

  it('gives the part of the probe on when the one who waits for a place with it leaves', async () => {
    const { clock, gate, fail } = makeGate({ concurrency: 1 })
    const old = await gate.enter(NEVER)
    old.failed('cut', {})
    for (let i = 0; i < 4; i++) old.failed('cut', {})
    clock.advance(1_000)
    const controller = new AbortController()
    const probe = gate.enter(controller.signal)
    expect(gate.health().state).toBe('half-open')
    controller.abort('gone')
    await expect(probe).rejects.toBe('gone')
    old.leave()
    await fail(1, 'still down')
    expect(gate.health()).toMatchObject({ state: 'open', lastError: 'still down' })
  })

  it('sends those away who wait for a place when it opens', async () => {
    const { gate } = makeGate({ concurrency: 1 })
    const pass = await gate.enter(NEVER)
    const waiting = failure(gate.enter(NEVER))
    for (let i = 0; i < 5; i++) pass.failed('timeout', {})
    expect((await waiting).code).toBe('UPSTREAM_UNREACHABLE')
  })

  it('does not hold the failures of older requests against the probe', async () => {
    const { clock, gate } = makeGate()
    const old = await gate.enter(NEVER)
    for (let i = 0; i < 5; i++) old.failed('timeout', {})
    clock.advance(1_000)
    const probe = await gate.enter(NEVER)
    old.failed('timeout', {})
    probe.answered()
    expect(gate.health().state).toBe('closed')
  })

  it('takes the loss of one connection for one failure, however many requests were on it', async () => {
    const { gate } = makeGate({ concurrency: 16 })
    const passes = await Promise.all(Array.from({ length: 16 }, () => gate.enter(NEVER)))
    for (const pass of passes) pass.failed('reset', { shared: true })
    for (const pass of passes) pass.leave()
    expect(gate.health()).toMatchObject({ state: 'closed', failures: 16 })
    for (let i = 0; i < 4; i++) {
      const pass = await gate.enter(NEVER)
      pass.failed('reset', { shared: true })
      pass.leave()
    }
    expect(gate.health().state).toBe('open')
  })

  it('asks again when the clock is set back', async () => {
    const { clock, gate, fail } = makeGate()
    await fail(5)
    clock.advance(-3_600_000)
    ;(await gate.enter(NEVER)).answered()
    expect(gate.health().state).toBe('closed')
  })
})

describe('the gates of many origins', () => {
  const init = { concurrency: 1, queue: 1, patience: 0 }

  it('are one for each origin', () => {
    const gates = new HostGates({ clock: new ManualClock(), random: () => 0 }, init)
    expect(gates.of('https://a.example.test')).toBe(gates.of('https://a.example.test'))
    expect(gates.of('https://a.example.test')).not.toBe(gates.of('https://b.example.test'))
    expect(gates.health().map(({ origin }) => origin)).toEqual(['https://a.example.test', 'https://b.example.test'])
  })

  it('forget unused ones beyond their bound, those with nothing to remember first', async () => {
    const gates = new HostGates({ clock: new ManualClock(), random: () => 0 }, init)
    const used = gates.of('https://used.example.test')
    await used.enter(NEVER)
    const frozen = gates.of('https://frozen.example.test')
    const pass = await frozen.enter(NEVER)
    pass.busy('answered 429', 60)
    pass.leave()
    for (let i = 0; i < 2_000; i++) gates.of(`https://host-${i}.example.test`)
    expect(gates.health()).toHaveLength(1_024)
    expect(gates.of('https://used.example.test')).toBe(used)
    expect(gates.of('https://frozen.example.test')).toBe(frozen)
  })
})
