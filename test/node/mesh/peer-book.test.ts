import { beforeEach, describe, expect, it } from 'vitest'
import type { Admitted } from '../../../node/mesh/gate.ts'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import { VirtualClock } from '../../harness/clock.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const ADDRESS = '/ip4/192.0.2.1/tcp/40001'
/** Members that are remembered. */
const MAX_PEERS = 2_000

let clock: VirtualClock
let book: PeerBook
beforeEach(() => {
  clock = new VirtualClock()
  book = new PeerBook({ clock })
})

function admit(peer: string, more: Partial<Admitted> = {}): void {
  book.admitted({ peer, role: 'member', notAfter: clock.now() + HOUR, version: '1.2.3', blobs: ['192.0.2.1:7472'], ...more })
}

/** Somebody who is connected. */
function meet(peer: string, more: Partial<Admitted> = {}, address = ADDRESS): void {
  admit(peer, more)
  book.opened(peer, address)
}

/** How long it is left alone from now on, in ms. */
async function restOf(isOver: () => boolean, step: number): Promise<number> {
  const start = clock.now()
  while (!isOver()) await clock.advance(step)
  return clock.now() - start
}

it('the zone of a member is that of its last card', () => {
  book = new PeerBook({ clock }, { zone: 'here' })
  meet('a', { zone: 'here' })
  admit('a')
  expect([book.isNear('a'), book.get('a')?.zone]).toEqual([false, null])
})

it('a member is far that says that it is in another zone, to whoever is in one', () => {
  const isFar = (own: string | undefined, zone: string | undefined) => {
    book = new PeerBook({ clock }, { zone: own })
    meet('a', zone === undefined ? {} : { zone })
    return book.isFar('a')
  }
  expect([isFar('here', 'there'), isFar('here', 'here'), isFar('here', undefined), isFar(undefined, 'there')]).toEqual([
    true,
    false,
    false,
    false,
  ])
})

describe('who is here for one job', () => {
  it('is forgotten when its last connection closes, and not what it has sent', () => {
    meet('a', { ephemeral: true })
    book.opened('a', ADDRESS)
    book.moved('a', 'in', 7)
    book.closed('a')
    expect([book.isKnown('a'), book.isPassing('a')]).toEqual([true, true])
    book.closed('a')
    expect([book.isKnown('a'), book.connected, book.all(), book.moves]).toEqual([false, 0, [], { in: 7, out: 0 }])
    meet('a')
    book.closed('a')
    expect(book.isKnown('a')).toBe(true)
  })

  it('stays known as a liar, and as a seed', () => {
    meet('a', { ephemeral: true })
    book.quarantine('a', 'a lie')
    meet('b', { ephemeral: true, role: 'seed' })
    for (const peer of ['a', 'b']) book.closed(peer)
    expect([book.get('a')?.quarantine?.reason, book.get('b')?.role]).toEqual(['a lie', 'seed'])
  })
})

describe('what is known of a member', () => {
  it('is what its card said, and where it is connected', () => {
    meet('a', { role: 'seed', blobs: [] })
    expect(book.get('a')).toEqual({
      id: 'a',
      role: 'seed',
      version: '1.2.3',
      notAfter: clock.now() + HOUR,
      addresses: [ADDRESS],
      blobs: [],
      connected: true,
      lastSeen: clock.now(),
      latency: null,
      bytesIn: 0,
      bytesOut: 0,
      quarantine: null,
      zone: null,
      ticket: null,
    })
  })

  it('is nothing for somebody who showed no card, whatever else happens with it', () => {
    book.opened('x', ADDRESS)
    book.measured('x', 1)
    book.moved('x', 'in', 1)
    book.had('x')
    book.lacked('x')
    book.quarantine('x', 'a lie')
    book.closed('x')
    expect([book.all(), book.connected, book.get('x'), book.usable('x'), book.warm(9)]).toEqual([[], 0, undefined, false, []])
    expect([book.roleOf('x'), book.blobsOf('x')]).toEqual([undefined, []])
  })

  it('follows its last card', async () => {
    meet('a')
    await clock.advance(MINUTE)
    const notAfter = clock.now() + 7
    admit('a', { role: 'seed', version: '2.0.0', notAfter, blobs: ['198.51.100.1:1'], ticket: 't' })
    expect(book.get('a')).toMatchObject({ role: 'seed', version: '2.0.0', notAfter, ticket: 't', connected: true })
    expect(book.roleOf('a')).toBe('seed')
    expect(book.all().length).toBe(1)
    await clock.advance(8)
    expect(book.roleOf('a')).toBe('member')
  })

  it('is judged anew: some get another role, and whoever does not count any more is forgotten', () => {
    for (const peer of ['a', 'b', 'c']) meet(peer, { ticket: `of ${peer}` })
    book.closed('c')
    const gone = book.review((member) => {
      if (member.peer === 'a') return { ...member, role: 'seed', notAfter: member.notAfter + HOUR }
      return member.ticket === 'of a' ? member : undefined
    })
    expect([gone.map(({ peer }) => peer), book.connected, book.all().map(({ id }) => id)]).toEqual([['b', 'c'], 1, ['a']])
    expect([book.roleOf('a'), book.get('a')?.notAfter, book.get('a')?.version]).toEqual([
      'seed',
      clock.now() + 2 * HOUR,
      '1.2.3',
    ])
    // Its connection ends only now.
    book.closed('b')
    expect([book.connected, book.isKnown('b'), book.usable('b'), book.roleOf('b')]).toEqual([1, false, false, undefined])
  })

  it('is connected until its last connection is closed, and was seen last just then', async () => {
    meet('a')
    book.opened('a', ADDRESS)
    book.closed('a')
    await clock.advance(MINUTE)
    expect([book.connected, book.get('a')?.connected, book.get('a')?.lastSeen]).toEqual([1, true, clock.now()])
    book.closed('a')
    const left = clock.now()
    await clock.advance(MINUTE)
    expect([book.connected, book.get('a')?.connected, book.get('a')?.lastSeen]).toEqual([0, false, left])
    book.closed('a')
    expect(book.connected).toBe(0)
  })

  it('counts bytes by direction, and keeps the last round trip', () => {
    meet('a')
    book.moved('a', 'in', 5)
    book.moved('a', 'in', 6)
    book.moved('a', 'out', 7)
    book.measured('a', 3)
    book.measured('a', 2)
    expect(book.get('a')).toMatchObject({ bytesIn: 11, bytesOut: 7, latency: 2 })
  })

  it('is listed with those connected first, then those seen last', async () => {
    for (const id of ['old', 'young', 'there']) {
      meet(id)
      await clock.advance(SECOND)
    }
    book.closed('old')
    await clock.advance(SECOND)
    book.closed('young')
    expect(book.all().map(({ id }) => id)).toEqual(['there', 'young', 'old'])
  })

  it('has the last eight addresses, the last one first', () => {
    for (let at = 0; at < 12; at++) meet('a', {}, `/ip4/192.0.2.${at}/tcp/1`)
    book.opened('a', '/ip4/192.0.2.6/tcp/1')
    expect(book.get('a')?.addresses).toEqual([6, 11, 10, 9, 8, 7, 5, 4].map((at) => `/ip4/192.0.2.${at}/tcp/1`))
  })
})

describe('quarantine', () => {
  const isFree = () => book.worthMeeting('a')

  it('lasts ten minutes, then twice as long after each further lie, and a day at most', async () => {
    meet('a')
    const lasted: number[] = []
    for (let lie = 0; lie < 10; lie++) {
      book.quarantine('a', `lie ${lie}`)
      lasted.push(await restOf(isFree, MINUTE))
    }
    expect(lasted.map((ms) => ms / MINUTE)).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440])
  })

  it('says why and until when, and is over in time', async () => {
    meet('a')
    book.quarantine('a', 'sent something else')
    expect(book.get('a')?.quarantine).toEqual({ until: clock.now() + 10 * MINUTE, reason: 'sent something else' })
    await clock.advance(10 * MINUTE - 1)
    expect([book.usable('a'), book.worthMeeting('a'), book.get('a')?.quarantine !== null]).toEqual([false, false, true])
    await clock.advance(1)
    expect([book.usable('a'), book.worthMeeting('a'), book.get('a')?.quarantine]).toEqual([true, true, null])
  })

  it('outlasts a new connection, a new card and good answers', async () => {
    meet('a')
    book.quarantine('a', 'a lie')
    book.closed('a')
    meet('a', { version: '9' })
    book.had('a')
    expect([book.usable('a'), book.worthMeeting('a')]).toEqual([false, false])
    await clock.advance(10 * MINUTE)
    expect(book.usable('a')).toBe(true)
  })

  it('is as good as being away for a seed, whose certificate may also have ended', async () => {
    meet('liar', { role: 'seed' })
    meet('former', { role: 'seed', notAfter: clock.now() + 5 * MINUTE })
    meet('seed', { role: 'seed' })
    book.quarantine('liar', 'a lie')
    const there = () => book.seeds().flatMap(({ id, since }) => (since === undefined ? [] : [id]))
    expect([there(), book.seeds().length]).toEqual([['former', 'seed'], 3])
    await clock.advance(10 * MINUTE)
    expect(there()).toEqual(['liar', 'seed'])
  })

  it('is what keeps one from being asked even where nobody else is left', () => {
    meet('liar', { role: 'seed' })
    meet('failed', { role: 'seed' })
    meet('member')
    meet('gone', { role: 'seed' })
    book.quarantine('liar', 'a lie')
    book.failed('failed')
    book.closed('gone')
    expect([book.usables('seed'), book.unblamed('seed'), book.unblamed()]).toEqual([[], ['failed'], ['failed', 'member']])
  })

  it('ends guesses on a member', () => {
    meet('a')
    book.had('a')
    book.quarantine('a', 'a lie')
    expect(book.warm(9)).toEqual([])
    // The answer to an earlier request came only now.
    book.had('a')
    expect(book.warm(9)).toEqual([])
  })
})

it('a member is shown where it says that it listens, once it has said so', () => {
  admit('a')
  book.opened('a', '/ip4/192.0.2.1/tcp/40123/p2p/a')
  expect(book.get('a')?.addresses).toEqual(['/ip4/192.0.2.1/tcp/40123/p2p/a'])
  book.listening('a', ['/ip4/192.0.2.1/tcp/7471'])
  expect(book.get('a')?.addresses).toEqual(['/ip4/192.0.2.1/tcp/7471'])
  book.listening('nobody', ['/ip4/192.0.2.9/tcp/7471'])
  expect(book.get('nobody')).toBeUndefined()
})

describe('a member that could not be reached', () => {
  const isFree = () => book.worthMeeting('a')

  it('is left alone for a second, then twice as long after each further time, and five minutes at most', async () => {
    meet('a')
    const lasted: number[] = []
    for (let time = 0; time < 11; time++) {
      book.failed('a')
      lasted.push(await restOf(isFree, SECOND))
    }
    expect(lasted.map((ms) => ms / SECOND)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  })

  it('is not left alone for hours when a clock is set back by that', async () => {
    meet('a')
    meet('b')
    book.failed('a')
    book.stalled('b')
    clock.jump(-3 * HOUR)
    expect([book.usable('a'), book.usable('b')]).toEqual([true, true])
  })

  it('is left alone also when it was never met', async () => {
    book.failed('a')
    expect([book.worthMeeting('a'), book.get('a')]).toEqual([false, undefined])
    await clock.advance(SECOND)
    expect(book.worthMeeting('a')).toBe(true)
  })

  it('does not get around its pause by connecting anew when it has failed again and again', () => {
    meet('a')
    for (let time = 0; time < 3; time++) book.failed('a')
    admit('a')
    expect(book.usable('a')).toBe(false)
  })

  it.each([
    ['it shows its card again, after a failure or two', 2, () => admit('a')],
    ['it had a blob', 5, () => book.had('a')],
  ])('is forgiven as soon as %s', async (_, failures, forgive) => {
    meet('a')
    for (let time = 0; time < failures; time++) book.failed('a')
    expect(book.usable('a')).toBe(false)
    forgive()
    expect(book.usable('a')).toBe(true)
    book.failed('a')
    expect(await restOf(isFree, SECOND)).toBe(SECOND)
  })

  it('is remembered for two thousand of them, so that names out of nowhere use up no memory', () => {
    for (let at = 0; at <= MAX_PEERS; at++) book.failed(`x${at}`)
    expect([book.worthMeeting('x0'), book.worthMeeting('x1'), book.worthMeeting(`x${MAX_PEERS}`)]).toEqual([true, false, false])
  })
})

describe('a member that kept others waiting', () => {
  const isFree = () => book.worthMeeting('a')

  it('is left alone for five seconds, then twice as long after each further time, whatever it had meanwhile', async () => {
    meet('a')
    const lasted: number[] = []
    for (let time = 0; time < 8; time++) {
      // All that it was sending stalls at once.
      for (let body = 0; body < 20; body++) book.stalled('a')
      book.had('a')
      lasted.push(await restOf(isFree, SECOND))
    }
    expect(lasted.map((ms) => ms / SECOND)).toEqual([5, 10, 20, 40, 80, 160, 300, 300])
    await clock.advance(61 * MINUTE)
    book.stalled('a')
    expect(await restOf(isFree, SECOND)).toBe(5 * SECOND)
  })

  it('is nobody where it is not known', () => {
    book.stalled('a')
    expect([book.worthMeeting('a'), book.get('a')]).toEqual([true, undefined])
  })
})

describe('the book', () => {
  it('keeps two thousand members: who was seen last longest ago goes, but nobody connected or in quarantine', async () => {
    meet('connected')
    meet('liar')
    book.quarantine('liar', 'a lie')
    book.closed('liar')
    for (let at = 0; at < MAX_PEERS; at++) {
      await clock.advance(1)
      admit(`x${at}`)
    }
    expect(book.all().length).toBe(MAX_PEERS)
    const kept = ['connected', 'liar', 'x0', 'x1', 'x2', `x${MAX_PEERS - 1}`].filter((id) => book.get(id))
    expect(kept).toEqual(['connected', 'liar', 'x2', `x${MAX_PEERS - 1}`])
  })

  it('lets somebody go whose quarantine is over', async () => {
    meet('liar')
    book.quarantine('liar', 'a lie')
    book.closed('liar')
    await clock.advance(10 * MINUTE)
    for (let at = 0; at < MAX_PEERS; at++) admit(`x${at}`)
    expect(book.get('liar')).toBeUndefined()
  })
})
