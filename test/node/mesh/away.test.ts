import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Digest } from '../../../node/digest.ts'
import { ProviderRecords } from '../../../node/mesh/dht/provider-records.ts'
import { RECORD_VALIDITY } from '../../../node/mesh/dht/provider-store.ts'
import { HeadStart } from '../../../node/mesh/head-start.ts'
import { RememberedPeers } from '../../../node/mesh/host/remembered-peers.ts'
import { fingerprintOf } from '../../../node/mesh/inventory/fingerprint.ts'
import { Inventories } from '../../../node/mesh/inventory/inventories.ts'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import { PeerSource, type PeerSourceComponents } from '../../../node/mesh/peer-source.ts'
import { Router, type RouterComponents } from '../../../node/mesh/router.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { peerId } from './host/peer-ids.ts'

const temp = useTempFolders()
const SECOND = 1_000
const MINUTE = 60 * SECOND
const WEEK = 7 * 24 * 60 * MINUTE
const ONE: Digest = { algorithm: 'sha256', hex: 'ab'.repeat(32) }
const OTHER: Digest = { algorithm: 'sha256', hex: 'cd'.repeat(32) }
const NEVER = new AbortController().signal
const MEMBER = peerId(1)
const ADDRESS = '/ip4/192.0.2.1/tcp/7471'

/** A node that knows one member, which lists two blobs. */
function setUp() {
  const clock = new VirtualClock()
  const book = new PeerBook({ clock })
  const inventories = new Inventories({ clock, isSeed: () => false })
  const lookup = { async *find() {} } as unknown as RouterComponents['lookup']
  const router = new Router({ book, lookup, inventories, unmet: () => 0 })
  const come = () => {
    book.admitted({ peer: MEMBER, role: 'member', notAfter: clock.now() + 2 * WEEK, version: '1', blobs: ['192.0.2.1:7472'] })
    book.opened(MEMBER, ADDRESS)
  }
  const tell = (generation: number, ...digests: readonly Digest[]) => {
    const added = Uint32Array.from(digests, fingerprintOf).sort()
    inventories.apply(MEMBER, { kind: 'end', generation, sequence: 0, keys: added.length, added, removed: new Uint32Array() })
  }
  come()
  tell(1, ONE, OTHER)
  return { clock, book, inventories, router, come, tell }
}

test('who says goodbye is asked for nothing from then on, and for everything when it is back', () => {
  const { book, router, come } = setUp()
  expect([router.listing(ONE), router.listing(OTHER)]).toEqual([[MEMBER], [MEMBER]])
  book.closed(MEMBER)
  expect([router.listing(ONE), router.listing(OTHER), router.rulesOut([ONE, OTHER])]).toEqual([[], [], true])
  come()
  expect([router.listing(ONE), router.listing(OTHER)]).toEqual([[MEMBER], [MEMBER]])
})

test('who is cut off without a word keeps one blob waiting, and then is left alone for all, longer each time', async () => {
  const { clock, book, router, come } = setUp()
  const client = {
    open: (_peer: unknown, _digest: unknown, _start: number, signal: AbortSignal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
    underWay: () => 1,
  } as unknown as PeerSourceComponents['client']
  /** Somebody else was faster after 300 ms. */
  const ask = async (digest: Digest) => {
    const source = new PeerSource(
      { book, client, clock, router, headStart: new HeadStart() },
      { peer: MEMBER, by: 'inventory' },
      digest,
    )
    const stop = new AbortController()
    const asking = source.open(0, stop.signal).catch(() => {})
    await clock.advance(300)
    stop.abort(new Error('somebody else was faster'))
    await asking
  }
  const pauses: number[] = []
  for (const digest of [ONE, OTHER, ONE, OTHER, ONE, OTHER, ONE, OTHER, ONE, OTHER]) {
    expect(router.listing(digest)).toEqual([MEMBER])
    await ask(digest)
    // For the other one just as well.
    expect([router.listing(ONE), router.listing(OTHER)]).toEqual([[], []])
    const pause = book.pausedUntil(MEMBER) - clock.now()
    pauses.push(pause / SECOND)
    await clock.advance(pause)
  }
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300])
  book.closed(MEMBER)
  come()
  expect([router.listing(ONE), book.pausedUntil(MEMBER)]).toEqual([[MEMBER], 0])
})

test('a member that was away for a week works at once, and nothing old is believed of it', async () => {
  const { clock, book, inventories, router, come, tell } = setUp()
  const remembered = new RememberedPeers({ clock, log: pino({ level: 'silent' }) }, { folder: temp.create('mesh') })
  remembered.saw(MEMBER, [ADDRESS])
  const records = new ProviderRecords({ clock }, { validity: RECORD_VALIDITY, perProvider: 10, total: 10 })
  records.put('key', MEMBER)
  for (let time = 0; time < 9; time++) book.failed(MEMBER)
  book.quarantine(MEMBER, 'it sent something else')
  book.closed(MEMBER)
  clock.jump(WEEK)
  inventories.prune((peer) => book.isConnected(peer))
  expect([records.of('key'), inventories.status(MEMBER), inventories.bytes]).toEqual([[], null, 0])
  expect(remembered.all()).toMatchObject([{ id: MEMBER, addresses: [ADDRESS] }])
  expect(book.worthMeeting(MEMBER)).toBe(true)
  come()
  expect([book.usable(MEMBER), router.coversAll, router.listing(ONE)]).toEqual([true, false, []])
  tell(2, OTHER)
  expect([router.coversAll, router.listing(ONE), router.listing(OTHER)]).toEqual([true, [], [MEMBER]])
  expect((await Array.fromAsync(router.locate(OTHER, NEVER))).map(({ by }) => by)).toEqual(['inventory'])
  await remembered.stop()
})
