import { afterEach, describe, expect, it } from 'vitest'
import { ranked } from '../../../node/mesh/rendezvous.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Random } from '../../harness/random.ts'
import { keep, keyOf, SeedNet } from './fixture.ts'

useLeakCheck()

const HOUR = 3_600_000

let net: SeedNet
afterEach(() => net.stop())

const KEYS = Array.from({ length: 300 }, (_, at) => keyOf(`package${at}`))
const BYTES = new Random(6).bytes(3_000)
const bytesAt = (at: number) => BYTES.subarray(at, at + 500 + at)

/** Gives each key to a seed by turns. */
async function fill(keys = KEYS): Promise<void> {
  for (const [at, key] of keys.entries()) {
    const seed = net.all[at % net.all.length]
    if (seed) await keep(seed.store, key, bytesAt(at))
  }
}

function expectReplicas(count: number, keys = KEYS): void {
  const ids = net.all.map(({ id }) => id)
  for (const key of keys) expect(net.holders(key)).toEqual(expect.arrayContaining(ranked(key, ids).slice(0, count)))
}

describe.each([
  [1, 2],
  [2, 3],
  [3, 3],
  [2, 5],
  [4, 3],
])('%i replicas on %i seeds', (replicas, seeds) => {
  it('has every pin where it belongs, however it came in', async () => {
    net = new SeedNet({ replicas })
    for (let at = 0; at < seeds; at++) net.join(`seed${at}`)
    await fill(KEYS.slice(0, 100))
    await net.settle()
    await fill(KEYS)
    await net.clock.advance(60_000)
    expectReplicas(Math.min(replicas, seeds))
    for (const { pins, troubles } of net.all) {
      expect(pins.status()).toMatchObject({ replicas, missing: 0 })
      expect(troubles).toEqual([])
    }
  })
})

describe('pins', () => {
  it('sends what is new within seconds, and not what was only confirmed, is private or a link', async () => {
    net = new SeedNet({ replicas: 2 })
    const [one, other] = [net.join('one'), net.join('other')]
    await net.settle()
    const askedOfOne = new Map(one.asked)
    const record = await keep(one.store, keyOf('new'), bytesAt(1))
    await keep(one.store, keyOf('secret'), bytesAt(2), { private: true })
    await keep(one.store, keyOf('linked'), bytesAt(3), { link: true })
    await net.clock.advance(6_000)
    expect(net.holders(keyOf('new'))).toEqual(['one', 'other'])
    expect(other.store.records.get(keyOf('new'))).toEqual(record)
    const asked = new Map(other.asked)
    await one.store.records.put(keyOf('new'), { ...record, checkedAt: 7 })
    await net.clock.advance(6_000)
    expect(other.asked).toEqual(asked)
    // What a seed was sent it need not send on.
    expect(one.asked).toEqual(askedOfOne)
    await net.clock.advance(5 * HOUR)
    expect((await other.store.status()).records).toBe(1)
  })

  it('finds a blob on the other side by each digest that was checked', async () => {
    net = new SeedNet({ replicas: 2 })
    const [one, other] = [net.join('one'), net.join('other')]
    await net.settle()
    const record = await keep(one.store, keyOf('new'), bytesAt(1))
    await net.clock.advance(6_000)
    const hex = record.verified[0]?.slice('sha512:'.length) ?? ''
    expect(other.store.blobs.find({ algorithm: 'sha512', hex })).toBe(record.blob)
  })

  it('fetches a blob once for all the keys that name it, and nothing that is there already', async () => {
    net = new SeedNet({ replicas: 2 })
    const [one, other] = [net.join('one'), net.join('other')]
    await net.settle()
    const bytes = bytesAt(1_000)
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await keep(one.store, keyOf(name), bytes)
    await net.clock.advance(6_000)
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) expect(net.holders(keyOf(name))).toEqual(['one', 'other'])
    expect(one.sent).toBe(bytes.length)
    expect(other.sent).toBe(0)
  })

  it('gives a seed that comes about its share, and moves nothing else', async () => {
    net = new SeedNet({ replicas: 2 })
    for (const id of ['a', 'b', 'c']) net.join(id)
    await fill()
    await net.settle()
    const before = new Map(KEYS.map((key) => [key, net.holders(key)]))
    for (const seed of net.all) seed.asked.clear()
    const comer = net.join('comer')
    await net.settle()
    expectReplicas(2)
    const { records } = await comer.store.status()
    // Two of four seeds have each pin: half of all is the share of one.
    expect(records).toBe(KEYS.filter((key) => ranked(key, ['a', 'b', 'c', 'comer']).indexOf('comer') < 2).length)
    expect(records / KEYS.length).toBeGreaterThan(0.4)
    expect(records / KEYS.length).toBeLessThan(0.6)
    for (const key of KEYS) expect(net.holders(key).filter((id) => id !== 'comer')).toEqual(before.get(key))
    for (const { id, asked } of net.all) if (id !== 'comer') expect(asked.get('/pins/v1/records')).toBeUndefined()
  })

  it('gives everything back to a seed that comes back with an empty disk, however soon', async () => {
    net = new SeedNet({ replicas: 2 })
    for (const id of ['a', 'b', 'c']) net.join(id)
    await fill()
    await net.settle()
    const before = KEYS.filter((key) => net.holders(key).includes('b'))
    await net.leave('b')
    await net.clock.advance(500)
    const emptied = net.join('b')
    await net.settle()
    expectReplicas(2)
    const { records } = await emptied.store.status()
    expect(records).toBeLessThanOrEqual(before.length)
    expect(records).toBe(KEYS.filter((key) => ranked(key, ['a', 'b', 'c']).indexOf('b') < 2).length)
  })

  it('moves nothing for a seed that is back in a minute, and its share to others when it stays away', async () => {
    net = new SeedNet({ replicas: 2 })
    for (const id of ['a', 'b', 'c']) net.join(id)
    await fill()
    await net.settle()
    for (const seed of net.all) seed.sent = 0
    const store = await net.leave('c')
    await net.clock.advance(60_000)
    net.join('c', store)
    await net.settle()
    expect(net.all.map(({ sent }) => sent)).toEqual([0, 0, 0])
    await net.leave('c')
    await net.settle()
    expectReplicas(2)
    expect(net.all[0]?.pins.status()?.seeds.find(({ id }) => id === 'c')).toMatchObject({ connected: false })
  })

  it('says that it has counted nothing until a sweep has, after a start and once seeds came or went', async () => {
    net = new SeedNet({ replicas: 2 })
    for (const id of ['a', 'b', 'c']) net.join(id)
    await fill()
    await net.settle()
    const [a] = net.all
    expect(a?.pins.status()).toMatchObject({ counted: true, sweep: { running: false } })
    const held = a?.pins.status()?.wanted
    await net.leave('c')
    expect(a?.pins.status()).toMatchObject({ counted: false, wanted: 0 })
    await net.clock.advance(5_000)
    expect(a?.pins.counts()).toMatchObject({ counted: false })
    expect((a?.pins.status()?.sweep.dueAt ?? 0) - net.clock.now()).toBeGreaterThan(100_000)
    await net.settle()
    expect(a?.pins.counts()).toMatchObject({ counted: true })
    expect(a?.pins.status()?.wanted).toBeGreaterThanOrEqual(held ?? Number.NaN)
    // Whoever is back before it was missed may have lost its disk.
    await net.leave('b')
    await net.clock.advance(1)
    net.join('b')
    expect(a?.pins.counts()).toMatchObject({ counted: false })
    await net.settle()
    expect(a?.pins.counts()).toMatchObject({ counted: true })
  })

  it('brings two seeds together that were apart', async () => {
    net = new SeedNet({ replicas: 2 })
    let isApart = true
    net.disturb = () => {
      if (isApart) throw new Error('the cable is cut')
    }
    for (const id of ['a', 'b']) net.join(id)
    await fill()
    await net.clock.advance(60_000)
    expect(net.all.map(({ pins }) => pins.status())).toMatchObject([{ missing: 150 }, { missing: 150 }])
    expect(net.all[0]?.pins.status()?.seeds[1]).toMatchObject({ id: 'b', wanted: 150, held: 0, reason: 'the cable is cut' })
    isApart = false
    await net.settle()
    expectReplicas(2)
    expect(net.all.map(({ pins }) => pins.status())).toMatchObject([{ missing: 0 }, { missing: 0 }])
  })

  it('agrees on the edition that was confirmed last, and on one of two of the same moment', async () => {
    net = new SeedNet({ replicas: 2 })
    const [one, other] = [net.join('one'), net.join('other')]
    const now = net.clock.now()
    await keep(one.store, keyOf('a'), bytesAt(1), { checkedAt: now - 2 })
    await keep(other.store, keyOf('a'), bytesAt(2), { checkedAt: now - 1 })
    const keys = KEYS.slice(0, 20)
    for (const [at, key] of keys.entries()) {
      await keep(one.store, key, bytesAt(100 + at), { checkedAt: now })
      await keep(other.store, key, bytesAt(200 + at), { checkedAt: now })
    }
    await net.settle()
    expect([one, other].map(({ store }) => store.records.get(keyOf('a'))?.checkedAt)).toEqual([now - 1, now - 1])
    for (const key of keys) expect(one.store.records.get(key)).toEqual(other.store.records.get(key))
    // What was superseded is gone, and nothing went to and fro.
    expect((await one.store.status()).blobs).toBe(21)
    for (const { sent } of net.all) expect(sent).toBeLessThan(30 * 750)
    const asked = net.all.map((seed) => seed.asked.get('/pins/v1/records'))
    await net.clock.advance(5 * HOUR)
    expect(net.all.map((seed) => seed.asked.get('/pins/v1/records'))).toEqual(asked)
  })

  it('does not believe a clock that goes ahead', async () => {
    net = new SeedNet({ replicas: 2 })
    const [one, other] = [net.join('one'), net.join('other')]
    await net.settle()
    await keep(one.store, keyOf('a'), bytesAt(1), { checkedAt: net.clock.now() + HOUR, fetchedAt: net.clock.now() + HOUR })
    await net.clock.advance(6_000)
    const { fetchedAt = 0, checkedAt = 0 } = other.store.records.get(keyOf('a')) ?? {}
    expect(Math.max(fetchedAt, checkedAt)).toBeLessThanOrEqual(net.clock.now())
    expect(checkedAt).toBeGreaterThan(0)
  })

  it('leaves alone what a seed has by a login of its own', async () => {
    net = new SeedNet({ replicas: 2 })
    const [one, other] = [net.join('one'), net.join('other')]
    other.logins.add('https://corp.test/')
    const mine = await keep(other.store, keyOf('had'), bytesAt(1), { private: true, checkedAt: 0 })
    await keep(one.store, keyOf('had'), bytesAt(2))
    await keep(one.store, keyOf('a', 'https://corp.test/'), bytesAt(3))
    await net.settle()
    expect(other.store.records.get(keyOf('had'))).toEqual(mine)
    expect(net.holders(keyOf('a', 'https://corp.test/'))).toEqual(['one'])
    const { missing, seeds = [] } = one.pins.status() ?? {}
    expect(missing).toBe(2)
    expect(seeds.find(({ id }) => id === 'other')?.reason).toContain('a login of its own')
  })

  it('gets bytes back that are gone here and that another seed has', async () => {
    net = new SeedNet({ replicas: 2 })
    const [one] = [net.join('one'), net.join('other')]
    await net.settle()
    const { blob } = await keep(one.store, keyOf('a'), bytesAt(1))
    await net.clock.advance(6_000)
    await one.store.blobs.delete(blob)
    expect(net.holders(keyOf('a'))).toEqual(['other'])
    await net.clock.advance(5 * HOUR)
    expect(net.holders(keyOf('a'))).toEqual(['one', 'other'])
  })

  it('tells a seed whose disk is full so, and brings the pins when there is room', async () => {
    net = new SeedNet({ replicas: 2 })
    const [one, other] = [net.join('one'), net.join('other')]
    await net.settle()
    other.store.storing = false
    await keep(one.store, keyOf('a'), bytesAt(1))
    await net.clock.advance(6_000)
    expect(one.pins.status()).toMatchObject({ wanted: 1, held: 0, missing: 1 })
    expect(one.pins.status()?.seeds.find(({ id }) => id === 'other')?.reason).toContain(
      `no room for ${bytesAt(1).length} bytes more within its store.minFree and store.quota`,
    )
    other.store.storing = true
    await net.clock.advance(HOUR / 6)
    expect(one.pins.status()).toMatchObject({ wanted: 1, held: 1, missing: 0 })
  })

  it('does nothing on a member until it becomes a seed', async () => {
    net = new SeedNet({ replicas: 2 })
    const [seed, member] = [net.join('seed'), net.join('member', undefined, 'member')]
    await keep(member.store, keyOf('a'), bytesAt(1))
    await net.clock.advance(60_000)
    expect(member.pins.status()).toBeUndefined()
    expect(seed.asked.size).toBe(0)
    member.role = 'seed'
    await net.settle()
    expect(net.holders(keyOf('a'))).toEqual(['seed', 'member'])
  })
})
