import { beforeEach, describe, expect, it } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import { HeadStart } from '../../../node/mesh/head-start.ts'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import { PeerSource, type PeerSourceComponents } from '../../../node/mesh/peer-source.ts'
import type { Located } from '../../../node/mesh/router.ts'
import { VirtualClock } from '../../harness/clock.ts'

const DIGEST = { algorithm: 'sha256', hex: '00'.repeat(32) } as const
const NEVER = new AbortController().signal
const OPENED = { size: 7, body: (async function* () {})() }

let clock: VirtualClock
let book: PeerBook
let headStart: HeadStart
const asked: unknown[] = []
const forgotten: string[] = []
/** What the router was told. */
const outcomes: string[] = []
beforeEach(() => {
  clock = new VirtualClock()
  book = new PeerBook({ clock })
  headStart = new HeadStart()
  asked.length = 0
  forgotten.length = 0
  outcomes.length = 0
  for (const [peer, role] of [['p', 'member'] as const, ['s', 'seed'] as const]) {
    book.admitted({ peer, role, notAfter: clock.now() + 1, version: '1', blobs: ['192.0.2.1:7472'] })
    book.opened(peer, '/ip4/192.0.2.1/tcp/1')
  }
})

/** A member whose answer comes when the work is done. */
function source(answer: () => Promise<typeof OPENED>, { id = 'p', underWay = 1 } = {}): PeerSource {
  const client = {
    open: (...args: unknown[]) => {
      asked.push(args)
      return answer()
    },
    forget: (peer: string) => void forgotten.push(peer),
    underWay: () => underWay,
  }
  const router = {
    had: ({ peer, by }: Located) => void outcomes.push(`${peer}, by ${by}, had it`),
    lacked: ({ peer, by }: Located) => void outcomes.push(`${peer}, by ${by}, lacked it`),
  }
  const components = { book, clock, headStart, router, client: client as unknown as PeerSourceComponents['client'] }
  return new PeerSource(components, { peer: id, by: 'guess' }, DIGEST)
}

const failing =
  (code: 'UPSTREAM_ABSENT' | 'UPSTREAM_BUSY' | 'UPSTREAM_CORRUPT' | 'UPSTREAM_TIMEOUT' | 'UNTRUSTED') => async () => {
    throw new WarrenError(code, 'no')
  }

describe('a member that is asked for a blob', () => {
  it('is a seed when its certificate says so', () => {
    expect(['p', 's', 'unknown'].map((id) => source(async () => OPENED, { id }).kind)).toEqual(['peer', 'seed', 'peer'])
  })

  it('is asked where its blobs are, and how long it took counts for the head start', async () => {
    const one = source(async () => {
      await clock.advance(33)
      return OPENED
    })
    expect(await one.open(5, NEVER)).toBe(OPENED)
    expect(asked).toEqual([[{ id: 'p', addresses: ['192.0.2.1:7472'] }, DIGEST, 5, NEVER, 'first']])
    expect(headStart.value).toBe(33)
  })

  it('is guessed at for longer once it had something', async () => {
    await clock.advance(29_999)
    await source(async () => OPENED).open(0, NEVER)
    await clock.advance(29_999)
    expect(book.warm(9)).toEqual(['p'])
  })

  it('is asked on no guess any more after it lacked two blobs, but for what it is known to have', async () => {
    for (let time = 0; time < 2; time++) await expect(source(failing('UPSTREAM_ABSENT')).open(0, NEVER)).rejects.toThrow('no')
    expect([book.warm(9), book.usable('p')]).toEqual([['s'], true])
  })

  it('is left alone for a while when it could not be reached or was somebody else', async () => {
    for (const code of ['UPSTREAM_TIMEOUT', 'UNTRUSTED'] as const) {
      await expect(source(failing(code)).open(0, NEVER)).rejects.toThrow('no')
      expect(book.usable('p')).toBe(false)
      await clock.advance(60_000)
    }
  })

  it('is not held guilty of being busy', async () => {
    await expect(source(failing('UPSTREAM_BUSY')).open(0, NEVER)).rejects.toThrow('no')
    expect([book.usable('p'), book.warm(9)]).toEqual([true, ['p', 's']])
    expect([book.isBusy('p'), book.isBusy('s'), outcomes]).toEqual([true, false, []])
    await clock.advance(1_000)
    expect(book.isBusy('p')).toBe(false)
  })

  it('is told to the router with what came of asking it, and why it was asked', async () => {
    await source(async () => OPENED).open(0, NEVER)
    await expect(source(failing('UPSTREAM_ABSENT')).open(0, NEVER)).rejects.toThrow('no')
    await expect(source(failing('UPSTREAM_TIMEOUT')).open(0, NEVER)).rejects.toThrow('no')
    expect(outcomes).toEqual(['p, by guess, had it', 'p, by guess, lacked it'])
  })

  it('is not held guilty of having less than others sent', async () => {
    await expect(source(failing('UPSTREAM_CORRUPT')).open(9, NEVER)).rejects.toThrow('no')
    expect([book.usable('p'), book.warm(9)]).toEqual([true, ['p', 's']])
  })

  it.each([
    ['was given up at once', 249, 1, true],
    ['was slow', 250, 1, false],
    ['was slow since it is sending us other blobs', 250, 2, true],
  ])('is asked again at once or not when it %s and somebody else was faster', async (_, took, underWay, usable) => {
    const stop = new AbortController()
    const slow = source(
      async () => {
        await clock.advance(took)
        stop.abort(new Error('enough'))
        throw stop.signal.reason
      },
      { underWay },
    )
    await expect(slow.open(0, stop.signal)).rejects.toThrow('enough')
    expect(book.usable('p')).toBe(usable)
  })

  it('is left alone for a while when it kept us waiting amid a blob, however well it began; but no seed', async () => {
    for (const id of ['p', 's']) {
      const one = source(async () => OPENED, { id })
      await one.open(0, NEVER)
      one.stalled()
    }
    await source(async () => OPENED).open(0, NEVER)
    expect([book.usable('p'), book.usable('s')]).toEqual([false, true])
    await clock.advance(5_000)
    expect(book.usable('p')).toBe(true)
  })

  it('is in quarantine once it is blamed, and what else it was sending is ended', () => {
    source(async () => OPENED).blame('sent something else')
    expect(book.get('p')?.quarantine?.reason).toBe('sent something else')
    expect([forgotten, book.usable('p')]).toEqual([['p'], false])
  })
})
