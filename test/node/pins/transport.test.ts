import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import { MAX_COMING, MAX_QUEUED } from '../../../node/pins/constants.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Random } from '../../harness/random.ts'
import { keep, keyOf, type MemorySeed, SeedNet } from './fixture.ts'

useLeakCheck()

const HOUR = 3_600_000
const BYTES = new Random(7).bytes(60_000)

let net: SeedNet
let one: MemorySeed
let other: MemorySeed

beforeEach(async () => {
  net = new SeedNet({ replicas: 2 })
  one = net.join('one')
  other = net.join('other')
  await net.settle()
})
afterEach(() => net.stop())

const toOther = () => one.pins.status()?.seeds.find(({ id }) => id === 'other')

describe('pins on their way', () => {
  it('let small ones pass while a large one is coming', async () => {
    net.pace = 1_000
    await keep(one.store, keyOf('large'), BYTES)
    await net.clock.advance(6_000)
    expect(toOther()).toMatchObject({ pending: 1, held: 0 })
    net.pace = 0
    for (const name of ['a', 'b', 'c']) await keep(one.store, keyOf(name), Buffer.from(name))
    await net.clock.advance(12_000)
    expect(['a', 'b', 'c', 'large'].map((name) => net.holders(keyOf(name)).length)).toEqual([2, 2, 2, 2])
    expect(one.pins.status()).toMatchObject({ wanted: 4, held: 4, missing: 0 })
  })

  it('go on where they broke off', async () => {
    let pieces = 0
    net.disturb = (_from, _to, path) => {
      if (path === '/blobs/v1/' && ++pieces % 8 === 0) throw new WarrenError('UPSTREAM_CUT', 'it broke off')
    }
    await keep(one.store, keyOf('large'), BYTES)
    await net.clock.advance(30_000)
    expect(net.holders(keyOf('large'))).toEqual(['one', 'other'])
    expect(one.sent).toBe(BYTES.length)
  })

  it('wait for a seed that is busy with others', async () => {
    const free = net.clock.now() + 30_000
    net.disturb = (_from, _to, path) => {
      if (path === '/blobs/v1/' && net.clock.now() < free) throw new WarrenError('UPSTREAM_BUSY', 'all places are taken')
    }
    await keep(one.store, keyOf('a'), BYTES)
    await net.clock.advance(25_000)
    expect(net.holders(keyOf('a'))).toEqual(['one'])
    await net.clock.advance(10_000)
    expect(net.holders(keyOf('a'))).toEqual(['one', 'other'])
  })

  it('are held back while too many are coming, and arrive nevertheless', async () => {
    net.pace = 30_000
    const keys = Array.from({ length: MAX_COMING + 50 }, (_, at) => keyOf(`p${at}`))
    for (const [at, key] of keys.entries()) await keep(one.store, key, BYTES.subarray(at, at + 500))
    await net.clock.advance(60_000)
    expect(other.pins.holds('one', keys).filter((holding) => holding === 'coming').length).toBeLessThanOrEqual(MAX_COMING)
    expect(other.pins.holds('one', keys).filter((holding) => holding === null).length).toBeGreaterThan(0)
    net.pace = 0
    await net.clock.advance(120_000)
    expect(keys.filter((key) => net.holders(key).length !== 2)).toEqual([])
  })

  it('that find no place in the queue are found by the next sweep', async () => {
    net.disturb = (from) => {
      if (from === 'one') throw new Error('the cable is cut')
    }
    const keys = Array.from({ length: MAX_QUEUED + 200 }, (_, at) => keyOf(`p${at}`))
    for (const [at, key] of keys.entries()) await keep(one.store, key, BYTES.subarray(at, at + 50))
    expect(toOther()?.pending).toBe(MAX_QUEUED)
    await net.clock.advance(60_000)
    expect(toOther()).toMatchObject({ pending: 0, held: 0, reason: 'the cable is cut' })
    net.disturb = () => {}
    await net.clock.advance(HOUR)
    expect(keys.filter((key) => net.holders(key).length !== 2)).toEqual([])
    expect(one.pins.status()).toMatchObject({ wanted: keys.length, missing: 0 })
  })

  it('are not kept when their bytes are others than the record says', async () => {
    const right = BYTES.subarray(0, 2_000)
    const wrong = Buffer.from(right)
    wrong[1_500] = (wrong[1_500] ?? 0) ^ 1
    const open = one.store.blobs.open
    Object.assign(one.store.blobs, {
      open: (sha256: string) => {
        const blob = open(sha256)
        return blob instanceof Promise || !blob ? blob : { ...blob, bytes: wrong }
      },
    })
    await keep(one.store, keyOf('a'), right)
    await net.clock.advance(10_000)
    expect(net.holders(keyOf('a'))).toEqual(['one'])
    expect(await other.store.status()).toMatchObject({ records: 0, blobs: 0 })
    expect(toOther()?.reason).toMatch(/^seed one sends bytes of sha256:/)
  })

  it('are not kept when their record promises another digest than its bytes have', async () => {
    await keep(one.store, keyOf('a'), BYTES, { verified: [`sha512:${'0'.repeat(128)}`] })
    await net.clock.advance(10_000)
    expect(net.holders(keyOf('a'))).toEqual(['one'])
    expect(toOther()?.reason).toContain('promises a wrong sha512')
  })

  it('give way to what the receiver has got itself meanwhile', async () => {
    net.pace = 1_000
    const now = net.clock.now()
    await keep(one.store, keyOf('a'), BYTES, { checkedAt: now })
    await net.clock.advance(10_000)
    const own = await keep(other.store, keyOf('a'), Buffer.from('newer'), { checkedAt: now + 5_000 })
    await net.clock.advance(120_000)
    expect(other.store.records.get(keyOf('a'))).toEqual(own)
    expect((await other.store.status()).blobs).toBe(1)
    expect(one.store.records.get(keyOf('a'))).toEqual(own)
  })

  it('stay here when nobody would read their names or headers, and hold up no others', async () => {
    const long = keyOf('x'.repeat(5_000))
    await keep(one.store, long, Buffer.from('long'))
    await keep(one.store, keyOf('odd'), Buffer.from('odd'), { headers: { 'x-odd': 'a\r\nb' } })
    await keep(one.store, keyOf('good'), Buffer.from('good'))
    await net.clock.advance(6_000)
    expect([long, keyOf('odd'), keyOf('good')].map((key) => net.holders(key).length)).toEqual([1, 1, 2])
    expect(one.pins.status()).toMatchObject({ wanted: 3, held: 1, missing: 2 })
  })

  it('are not asked about all day long because of one that can never be delivered', async () => {
    const keys = Array.from({ length: 100 }, (_, at) => keyOf(`p${at}`))
    for (const [at, key] of keys.entries()) await keep(one.store, key, BYTES.subarray(at, at + 50))
    await keep(one.store, keyOf('odd'), Buffer.from('odd'), { headers: { 'x-odd': 'a\r\nb' } })
    await net.clock.advance(HOUR)
    other.asked.clear()
    await net.clock.advance(24 * HOUR)
    // Twice a sweep, and one an hour or so.
    expect(other.asked.get('/pins/v1/holds')).toBeLessThan(60)
    expect(one.pins.status()).toMatchObject({ wanted: 101, held: 100 })
    // What is in trouble for a while is brought soon after.
    await other.store.blobs.delete(one.store.records.get(keyOf('p1'))?.blob ?? '')
    await net.clock.advance(2 * HOUR)
    expect(net.holders(keyOf('p1'))).toEqual(['one', 'other'])
  })

  it('fill whole questions and no more, however long they are', async () => {
    const keys = Array.from({ length: 200 }, (_, at) => keyOf(`${at}${'\\'.repeat(2_000)}`))
    for (const [at, key] of keys.entries()) {
      await keep(one.store, key, BYTES.subarray(at, at + 50), { headers: { 'x-long': 'y'.repeat(12_000) } })
    }
    await net.clock.advance(60_000)
    expect(keys.filter((key) => net.holders(key).length !== 2)).toEqual([])
  })
})
