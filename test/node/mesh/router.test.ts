import { expect, test } from 'vitest'
import type { Digest } from '../../../node/digest.ts'
import { FRESH } from '../../../node/mesh/inventory/constants.ts'
import { fingerprintOf } from '../../../node/mesh/inventory/fingerprint.ts'
import { Inventories } from '../../../node/mesh/inventory/inventories.ts'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import { Router, type RouterComponents } from '../../../node/mesh/router.ts'
import type { Role } from '../../../node/trust/standing.ts'
import { VirtualClock } from '../../harness/clock.ts'

const DIGEST: Digest = { algorithm: 'sha256', hex: 'ab'.repeat(32) }
const OTHER: Digest = { algorithm: 'sha256', hex: 'cd'.repeat(32) }
const DAY = 24 * 60 * 60_000
const NEVER = new AbortController().signal

/** A router of a node in zone «here», with whom the DHT names. */
function setUp({ named = [], random = () => 0 }: { named?: readonly string[]; random?: () => number } = {}) {
  const clock = new VirtualClock()
  const book = new PeerBook({ clock }, { zone: 'here' })
  const inventories = new Inventories({ clock, isSeed: (peer) => book.roleOf(peer) === 'seed' })
  const asked: { digest: Digest; signal: AbortSignal }[] = []
  const find = async function* (digest: Digest, signal: AbortSignal) {
    asked.push({ digest, signal })
    yield* named
  }
  const lookup = { find } as unknown as RouterComponents['lookup']
  const others = { unmet: 0 }
  const router = new Router({ book, lookup, inventories, unmet: () => others.unmet, random })
  const meet = (...peers: readonly string[]) => {
    for (const peer of peers) join(peer)
  }
  const join = (peer: string, { role = 'member' as Role, zone }: { role?: Role; zone?: string } = {}) => {
    book.admitted({ peer, role, notAfter: clock.now() + DAY, version: '1', blobs: ['192.0.2.1:1'], zone })
    book.opened(peer, '/ip4/192.0.2.1/tcp/1')
  }
  const lists = (peer: string, ...digests: readonly Digest[]) => {
    const added = Uint32Array.from(digests, fingerprintOf).sort()
    inventories.apply(peer, { kind: 'end', generation: 1, sequence: 0, keys: added.length, added, removed: new Uint32Array() })
  }
  const all = async (digest = DIGEST) =>
    (await Array.fromAsync(router.locate(digest, NEVER))).map(({ peer, by }) => `${peer} (${by})`)
  return { clock, book, inventories, router, others, asked, meet, join, lists, all }
}

test('while nobody has told what it has, two likely members come first, then whom the DHT names, each once', async () => {
  const { meet, all, asked, router } = setUp({ named: ['x', 'b', 'c', 'x', 'a', 'y'] })
  meet('a', 'b', 'c')
  expect(await all()).toEqual(['a (guess)', 'b (guess)', 'x (dht)', 'c (dht)', 'y (dht)'])
  expect(asked).toEqual([{ digest: DIGEST, signal: NEVER }])
  expect(router.counts.snapshot()).toEqual({
    inventory: { hit: 0, miss: 1, false: 0 },
    guess: { right: 0, wrong: 0 },
    dht: { hit: 1, miss: 0, spared: 0 },
  })
})

test('a member that has told what it has is asked for that and for nothing else', async () => {
  const { meet, lists, all, router } = setUp({ named: ['x'] })
  meet('a', 'b', 'c')
  lists('a', DIGEST)
  lists('b', OTHER)
  expect(await all()).toEqual(['a (inventory)', 'c (guess)', 'x (dht)'])
  lists('c')
  expect(await all()).toEqual(['a (inventory)'])
  expect(router.counts.snapshot()).toMatchObject({ inventory: { hit: 2, miss: 0 }, dht: { hit: 1, miss: 0, spared: 1 } })
})

test('the DHT is not asked where all members that are known have told what they have', async () => {
  const { meet, lists, all, asked, router, others } = setUp()
  meet('a')
  lists('a')
  expect([await all(), asked.length, router.coversAll, router.rulesOut([DIGEST, OTHER])]).toEqual([[], 0, true, true])
  others.unmet = 1
  expect([await all(), asked.length, router.coversAll, router.rulesOut([DIGEST])]).toEqual([[], 1, false, false])
  others.unmet = 0
  lists('a', OTHER)
  expect([router.rulesOut([DIGEST]), router.rulesOut([DIGEST, OTHER])]).toEqual([true, false])
})

test('what a member told long ago rules nothing out', async () => {
  const { clock, meet, lists, router, asked, all } = setUp()
  meet('a')
  lists('a')
  await clock.advance(FRESH + 1)
  expect([router.coversAll, await all(), asked.length]).toEqual([false, [], 1])
})

test('near members come first, seeds last, those that were asked lately before others, and busy ones after all', async () => {
  const { clock, join, lists, all, book } = setUp()
  const members: Record<string, { role?: Role; zone?: string }> = {
    'far seed': { role: 'seed' },
    'near seed': { role: 'seed', zone: 'here' },
    far: {},
    'far, warm': {},
    near: { zone: 'here' },
    'near, busy': { zone: 'here' },
    paused: { zone: 'here' },
  }
  for (const [peer, init] of Object.entries(members)) {
    join(peer, init)
    lists(peer, DIGEST)
  }
  // Nobody has just come any more.
  await clock.advance(30_000)
  book.had('far, warm')
  book.busy('near, busy')
  book.failed('paused')
  expect(await all()).toEqual(
    ['near', 'near seed', 'far, warm', 'far', 'far seed', 'near, busy'].map((peer) => `${peer} (inventory)`),
  )
})

test('the nearest is the first of those that list it and are fit, and nobody else', async () => {
  const { clock, join, lists, router, book } = setUp()
  join('far')
  join('near', { zone: 'here' })
  join('near seed', { role: 'seed', zone: 'here' })
  join('guess', { zone: 'here' })
  for (const peer of ['far', 'near', 'near seed']) lists(peer, DIGEST)
  const nearest = (...unfit: string[]) => router.nearest(DIGEST, (peer) => !unfit.includes(peer))
  expect([nearest(), nearest('near'), nearest('near', 'near seed')]).toEqual(['near', 'near seed', 'far'])
  expect([nearest('near', 'near seed', 'far'), router.nearest(OTHER, () => true)]).toEqual([undefined, undefined])
  book.failed('near')
  expect(nearest()).toBe('near seed')
  await clock.advance(1_000)
  expect(nearest()).toBe('near')
})

test('among equals chance decides', async () => {
  const numbers = [0.9, 0.1, 0.5]
  const { meet, lists, all } = setUp({ random: () => numbers.shift() ?? 0 })
  meet('a', 'b', 'c')
  for (const peer of ['a', 'b', 'c']) lists(peer, DIGEST)
  expect(await all()).toEqual(['b (inventory)', 'c (inventory)', 'a (inventory)'])
})

test('who lacks what it lists is not asked for it again until it lists it anew, and counts it', async () => {
  const { meet, lists, all, router } = setUp()
  meet('a')
  lists('a', DIGEST, OTHER)
  router.lacked({ peer: 'a', by: 'inventory' }, DIGEST)
  expect([await all(), await all(OTHER)]).toEqual([[], ['a (inventory)']])
  lists('a', DIGEST, OTHER)
  expect(await all()).toEqual(['a (inventory)'])
  expect(router.counts.inventory.false).toBe(1)
})

test('what comes of guesses is counted', () => {
  const { router, meet, lists } = setUp()
  meet('a')
  lists('a', DIGEST)
  router.had({ peer: 'a', by: 'guess' })
  router.lacked({ peer: 'a', by: 'guess' }, DIGEST)
  router.had({ peer: 'a', by: 'dht' })
  router.lacked({ peer: 'a', by: 'dht' }, DIGEST)
  expect(router.counts.snapshot()).toMatchObject({ guess: { right: 1, wrong: 1 }, inventory: { false: 0 } })
  expect(router.listing(DIGEST)).toEqual(['a'])
})

test('the DHT is not asked as long as the likely ones are enough', async () => {
  const { meet, lists, router, asked } = setUp({ named: ['x'] })
  meet('a', 'b')
  lists('a', DIGEST)
  for await (const { peer } of router.locate(DIGEST, NEVER)) if (peer === 'b') break
  expect(asked).toEqual([])
})
