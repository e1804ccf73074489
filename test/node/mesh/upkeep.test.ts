import { afterEach, describe, expect, it } from 'vitest'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import { Upkeep } from '../../../node/mesh/upkeep.ts'
import { VirtualClock } from '../../harness/clock.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

const running: Upkeep[] = []
afterEach(() => {
  for (const upkeep of running.splice(0)) upkeep.stop()
})

interface Scene {
  /** What members say of whether they can reach this node, one after the other; the last one stays. */
  readonly answers?: readonly (boolean | undefined | Error)[]
  /** Other nodes that keep DHT records. */
  readonly servers?: number
  readonly serving?: boolean
}

function start({ answers = [undefined], servers = 0, serving = false }: Scene = {}) {
  const clock = new VirtualClock()
  const book = new PeerBook({ clock })
  const log: string[] = []
  const left = [...answers]
  const state = { servers, refuse: false, asked: 0, surveys: 0 }
  const upkeep = new Upkeep(
    {
      clock,
      book,
      askReach: async () => {
        state.asked++
        const answer = left.length > 1 ? left.shift() : left[0]
        if (answer instanceof Error) throw answer
        return answer
      },
      survey: () => void state.surveys++,
      servers: () => state.servers,
      becomeServer: async () => {
        log.push('serve')
        if (state.refuse) throw new Error('not now')
      },
      onReachable: (reachable) => void log.push(`reachable: ${reachable}`),
    },
    { serving },
  )
  running.push(upkeep)
  upkeep.start()
  const meet = async () => {
    book.admitted({ peer: 'a', role: 'member', notAfter: clock.now() + 1, version: '1', blobs: [] })
    book.opened('a', '/ip4/192.0.2.1/tcp/1')
    upkeep.met()
    await clock.advance(0)
  }
  return { clock, book, log, state, upkeep, meet }
}

describe('whether this node can be reached', () => {
  it('is asked as soon as the first member is there, and not before', async () => {
    const { clock, state, upkeep, meet, log } = start({ answers: [true], servers: 9 })
    await clock.advance(60 * MINUTE)
    expect([state.asked, upkeep.reachable]).toEqual([0, undefined])
    await meet()
    expect([state.asked, upkeep.reachable, log[0]]).toEqual([1, true, 'reachable: true'])
  })

  it('is asked every ten minutes as long as it can, and told once', async () => {
    const { clock, state, meet, log } = start({ answers: [true], servers: 9 })
    await meet()
    await clock.advance(10 * MINUTE - 1)
    expect(state.asked).toBe(1)
    await clock.advance(1)
    expect(state.asked).toBe(2)
    expect(log.filter((line) => line !== 'serve')).toEqual(['reachable: true'])
  })

  it('is asked every half a minute while it cannot', async () => {
    const { clock, state, meet } = start({ answers: [false] })
    await meet()
    await clock.advance(30 * SECOND - 1)
    expect(state.asked).toBe(1)
    await clock.advance(1)
    expect(state.asked).toBe(2)
  })

  it.each([
    ['while nobody could tell', undefined],
    ['after asking went wrong', new Error('reset')],
  ])('is asked again soon %s, and then less and less often', async (_, answer) => {
    const { clock, state, meet } = start({ answers: [answer] })
    await meet()
    for (const [at, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      await clock.advance(seconds * SECOND - 1)
      expect(state.asked).toBe(at + 1)
      await clock.advance(1)
      expect(state.asked).toBe(at + 2)
    }
  })

  it('is asked again soon each time that nobody could tell after somebody could', async () => {
    const { clock, state, meet } = start({ answers: [undefined, undefined, false, undefined, undefined] })
    await meet()
    await clock.advance(3 * SECOND)
    expect(state.asked).toBe(3)
    await clock.advance(30 * SECOND)
    expect(state.asked).toBe(4)
    await clock.advance(SECOND)
    expect(state.asked).toBe(5)
  })

  it('is told whenever it changes, and does not change because nobody could tell', async () => {
    const { clock, upkeep, meet, log } = start({ answers: [false, undefined, true, undefined, false, true], servers: 9 })
    await meet()
    expect(upkeep.reachable).toBe(false)
    await clock.advance(30 * SECOND)
    expect(upkeep.reachable).toBe(false)
    await clock.advance(SECOND)
    expect(upkeep.reachable).toBe(true)
    await clock.advance(10 * MINUTE)
    expect(upkeep.reachable).toBe(true)
    await clock.advance(SECOND)
    expect(upkeep.reachable).toBe(false)
    await clock.advance(30 * SECOND)
    expect(log.filter((line) => line !== 'serve')).toEqual([
      'reachable: false',
      'reachable: true',
      'reachable: false',
      'reachable: true',
    ])
  })

  it('is asked of nobody while all have left, and of the next who comes', async () => {
    const { clock, book, state, meet } = start({ answers: [false] })
    await meet()
    book.closed('a')
    await clock.advance(60 * MINUTE)
    expect(state.asked).toBe(1)
    await meet()
    expect(state.asked).toBe(2)
  })
})

describe('the DHT records of others', () => {
  it('are kept at once by a node that can be reached where fewer than three keep them', async () => {
    for (const [servers, log] of [
      [0, ['reachable: true', 'serve']],
      [2, ['reachable: true', 'serve']],
      [3, ['reachable: true']],
    ] as const) {
      const { meet, log: told } = start({ answers: [true], servers })
      await meet()
      expect(told).toEqual(log)
    }
  })

  it('are kept by a node that has run for ten minutes, however many others keep them', async () => {
    const { clock, meet, log } = start({ answers: [true], servers: 30 })
    await meet()
    await clock.advance(10 * MINUTE - 1)
    expect(log).toEqual(['reachable: true'])
    await clock.advance(1)
    expect(log).toEqual(['reachable: true', 'serve'])
  })

  it('are kept when those who kept them leave', async () => {
    const { clock, state, meet, log } = start({ answers: [true], servers: 3 })
    await meet()
    state.servers = 2
    await clock.advance(10 * SECOND)
    expect(log).toEqual(['reachable: true', 'serve'])
  })

  it.each([[false], [undefined]])('are not kept by a node of which others say that it can be reached: %s', async (answer) => {
    const { clock, meet, log } = start({ answers: [answer] })
    await meet()
    await clock.advance(60 * MINUTE)
    expect(log).not.toContain('serve')
  })

  it('are never taken up again by a node that keeps them already, or never is to', async () => {
    const { clock, meet, log } = start({ answers: [true], serving: true })
    await meet()
    await clock.advance(60 * MINUTE)
    expect(log).toEqual(['reachable: true'])
  })

  it('are taken up once, and tried again when that failed', async () => {
    const { clock, state, meet, log } = start({ answers: [true] })
    state.refuse = true
    await meet()
    state.refuse = false
    await clock.advance(10 * SECOND)
    await clock.advance(60 * MINUTE)
    expect(log).toEqual(['reachable: true', 'serve', 'serve'])
  })
})

describe('upkeep', () => {
  it('looks at the members every ten seconds, until it is stopped', async () => {
    const { clock, state, upkeep } = start()
    await clock.advance(35 * SECOND)
    expect(state.surveys).toBe(3)
    upkeep.stop()
    await clock.advance(MINUTE)
    expect([state.surveys, clock.sleeping]).toEqual([3, 0])
  })

  it('stops also before anybody came, and amid its question', async () => {
    const lonely = start()
    lonely.upkeep.stop()
    lonely.upkeep.stop()
    await lonely.clock.advance(MINUTE)
    expect([lonely.state.asked, lonely.clock.sleeping]).toEqual([0, 0])

    const asking = start({ answers: [true] })
    const meeting = asking.meet()
    asking.upkeep.stop()
    await meeting
    await asking.clock.advance(MINUTE)
    expect([asking.log, asking.clock.sleeping]).toEqual([[], 0])
  })
})
