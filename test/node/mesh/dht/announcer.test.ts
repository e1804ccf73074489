import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Digest, formatDigest } from '../../../../node/digest.ts'
import { Announcer, type AnnouncerInit } from '../../../../node/mesh/dht/announcer.ts'
import { VirtualClock } from '../../../harness/clock.ts'

const SWEEP = 10 * 60_000

let clock: VirtualClock
let shelf: ArrayShelf
let told: { name: string; at: number; signal: AbortSignal }[]
/** What the DHT does with an announcement. */
let provide: (signal: AbortSignal) => Promise<void>
let needed: boolean
let announcer: Announcer

beforeEach(() => {
  clock = new VirtualClock()
  shelf = new ArrayShelf()
  told = []
  needed = true
  provide = async () => {}
  announcer = make()
})
afterEach(() => {
  announcer.stop()
  expect(clock.sleeping).toBe(0)
})

function make(init: Partial<AnnouncerInit> = {}): Announcer {
  const made = new Announcer(
    {
      clock,
      shelf,
      provide(digest, signal) {
        told.push({ name: formatDigest(digest), at: clock.now(), signal })
        return provide(signal)
      },
    },
    { needed: () => needed, ...init },
  )
  made.enabled = true
  return made
}

function digest(of: number): Digest {
  return { algorithm: 'sha256', hex: of.toString(16).padStart(64, '0') }
}

const digests = (count: number, from = 0) => Array.from({ length: count }, (_, at) => digest(from + at))
const names = () => told.map(({ name }) => Number.parseInt(name.slice('sha256:'.length), 16))
const upTo = (end: number, from = 0) => digests(end - from, from).map(({ hex }) => Number.parseInt(hex, 16))

/** A shelf that says how far it was read. */
class ArrayShelf {
  held: Digest[] = []
  /** Whether `has` answers for everything, as for what was just stored. */
  open = true
  readers = 0

  has(wanted: Digest): boolean {
    return this.open || this.held.some(({ hex }) => hex === wanted.hex)
  }

  async *holdings(): AsyncGenerator<Digest> {
    this.readers++
    try {
      yield* this.held
    } finally {
      this.readers--
    }
  }
}

describe('what is new', () => {
  it('is told in order, ten a second', async () => {
    announcer.start()
    await clock.advance(0)
    announcer.announce(digests(25))
    await clock.advance(999)
    expect(names()).toEqual(upTo(10))
    await clock.advance(1000)
    expect(names()).toEqual(upTo(20))
    await clock.advance(1000)
    expect(names()).toEqual(upTo(25))
    expect(announcer.counts).toEqual({ sent: 25, failed: 0, waiting: 0 })
  })

  it('is told once, however often it is announced meanwhile', async () => {
    announcer.announce([...digests(3), ...digests(3)])
    announcer.announce(digests(2))
    expect(announcer.counts.waiting).toBe(3)
    announcer.start()
    await clock.advance(5000)
    expect(names().sort()).toEqual([0, 1, 2])
  })

  it('waits in a bounded queue, from which the oldest go', async () => {
    announcer = make({ most: 5 })
    announcer.announce(digests(20))
    announcer.start()
    await clock.advance(5000)
    expect(names()).toEqual(upTo(20, 15))
  })

  it('counts as new again when it is announced again', async () => {
    announcer = make({ most: 2 })
    announcer.announce([digest(0), digest(1), digest(0), digest(2)])
    announcer.start()
    await clock.advance(5000)
    expect(names()).toEqual([0, 2])
  })

  it('is told two at a time', async () => {
    const answers: (() => void)[] = []
    provide = () => new Promise((resolve) => answers.push(resolve))
    announcer.announce(digests(5))
    announcer.start()
    await clock.advance(1000)
    expect(names()).toEqual([0, 1])
    answers[0]?.()
    await clock.advance(1000)
    expect(names()).toEqual([0, 1, 2])
    for (let at = 1; at < 5; at++) {
      answers[at]?.()
      await clock.advance(100)
    }
    expect(announcer.counts).toEqual({ sent: 5, failed: 0, waiting: 0 })
  })

  it('is not told when it has been evicted meanwhile', async () => {
    shelf.open = false
    shelf.held = [digest(1)]
    announcer.announce(digests(3))
    announcer.start()
    await clock.advance(1000)
    expect(new Set(names())).toEqual(new Set([1]))
  })

  it('counts what failed, and goes on', async () => {
    provide = () => Promise.reject(new Error('no server'))
    announcer.announce(digests(3))
    announcer.start()
    await clock.advance(1000)
    expect(announcer.counts).toEqual({ sent: 0, failed: 3, waiting: 0 })
  })

  it('gives up on an announcement that takes too long, also when the DHT takes no notice', async () => {
    provide = () => new Promise(() => {})
    announcer.announce(digests(3))
    announcer.start()
    await clock.advance(9_999)
    expect(told.map(({ signal }) => signal.aborted)).toEqual([false, false])
    await clock.advance(200)
    expect(told.map(({ signal }) => signal.aborted)).toEqual([true, true, false])
    expect(announcer.counts.failed).toBe(2)
  })
})

describe('nobody is told', () => {
  it('while nobody could fetch here; what is new waits', async () => {
    announcer.enabled = false
    shelf.held = digests(3, 100)
    announcer.announce(digests(3))
    announcer.start()
    await clock.advance(2 * SWEEP)
    expect(told).toEqual([])
    expect(announcer.counts.waiting).toBe(3)
    announcer.enabled = true
    await clock.advance(10_000)
    expect(names().sort((a, b) => a - b)).toEqual([0, 1, 2, 100, 101, 102])
  })

  it('while everybody asks this node anyway, and no longer than that', async () => {
    needed = false
    announcer.announce(digests(2))
    announcer.start()
    await clock.advance(SWEEP)
    expect(told).toEqual([])
    needed = true
    await clock.advance(10_000)
    expect(names()).toEqual([0, 1])
  })
})

describe('what is held', () => {
  it('is told at start and every ten minutes', async () => {
    shelf.held = digests(5)
    announcer.start()
    await clock.advance(1000)
    expect(names()).toEqual(upTo(5))
    await clock.advance(SWEEP - 1001)
    expect(told).toHaveLength(5)
    await clock.advance(1001)
    expect(names()).toEqual([...upTo(5), ...upTo(5)])
  })

  it('is told three thousand a sweep, from where the last one stopped, and then from the start', async () => {
    shelf.held = digests(7000)
    announcer.start()
    await clock.advance(SWEEP - 1)
    expect(names()).toEqual(upTo(3000))
    await clock.advance(SWEEP)
    expect(names()).toEqual(upTo(6000))
    await clock.advance(SWEEP)
    expect(names()).toEqual(upTo(7000))
    told.length = 0
    await clock.advance(SWEEP)
    expect(names()).toEqual(upTo(3000))
  })

  it('waits behind what is new', async () => {
    shelf.held = digests(100, 1000)
    announcer.start()
    await clock.advance(1000)
    announcer.announce(digests(5))
    const before = told.length
    await clock.advance(500)
    expect(names().slice(before)).toEqual(upTo(5))
  })

  it('is told next time when the shelf cannot be read', async () => {
    const { holdings } = shelf
    shelf.held = digests(2)
    shelf.holdings = async function* () {
      yield digest(0)
      throw new Error('the store is closing')
    }
    announcer.start()
    await clock.advance(1000)
    expect(names()).toEqual([0])
    shelf.holdings = holdings
    await clock.advance(SWEEP)
    expect(names()).toEqual([0, 0, 1])
  })
})

describe('a stop', () => {
  it('ends everything at once: announcements under way, those that wait, the reading of the shelf', async () => {
    provide = () => new Promise(() => {})
    shelf.held = digests(7000, 100)
    announcer.announce(digests(10))
    announcer.start()
    await clock.advance(500)
    expect(shelf.readers).toBe(1)
    announcer.stop()
    expect(told.map(({ signal }) => signal.aborted)).toEqual([true, true])
    expect(announcer.counts.waiting).toBe(8)
    await clock.advance(SWEEP)
    expect(told).toHaveLength(2)
    expect(shelf.readers).toBe(0)
    expect(clock.sleeping).toBe(0)
  })

  it('may come before the start and twice, and a start may follow', async () => {
    announcer.stop()
    announcer.start()
    announcer.start()
    announcer.announce(digests(2))
    await clock.advance(1000)
    announcer.stop()
    announcer.stop()
    announcer.announce(digests(2, 10))
    await clock.advance(1000)
    expect(names()).toEqual([0, 1])
    announcer.start()
    await clock.advance(1000)
    expect(names()).toEqual([0, 1, 10, 11])
  })
})
