import { describe, expect, it, onTestFinished } from 'vitest'
import { readAll } from '../../../node/body.ts'
import type { Sha256 } from '../../../node/digest.ts'
import { Evictor } from '../../../node/permanence/evictor.ts'
import type { DiskStore } from '../../../node/store/disk-store.ts'
import type { NameRecord } from '../../../node/store/store.ts'
import { bytesOf, digestOf, feed, keep, load, recordOf } from '../../conformance/store.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Random } from '../../harness/random.ts'
import { eventually } from '../../harness/wait.ts'
import { useDiskStores } from '../store/fixture.ts'

useLeakCheck()
const open = useDiskStores()

const HOUR = 3_600_000
const KIB = 1 << 10

/** Seeds that hold what the test says; undefined: no seed answers. */
interface Seeds {
  held: ReadonlySet<Sha256> | undefined
  asked: Sha256[][]
}

async function evicting(quota: number) {
  const opened = await open()
  const { store } = opened
  const clock = new VirtualClock()
  const seeds: Seeds = { held: undefined, asked: [] }
  const gone: Sha256[] = []
  const evictor = new Evictor({
    cold: store.cold,
    room: store.room,
    confirmed: async (blobs) => {
      seeds.asked.push([...blobs])
      return seeds.held && new Set(blobs.filter((sha256) => seeds.held?.has(sha256)))
    },
    clock,
    onEvicted: (digests) => gone.push(...digests.map(({ hex }) => hex)),
    trouble: (what) => opened.troubles.push(what),
  })
  store.room.quota = quota
  const start = () => {
    evictor.start()
    onTestFinished(() => evictor.stop())
  }
  return { ...opened, opened, store, clock, seeds, gone, evictor, start }
}

/** Stores `size` bytes under a name. Whether they were kept. */
async function put(store: DiskStore, size: number, seed: number, more: Partial<NameRecord> = {}): Promise<Sha256 | undefined> {
  const bytes = bytesOf(size, seed)
  const staging = store.blobs.stage({ size, algorithms: [] })
  await feed(staging, bytes)
  const kept = await staging.commit(new Map([[`key ${digestOf(bytes)}`, recordOf(bytes, more)]]))
  await staging.close()
  return kept ? digestOf(bytes) : undefined
}

async function putAll(store: DiskStore, sizes: readonly number[], more: Partial<NameRecord> = {}): Promise<Sha256[]> {
  const all: Sha256[] = []
  for (const [at, size] of sizes.entries()) all.push((await put(store, size, at + 1, more)) ?? expect.fail('not kept'))
  return all
}

const holds = (store: DiskStore, blobs: readonly Sha256[]) =>
  blobs.map((hex) => store.blobs.find({ algorithm: 'sha256', hex }) !== undefined)

describe('a member over its quota', () => {
  it('evicts what was used least recently, down to the low-water mark', async () => {
    const { store, opened, seeds, gone, evictor, start } = await evicting(100 * KIB)
    const blobs: Sha256[] = []
    for (let at = 0; at < 9; at++) {
      blobs.push((await put(store, 10 * KIB, at + 1)) ?? '')
      opened.time += HOUR
    }
    // The first is wanted again.
    expect(await load(store, blobs[0] ?? '')).toBeDefined()
    seeds.held = new Set(blobs)
    start()
    expect(gone).toEqual([])
    const last = await put(store, 7 * KIB, 99)
    await eventually('room was made', () => gone.length > 0)
    expect(gone).toEqual([blobs[1]])
    expect(holds(store, [...blobs, last ?? ''])).toEqual([true, false, ...Array(8).fill(true)])
    expect(evictor.status).toEqual({ blobs: 1, bytes: 10 * KIB, obstacle: null })
    expect(await store.status()).toMatchObject({ blobs: 9, bytes: 87 * KIB, storing: true })
  })

  it('knows after a restart what was used last', async () => {
    const first = await evicting(100 * KIB)
    const blobs = await putAll(first.store, Array(9).fill(10 * KIB))
    first.opened.time += 2 * HOUR
    expect(await load(first.store, blobs[4] ?? '')).toBeDefined()
    first.opened.time += 2 * HOUR
    await first.store.close()
    const { store } = await open({ folder: first.folder })
    const order = await store.cold.coldest('artifact', 100, undefined, new AbortController().signal)
    expect(order.map(({ sha256 }) => sha256)).toEqual([...blobs.filter((one) => one !== blobs[4]).sort(), blobs[4]])
  })

  it('evicts nothing while no seed answers, stores nothing above the quota, and goes on serving', async () => {
    const { store, clock, seeds, gone, evictor, start } = await evicting(100 * KIB)
    const blobs = await putAll(store, Array(10).fill(9 * KIB))
    start()
    expect(await put(store, 9 * KIB, 50)).toBeDefined()
    expect(await put(store, 9 * KIB, 51)).toBeUndefined()
    await eventually('the seeds were asked', () => seeds.asked.length > 0)
    await eventually('it knows why', () => evictor.status.obstacle === 'no seed')
    expect(store.room.shortage).toBeUndefined()
    expect(await put(store, 1 * KIB, 52)).toBeDefined()
    expect(await put(store, 1 * KIB, 53)).toBeUndefined()
    expect([store.room.shortage, (await store.status()).storing]).toEqual(['quota', false])
    for (const sha256 of blobs) expect(await load(store, sha256)).toBeDefined()
    expect(gone).toEqual([])
    // A seed comes back.
    seeds.held = new Set(blobs)
    await eventually('it was tried again', async () => {
      await clock.advance(60_000)
      store.room.shortage
      return gone.length > 0
    })
    expect(await put(store, 9 * KIB, 54)).toBeDefined()
    await eventually('it is over', () => evictor.status.obstacle === null)
  })

  it('evicts documents last, with their names, and keeps the names of artifacts', async () => {
    const { store, seeds, gone, start } = await evicting(100 * KIB)
    const documents = await putAll(store, Array(4).fill(15 * KIB), { freshFor: 1_000 })
    const artifacts = await putAll(store, Array(3).fill(10 * KIB + 1))
    seeds.held = new Set([...documents, ...artifacts])
    store.room.quota = 40 * KIB
    start()
    store.room.shortage
    await eventually('room was made', () => gone.length === 7 - 2)
    expect(new Set(gone.slice(0, 3))).toEqual(new Set(artifacts))
    expect(gone.slice(3).every((sha256) => documents.includes(sha256))).toBe(true)
    for (const sha256 of artifacts) expect(store.records.get(`key ${sha256}`)).toMatchObject({ blob: sha256 })
    for (const sha256 of documents) {
      expect(store.records.get(`key ${sha256}`) === undefined).toBe(gone.includes(sha256))
    }
    expect((await store.status()).records).toBe(5)
  })

  it('makes room for what is larger than what is free, and begins to store it meanwhile', async () => {
    const { store, seeds, start, evictor } = await evicting(10 << 20)
    const blobs = await putAll(store, Array(9).fill(1 << 20))
    seeds.held = new Set(blobs)
    start()
    const bytes = bytesOf(3 << 20, 77)
    const staging = store.blobs.stage({ size: bytes.length, algorithms: [] })
    expect(staging.storing).toBe(true)
    await eventually('room was made', () => evictor.status.bytes >= 2 << 20)
    await feed(staging, bytes)
    await staging.seal()
    expect(await staging.commit(new Map([['large', recordOf(bytes)]]))).toBe(true)
    await staging.close()
    expect((await load(store, digestOf(bytes)))?.equals(bytes)).toBe(true)
  })

  it('breaks nothing that is being read', async () => {
    const { store, seeds, gone, start } = await evicting(10 << 20)
    const blobs = await putAll(store, [3 << 20, 500, 3 << 20])
    const opened = await Promise.all(blobs.map((sha256) => store.blobs.open(sha256)))
    seeds.held = new Set(blobs)
    store.room.quota = 1
    start()
    store.room.shortage
    await eventually('all is evicted', () => gone.length === 3)
    for (const [at, body] of opened.entries()) {
      const bytes = body && (await readAll(body))
      expect(bytes?.equals(bytesOf([3 << 20, 500, 3 << 20][at] ?? 0, at + 1))).toBe(true)
      body?.close()
    }
    for (const sha256 of blobs) expect(await store.blobs.open(sha256)).toBeUndefined()
  })

  it('is right for all who ask while it goes on', async () => {
    const { store, seeds, gone, start } = await evicting(10 << 20)
    const sizes = Array.from({ length: 60 }, (_, at) => 500 + at * 3_000)
    const blobs = await putAll(store, sizes)
    seeds.held = new Set(blobs)
    store.room.quota = 1
    let isOver = false
    let had = 0
    const reading = Array.from({ length: 8 }, async (_, reader) => {
      for (let at = reader * 7; !isOver || at % 60 !== 0; at++) {
        const bytes = await load(store, blobs[at % 60] ?? '')
        if (bytes) expect(bytes.equals(bytesOf(sizes[at % 60] ?? 0, (at % 60) + 1))).toBe(true)
        if (bytes) had++
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    start()
    store.room.shortage
    await eventually('some is evicted', () => gone.length > 0)
    await Promise.race([eventually('much is evicted', () => gone.length > 40), ...reading])
    isOver = true
    await Promise.all(reading)
    expect(had).toBeGreaterThan(0)
    expect(new Set(gone).size).toBe(gone.length)
  })

  it('keeps what is used between the choice and the answer of the seed', async () => {
    const { store, opened, seeds, gone, start } = await evicting(100 * KIB)
    const blobs = await putAll(store, Array(8).fill(10 * KIB))
    opened.time += 2 * HOUR
    await store.close()
    const again = await open({ folder: opened.folder })
    again.time = opened.time
    const chosen = await again.store.cold.coldest('artifact', 100, undefined, new AbortController().signal)
    expect(chosen).toHaveLength(8)
    expect(await load(again.store, blobs[3] ?? '')).toBeDefined()
    const { digests } = await again.store.cold.evict(chosen)
    expect(new Set(digests.map(({ hex }) => hex))).toEqual(new Set(blobs.filter((_, at) => at !== 3)))
    expect(await load(again.store, blobs[3] ?? '')).toBeDefined()
    expect([seeds.asked, gone, start]).toEqual([[], [], expect.anything()])
  })

  it('takes again what it evicted', async () => {
    const { store, seeds, gone, start } = await evicting(100 * KIB)
    const blobs = await putAll(store, Array(10).fill(9 * KIB))
    seeds.held = new Set(blobs)
    start()
    await put(store, 9 * KIB, 60)
    await eventually('room was made', () => gone.length > 0)
    const at = blobs.indexOf(gone[0] ?? '')
    const bytes = bytesOf(9 * KIB, at + 1)
    expect(await load(store, digestOf(bytes))).toBeUndefined()
    expect(await keep(store, bytes, `key ${digestOf(bytes)}`)).toBe(true)
    expect((await load(store, digestOf(bytes)))?.equals(bytes)).toBe(true)
  })

  it('never drops what no seed confirmed, nor what is private, whatever comes in which order', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = new Random(seed)
      const { store, opened, seeds, gone, clock, evictor, start } = await evicting(200 * KIB)
      const confirmed = new Set<Sha256>()
      const hidden = new Set<Sha256>()
      const all = new Map<Sha256, Buffer>()
      seeds.held = confirmed
      start()
      for (let step = 0; step < 120; step++) {
        const size = random.between(100, 12 * KIB)
        const kind = random.between(0, 9)
        const more: Partial<NameRecord> = kind < 2 ? { private: true } : kind < 4 ? { freshFor: 5 } : {}
        const sha256 = await put(store, size, step * 10 + seed, more)
        if (sha256) {
          all.set(sha256, bytesOf(size, step * 10 + seed))
          if (more.private) hidden.add(sha256)
          // Of a private one no seed ever says that it has it, but for one that lies.
          if (random.between(0, 2) > 0) confirmed.add(sha256)
        }
        seeds.held = random.between(0, 9) === 0 ? undefined : confirmed
        opened.time += random.between(0, HOUR)
        if (step % 5 === 0) await clock.advance(40_000)
        const [some] = [...all.keys()].slice(random.between(0, all.size - 1))
        const read = some && (await load(store, some))
        if (read) expect(read.equals(all.get(some) ?? Buffer.alloc(0))).toBe(true)
      }
      await evictor.stop()
      expect(gone.length).toBeGreaterThan(0)
      for (const sha256 of gone) expect([confirmed.has(sha256), hidden.has(sha256)]).toEqual([true, false])
      for (const [sha256, bytes] of all) {
        const there = await load(store, sha256)
        if (there) expect(there.equals(bytes)).toBe(true)
        else expect(gone).toContain(sha256)
      }
      expect((await store.status()).bytes).toBeLessThanOrEqual(200 * KIB)
      expect(opened.troubles).toEqual([])
    }
  })
})
