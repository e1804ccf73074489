import { beforeEach, describe, expect, it } from 'vitest'
import type { Asking } from '../../../../node/mesh/swarm/asking.ts'
import { CROWD_TTL, MEMBER_FAN_OUT, RATE_WINDOW, SEED_FAN_OUT } from '../../../../node/mesh/swarm/constants.ts'
import { Busy } from '../../../../node/mesh/swarm/referral.ts'
import { type Upload, Uploads } from '../../../../node/mesh/swarm/uploads.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { Random } from '../../../harness/random.ts'

const MIB = 1 << 20

let clock: VirtualClock
let gone: Set<string>
beforeEach(() => {
  clock = new VirtualClock()
  gone = new Set()
})

function uploadsOf({ slots = 8, fanOut = SEED_FAN_OUT } = {}): Uploads {
  return new Uploads({ clock, usable: (peer) => !gone.has(peer) }, { slots, fanOut: () => fanOut })
}

/** What becomes of a question: `sent`, or who else is named. */
function ask(uploads: Uploads, peer: string, { start = 0, asking = 'first' as Asking, ready = true, blob = 'b' } = {}) {
  try {
    return uploads.begin({ peer, blob, start, asking, ready })
  } catch (error) {
    if (error instanceof Busy) return error.others.map((other) => other.peer)
    throw error
  }
}

function sent(answer: Upload | string[]): Upload {
  if (Array.isArray(answer)) throw new Error(`sent to ${answer.join(', ')}`)
  return answer
}

describe('who gets a large blob from a node', () => {
  it('is the first who asks; others are sent to those who came before them', () => {
    const uploads = uploadsOf()
    sent(ask(uploads, 'a'))
    expect(ask(uploads, 'b')).toEqual(['a'])
    expect(ask(uploads, 'c')).toEqual(['b', 'a'])
    expect(uploads.running).toBe(1)
  })

  it('is somebody else once the copy is over, and anybody who found no help elsewhere', () => {
    const uploads = uploadsOf()
    const copy = sent(ask(uploads, 'a'))
    expect(ask(uploads, 'b')).toEqual(['a'])
    sent(ask(uploads, 'b', { asking: 'again' }))
    copy.end()
    expect(ask(uploads, 'c')).toEqual(['a', 'b'])
    expect(uploads.running).toBe(1)
  })

  it('is nobody beyond the slots, of whatever blob', () => {
    const uploads = uploadsOf({ slots: 2 })
    sent(ask(uploads, 'a', { blob: 'one' }))
    const other = sent(ask(uploads, 'b', { blob: 'two' }))
    expect(ask(uploads, 'c', { blob: 'three', asking: 'again' })).toEqual([])
    other.end()
    sent(ask(uploads, 'c', { blob: 'three', asking: 'again' }))
  })

  it('is also somebody new while one member takes all that it can get', () => {
    const uploads = uploadsOf({ slots: 8 })
    const greedy = (at: number) => ask(uploads, 'greedy', { blob: `blob ${at}`, asking: 'again' })
    for (let at = 0; at < 6; at++) sent(greedy(at))
    expect([greedy(6), uploads.running]).toEqual([[], 6])
    const first = sent(ask(uploads, 'a', { blob: 'wanted' }))
    sent(ask(uploads, 'b', { blob: 'another' }))
    expect(ask(uploads, 'c', { blob: 'a third' })).toEqual([])
    first.end()
    expect(greedy(7)).toEqual([])
    sent(ask(uploads, 'c', { blob: 'a third' }))
  })

  it('is one alone while there is nothing yet, however often others ask', () => {
    const uploads = uploadsOf()
    sent(ask(uploads, 'a', { ready: false, asking: 'again' }))
    expect(ask(uploads, 'b', { ready: false, asking: 'again' })).toEqual(['a'])
  })

  it('is whoever asks while the copy that goes out hardly moves', async () => {
    const uploads = uploadsOf()
    const slow = sent(ask(uploads, 'slow'))
    slow.moved(MIB)
    await clock.advance(2 * RATE_WINDOW)
    sent(ask(uploads, 'b'))
    await clock.advance(RATE_WINDOW)
    slow.moved(50 * MIB)
    expect(ask(uploads, 'c')).toEqual(['slow', 'b'])
  })

  it('gives its place up when it asks anew', () => {
    const uploads = uploadsOf()
    sent(ask(uploads, 'a'))
    sent(ask(uploads, 'a', { start: MIB }))
    expect(ask(uploads, 'b')).toEqual(['a'])
  })
})

describe('whom a node names', () => {
  it('are those who are further along, not those who are behind or who get it from who asks', () => {
    const uploads = uploadsOf()
    const ahead = sent(ask(uploads, 'ahead'))
    ahead.moved(5 * MIB)
    ask(uploads, 'behind', { start: MIB })
    expect(ask(uploads, 'middle', { start: 2 * MIB })).toEqual(['ahead'])
    ask(uploads, 'child')
    // The last to come is sent to somebody, who is not sent to it.
    expect(ask(uploads, 'child', { start: 3 * MIB })).toEqual(['ahead'])
    expect(ask(uploads, 'ahead', { start: 5 * MIB })).not.toContain('child')
  })

  it('are at most four, those with the fewest children first', () => {
    const uploads = uploadsOf()
    for (const peer of ['a', 'b', 'c', 'd', 'e']) ask(uploads, peer)
    expect(ask(uploads, 'f')).toEqual(['e', 'a', 'b', 'c'])
  })

  it('are neither those who left nor those who were not heard of for long', async () => {
    const uploads = uploadsOf()
    for (const peer of ['a', 'b', 'c']) ask(uploads, peer)
    gone.add('b')
    expect(ask(uploads, 'd')).toEqual(['c', 'a'])
    await clock.advance(CROWD_TTL + 1)
    sent(ask(uploads, 'e'))
  })
})

it('a crowd of two hundred costs one copy of a seed, and of nobody more than a few', () => {
  const random = new Random(7)
  const nodes = new Map<string, Uploads>()
  const parents = new Map<string, string>()
  const seed = uploadsOf()
  for (let at = 0; at < 200; at++) nodes.set(`m${at}`, uploadsOf({ fanOut: MEMBER_FAN_OUT }))
  /** Asks as a reader does: those who are named, then the seed once more. */
  const join = (peer: string) => {
    let asked = ask(seed, peer)
    for (const other of Array.isArray(asked) ? asked : []) {
      // Some are away at the moment.
      if (random.next() < 0.1) continue
      const answer = ask(nodes.get(other) as Uploads, peer, { asking: 'referred' })
      if (Array.isArray(answer)) continue
      parents.set(peer, other)
      return
    }
    asked = ask(seed, peer, { asking: 'again' })
    if (!Array.isArray(asked)) parents.set(peer, 'seed')
  }
  for (const peer of nodes.keys()) join(peer)
  expect(parents.size).toBe(200)
  expect([...parents.values()].filter((parent) => parent === 'seed').length).toBeLessThanOrEqual(3)
  for (const uploads of nodes.values()) expect(uploads.running).toBeLessThanOrEqual(MEMBER_FAN_OUT)
  // Nobody gets it, over however many others, from itself.
  for (const peer of nodes.keys()) {
    let steps = 0
    for (let at: string | undefined = peer; at !== undefined && at !== 'seed'; at = parents.get(at))
      expect(++steps).toBeLessThan(201)
  }
})
