import { beforeEach, describe, expect, it } from 'vitest'
import type { Admitted } from '../../../node/mesh/gate.ts'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import { VirtualClock } from '../../harness/clock.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const ADDRESS = '/ip4/192.0.2.1/tcp/40001'

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

it('those in the same zone are worth a guess before others, where this node has one', async () => {
  for (const zoned of [new PeerBook({ clock }, { zone: 'here' }), new PeerBook({ clock })]) {
    book = zoned
    for (const [peer, zone] of [
      ['a', 'here'],
      ['b', 'there'],
      ['c', undefined],
      ['d', 'here'],
    ] as const) {
      meet(peer, { zone })
      await clock.advance(1)
    }
    const isZoned = zoned.isNear('a')
    expect(zoned.warm(9)).toEqual(isZoned ? ['d', 'a', 'c', 'b'] : ['d', 'c', 'b', 'a'])
    expect(zoned.get('a')?.zone).toBe('here')
    expect([zoned.isNear('b'), zoned.isNear('c'), zoned.isNear('nobody')]).toEqual([false, false, false])
  }
})

describe('a guess', () => {
  /** Connected for so long that this alone is no reason to ask it. */
  async function known(...ids: string[]): Promise<void> {
    for (const id of ids) meet(id)
    await clock.advance(30 * SECOND)
  }

  it('falls on connected members that lately had something, the last one first, as many as are wanted', async () => {
    await known('a', 'b', 'c', 'd')
    for (const id of ['a', 'b', 'c']) {
      book.had(id)
      await clock.advance(1)
    }
    expect([book.warm(9), book.warm(2)]).toEqual([
      ['c', 'b', 'a'],
      ['c', 'b'],
    ])
    book.closed('c')
    expect(book.warm(9)).toEqual(['b', 'a'])
  })

  it('falls on a member that has just come, until two guesses were wrong, and not again for a further connection', () => {
    meet('a')
    expect(book.warm(9)).toEqual(['a'])
    book.lacked('a')
    book.lacked('a')
    book.opened('a', ADDRESS)
    expect(book.warm(9)).toEqual([])
    book.closed('a')
    book.closed('a')
    book.opened('a', ADDRESS)
    expect(book.warm(9)).toEqual(['a'])
  })

  it('is made for half a minute after', async () => {
    await known('a')
    book.had('a')
    await clock.advance(30 * SECOND - 1)
    expect(book.warm(9)).toEqual(['a'])
    await clock.advance(1)
    expect(book.warm(9)).toEqual([])
  })

  it('is made no more after two wrong ones in a row, until the member had something again', async () => {
    await known('a')
    book.had('a')
    book.lacked('a')
    expect(book.warm(9)).toEqual(['a'])
    book.had('a')
    book.lacked('a')
    book.lacked('a')
    expect(book.warm(9)).toEqual([])
    book.had('a')
    expect(book.warm(9)).toEqual(['a'])
  })

  it('is made no more once the member could not be reached, nor once that is forgiven by time alone', async () => {
    meet('a')
    book.failed('a')
    expect(book.warm(9)).toEqual([])
    await clock.advance(SECOND)
    expect([book.usable('a'), book.warm(9)]).toEqual([true, []])
  })

  it('never falls on a member that hands out nothing', () => {
    meet('a', { blobs: [] })
    expect(book.warm(9)).toEqual([])
  })
})
