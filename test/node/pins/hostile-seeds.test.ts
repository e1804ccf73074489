import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Busy } from '../../../node/mesh/swarm/referral.ts'
import { COMING_PATIENCE, MAX_COMING, SWEEP_WINDOW } from '../../../node/pins/constants.ts'
import { hash1 } from '../../../node/zip/digest.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Random } from '../../harness/random.ts'
import { keep, keyOf, type MemorySeed, SeedNet } from './fixture.ts'

useLeakCheck()

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const BYTES = new Random(9).bytes(60_000)
const bytesAt = (at: number) => BYTES.subarray(at, at + 500)

let net: SeedNet
let one: MemorySeed
let other: MemorySeed
let odd: MemorySeed

beforeEach(() => {
  net = new SeedNet({ replicas: 3 })
  one = net.join('one')
})
afterEach(() => net.stop())

async function joinOthers(): Promise<void> {
  other = net.join('other')
  odd = net.join('odd')
}

const isThere = (key: string) => net.holders(key).includes('other')

describe('a seed that gets on with nothing', () => {
  it('keeps no sweep from the others by saying that all is coming', async () => {
    const keys = Array.from({ length: 2 * SWEEP_WINDOW }, (_, at) => keyOf(`p${at}`))
    for (const [at, key] of keys.entries()) await keep(one.store, key, bytesAt(at))
    await joinOthers()
    Object.assign(odd.pins, { holds: (_: string, asked: readonly string[]) => asked.map(() => 'coming') })
    await net.clock.advance(5 * MINUTE)
    expect(keys.filter((key) => !isThere(key))).toEqual([])
    // An hour later nobody believes it any more.
    await net.clock.advance(62 * MINUTE)
    expect(one.pins.status()?.seeds.find(({ id }) => id === 'odd')?.reason).toContain('it does not come')
  })

  it('is sent the rest when it takes nothing of what was first', async () => {
    await joinOthers()
    await net.settle()
    const { pins } = other
    const take = pins.take.bind(pins)
    const stuck = (key: string) => key.includes('stuck')
    Object.assign(pins, {
      take: async (from: string, sent: Parameters<typeof take>[1]) => {
        const rest = await take(
          from,
          sent.filter(({ key }) => !stuck(key)),
        )
        return sent.map(({ key }) => (stuck(key) ? { state: 'busy' } : rest.shift()))
      },
    })
    for (let at = 0; at < 100; at++) await keep(one.store, keyOf(`stuck${at}`), bytesAt(at))
    await keep(one.store, keyOf('good'), bytesAt(200))
    await net.clock.advance(30_000)
    expect([isThere(keyOf('good')), isThere(keyOf('stuck0'))]).toEqual([true, false])
  })

  it('keeps nobody from sending while its own pins drip in', async () => {
    await joinOthers()
    await net.settle()
    odd.pace = DAY
    for (let at = 0; at < MAX_COMING + 10; at++) await keep(odd.store, keyOf(`drip${at}`), bytesAt(at))
    await net.clock.advance(10_000)
    await keep(one.store, keyOf('good'), bytesAt(1_000))
    await net.clock.advance(10_000)
    expect(isThere(keyOf('good'))).toBe(true)
  })

  it('keeps no name for itself by beginning to send it, nor a blob', async () => {
    await joinOthers()
    await net.settle()
    odd.pace = DAY
    await keep(odd.store, keyOf('a'), bytesAt(0))
    await keep(odd.store, keyOf('b'), bytesAt(1))
    await net.clock.advance(5_000)
    const own = await keep(one.store, keyOf('a'), bytesAt(2), { checkedAt: 2 })
    await keep(one.store, keyOf('b'), bytesAt(1))
    await net.clock.advance(COMING_PATIENCE + 10 * MINUTE)
    expect(other.store.records.get(keyOf('a'))).toEqual(own)
    expect(isThere(keyOf('b'))).toBe(true)
  })
})

describe('a seed that names what it does not have', () => {
  beforeEach(async () => {
    await joinOthers()
    await net.settle()
  })

  it('makes nothing public that came with a login', async () => {
    const record = await keep(other.store, keyOf('secret'), bytesAt(0), { private: true })
    const { private: _, ...open } = record
    const taking = other.pins.take('odd', [{ key: keyOf('open'), record: open }])
    await net.clock.advance(MINUTE)
    expect(await taking).toMatchObject([{ state: 'failed', reason: 'odd does not hold it' }])
    expect([other.store.blobs.isPrivate(record.blob), other.store.records.get(keyOf('open'))]).toEqual([true, undefined])
  })

  it.each(['sha512', 'sha1', 'h1', 'h1mod'])(
    'is not believed a %s that was not seen, though the bytes are here',
    async (name) => {
      const record = await keep(other.store, keyOf('known'), bytesAt(0))
      const length = { sha512: 128, sha1: 40 }[name] ?? 64
      const promised = { ...record, verified: [...record.verified, `${name}:${'0'.repeat(length)}`] }
      await keep(odd.store, keyOf('unseen'), bytesAt(0))
      const taking = other.pins.take('odd', [{ key: keyOf('promised'), record: promised }])
      await net.clock.advance(5_000)
      expect(await taking).toMatchObject([{ state: 'failed', reason: expect.stringContaining(name) }])
      expect(other.store.records.get(keyOf('promised'))).toBeUndefined()
    },
  )

  it('is believed a digest of what is in a blob that was seen to be right', async () => {
    const record = await keep(odd.store, keyOf('mod'), bytesAt(0))
    const hex = hash1(new Map([['go.mod', record.blob]]))
    const taking = other.pins.take('odd', [{ key: keyOf('again'), record: { ...record, verified: [`h1mod:${hex}`] } }])
    await net.clock.advance(5_000)
    expect(await taking).toEqual([{ state: 'held' }])
    expect(other.store.blobs.find({ algorithm: 'h1mod', hex })).toBe(record.blob)
  })
})

it('a blob is asked for again of a seed that sends others to each other', async () => {
  await joinOthers()
  await net.settle()
  const free = net.clock.now() + 30_000
  net.disturb = (_from, _to, path) => {
    if (path === '/blobs/v1/' && net.clock.now() < free) throw new Busy('others are getting this from here', [])
  }
  await keep(one.store, keyOf('a'), BYTES)
  await net.clock.advance(40_000)
  expect([isThere(keyOf('a')), one.askedAgain]).toEqual([true, true])
})

it('a sweep comes also after a clock was set back', async () => {
  await joinOthers()
  const { blob } = await keep(one.store, keyOf('a'), bytesAt(0))
  await net.settle()
  expect(isThere(keyOf('a'))).toBe(true)
  net.clock.jump(-3_650 * DAY)
  await other.store.blobs.delete(blob)
  await net.clock.advance(DAY)
  expect(isThere(keyOf('a'))).toBe(true)
})
