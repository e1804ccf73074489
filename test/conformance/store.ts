import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAll } from '../../node/body.ts'
import { isWarrenError } from '../../node/errors.ts'
import type { NameRecord, Staging, Store } from '../../node/store/store.ts'

/** An implementation of `Store`, empty. */
export interface StoreUnderTest {
  readonly store: Store
  /** Makes the disk full, or gives it room again. */
  setFull(full: boolean): void | Promise<void>
  stop(): Promise<void>
}

/** One byte more than an implementation may hold in one piece, and the sizes at which one is likely to go wrong. */
const SIZES = [0, 1, 65_535, 65_536, 65_537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 17]

export function bytesOf(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8) * 7 + seed) & 0xff
  return bytes
}

export function digestOf(bytes: Buffer, algorithm = 'sha256'): string {
  return createHash(algorithm).update(bytes).digest('hex')
}

export function recordOf(bytes: Buffer, more: Partial<NameRecord> = {}): NameRecord {
  return {
    v: 1,
    blob: digestOf(bytes),
    size: bytes.length,
    headers: { 'content-type': 'text/plain' },
    fetchedAt: 1,
    checkedAt: 1,
    freshFor: null,
    verified: [],
    ...more,
  }
}

/** Writes as a source has to: it waits where it is told to. */
export async function feed(staging: Staging, bytes: Buffer, chunk = 65_536): Promise<void> {
  for (let at = 0; at < bytes.length; at += chunk) {
    if (!staging.write(bytes.subarray(at, at + chunk))) await staging.drained()
  }
}

/** Stores bytes under names. Whether they were kept. */
export async function keep(store: Store, bytes: Buffer, ...keys: string[]): Promise<boolean> {
  const staging = store.blobs.stage({ size: bytes.length, algorithms: ['sha512'] })
  try {
    await feed(staging, bytes)
    await staging.seal()
    return await staging.commit(new Map(keys.map((key) => [key, recordOf(bytes)])))
  } finally {
    await staging.close()
  }
}

/** All bytes of a stored blob; undefined when it is not held. */
export async function load(store: Store, sha256: string): Promise<Buffer | undefined> {
  const blob = await store.blobs.open(sha256)
  if (!blob) return undefined
  try {
    return await readAll(blob)
  } finally {
    blob.close()
  }
}

/** What a staging gives back of all its bytes. */
async function readBack(staging: Staging): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let position = 0; position < staging.written; ) {
    const part = await staging.read(position, 100_000, (size) => Buffer.allocUnsafe(size))
    if (!part?.length) throw new Error(`nothing at ${position} of ${staging.written}`)
    parts.push(Buffer.from(part))
    position += part.length
  }
  return Buffer.concat(parts)
}

export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'no error at all'
  } catch (error) {
    return isWarrenError(error) ? error.code : String(error)
  }
}

/** What every store promises, whatever it is made of. */
export function storeConformance(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the promises of a store`, () => {
    let one: StoreUnderTest
    let store: Store

    beforeEach(async () => {
      one = await make()
      store = one.store
    })
    afterEach(() => one.stop())

    it.each(SIZES)('gives back the %i bytes that it was given', async (size) => {
      const bytes = bytesOf(size)
      expect(await keep(store, bytes, 'name')).toBe(true)
      const blob = await store.blobs.open(digestOf(bytes))
      expect(blob).toMatchObject({ sha256: digestOf(bytes), size })
      expect(blob && (await readAll(blob)).equals(bytes)).toBe(true)
      blob?.close()
      expect(store.records.get('name')).toEqual(recordOf(bytes))
      expect(await store.status()).toMatchObject({ blobs: 1, bytes: size, records: 1, storing: true })
    })

    it.each(SIZES)('reads %i bytes back while they are staged, after the commit and until the close', async (size) => {
      const bytes = bytesOf(size)
      const staging = store.blobs.stage({ size: undefined, algorithms: [] })
      await feed(staging, bytes)
      expect(staging.written).toBe(size)
      expect((await readBack(staging)).equals(bytes)).toBe(true)
      await staging.seal()
      expect((await readBack(staging)).equals(bytes)).toBe(true)
      expect(await staging.commit(new Map())).toBe(true)
      expect((await readBack(staging)).equals(bytes)).toBe(true)
      await staging.close()
    })

    it('reads at any position of a blob, and nothing behind its end', async () => {
      const bytes = bytesOf(200_000)
      await keep(store, bytes)
      const blob = await store.blobs.open(digestOf(bytes))
      const scratch = (size: number) => Buffer.alloc(size)
      expect(await blob?.read(150_000, 10, scratch)).toEqual(bytes.subarray(150_000, 150_010))
      expect((await blob?.read(199_990, 1_000, scratch))?.equals(bytes.subarray(199_990))).toBe(true)
      expect((await blob?.read(200_000, 10, scratch))?.length).toBe(0)
      expect((await blob?.read(900_000, 10, scratch))?.length).toBe(0)
      blob?.close()
      blob?.close()
    })

    it.each([10, 3 << 20])('computes the digests that were asked for, and finds the blob by each (%i bytes)', async (size) => {
      const bytes = bytesOf(size)
      const staging = store.blobs.stage({ size, algorithms: ['sha512', 'sha1', 'md5', 'sha384', 'sha256'] })
      await feed(staging, bytes)
      const digests = await staging.seal()
      for (const algorithm of ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const) {
        expect(digests[algorithm]).toBe(digestOf(bytes, algorithm))
        expect(store.blobs.find({ algorithm, hex: digestOf(bytes, algorithm) })).toBeUndefined()
      }
      await staging.commit(new Map())
      await staging.close()
      for (const algorithm of ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const) {
        expect(store.blobs.find({ algorithm, hex: digestOf(bytes, algorithm) })).toBe(digests.sha256)
      }
    })

    it.each([0, 10, 70_000, 3 << 20])('takes what is here already as it is (%i bytes)', async (size) => {
      const bytes = bytesOf(size)
      const staging = store.blobs.stage({ size, bytes, algorithms: ['sha512'] })
      expect(staging.written).toBe(size)
      await staging.drained()
      const { sha256, sha512 } = await staging.seal()
      expect([sha256, sha512]).toEqual([digestOf(bytes), digestOf(bytes, 'sha512')])
      expect(await staging.commit(new Map())).toBe(true)
      await staging.close()
      const blob = await store.blobs.open(sha256)
      expect(blob && (await readAll(blob)).equals(bytes)).toBe(true)
      blob?.close()
    })

    it('leaves bytes alone that are here already, though more come', async () => {
      const bytes = bytesOf(100)
      const staging = store.blobs.stage({ size: 100, bytes: bytes.subarray(0, 40), algorithms: [] })
      staging.write(Buffer.alloc(60))
      expect((await staging.seal()).sha256).toBe(digestOf(Buffer.concat([bytes.subarray(0, 40), Buffer.alloc(60)])))
      expect(bytes.equals(bytesOf(100))).toBe(true)
      await staging.close()
    })

    it('does not mind that the caller reuses the memory of a chunk', async () => {
      const bytes = bytesOf(150_000)
      const staging = store.blobs.stage({ size: undefined, algorithms: [] })
      const chunk = Buffer.alloc(1_000)
      for (let at = 0; at < bytes.length; at += chunk.length) {
        bytes.copy(chunk, 0, at)
        staging.write(chunk)
      }
      chunk.fill(0)
      expect((await staging.seal()).sha256).toBe(digestOf(bytes))
      await staging.close()
    })

    it('knows nothing of what was staged and not committed', async () => {
      for (const size of [10, 2 << 20]) {
        const bytes = bytesOf(size)
        const staging = store.blobs.stage({ size, algorithms: [] })
        await feed(staging, bytes)
        const { sha256 } = await staging.seal()
        expect(await store.blobs.open(sha256)).toBeUndefined()
        await staging.close()
        await staging.close()
        expect(await store.blobs.open(sha256)).toBeUndefined()
        expect(store.blobs.find({ algorithm: 'sha256', hex: sha256 })).toBeUndefined()
      }
      expect(await store.status()).toMatchObject({ blobs: 0, bytes: 0 })
    })

    it.each([10, 2 << 20])('takes nothing after the digest, and nothing after the close (%i bytes)', async (size) => {
      const staging = store.blobs.stage({ size: undefined, algorithms: [] })
      await feed(staging, bytesOf(size))
      await staging.seal()
      expect(await codeOf(() => staging.write(Buffer.from('x')))).toBe('INTERNAL')
      await staging.close()
      expect(await codeOf(() => staging.write(Buffer.from('x')))).toBe('DRAINING')
      expect(await staging.read(0, 1, (length) => Buffer.alloc(length))).toBeUndefined()
      expect(await staging.commit(new Map())).toBe(false)
      expect((await store.status()).blobs).toBe(0)
    })

    it.each([10, 2 << 20])('takes no digest of what was closed (%i bytes)', async (size) => {
      const staging = store.blobs.stage({ size: undefined, algorithms: [] })
      await feed(staging, bytesOf(size))
      await staging.close()
      expect(await codeOf(() => staging.seal())).toBe('DRAINING')
    })

    it('answers a second commit like the first, and leaves the blob alone', async () => {
      const bytes = bytesOf(10)
      const staging = store.blobs.stage({ size: 10, algorithms: [] })
      staging.write(bytes)
      const both = [staging.commit(new Map([['name', recordOf(bytes)]])), staging.commit(new Map())]
      expect(await Promise.all(both)).toEqual([true, true])
      expect(await staging.commit(new Map())).toBe(true)
      await staging.close()
      expect(await load(store, digestOf(bytes))).toEqual(bytes)
    })

    it('brings a commit to its end that is under way at the close', async () => {
      for (const size of [10, 2 << 20]) {
        const bytes = bytesOf(size)
        const staging = store.blobs.stage({ size, algorithms: [] })
        await feed(staging, bytes)
        const committing = staging.commit(new Map())
        await staging.close()
        expect(await committing).toBe(true)
        expect((await load(store, digestOf(bytes)))?.equals(bytes)).toBe(true)
      }
    })

    it('keeps the same bytes once, however many bring them at once', async () => {
      for (const size of [1_000, 2 << 20]) {
        const bytes = bytesOf(size)
        const kept = await Promise.all(Array.from({ length: 8 }, (_, i) => keep(store, bytes, `${size} ${i}`)))
        expect(kept).toEqual(Array(8).fill(true))
        expect((await load(store, digestOf(bytes)))?.equals(bytes)).toBe(true)
      }
      expect(await store.status()).toMatchObject({ blobs: 2, bytes: 1_000 + (2 << 20), records: 16 })
    })

    it('knows the digests of all who brought the same bytes', async () => {
      const bytes = bytesOf(100)
      for (const algorithm of ['sha1', 'sha512'] as const) {
        const staging = store.blobs.stage({ size: 100, algorithms: [algorithm] })
        staging.write(bytes)
        await staging.commit(new Map())
        await staging.close()
      }
      const both = (['sha1', 'sha512'] as const).map((algorithm) => ({ algorithm, hex: digestOf(bytes, algorithm) }))
      for (const digest of both) expect(store.blobs.find(digest)).toBe(digestOf(bytes))
      expect(await store.blobs.delete(digestOf(bytes))).toBe(100)
      for (const digest of both) expect(store.blobs.find(digest)).toBeUndefined()
    })

    it('knows a digest of what is in the bytes, if a record says that it was checked', async () => {
      const bytes = bytesOf(1000, 12)
      const hex = digestOf(Buffer.from('the files in it'))
      const linked = digestOf(Buffer.from('what nobody checked'))
      const staging = store.blobs.stage({ algorithms: [] })
      await feed(staging, bytes)
      await staging.commit(
        new Map([
          ['a', recordOf(bytes, { verified: [`h1:${hex}`] })],
          ['b', recordOf(bytes, { verified: [`h1:${linked}`], link: true })],
          ['c', recordOf(bytesOf(1000, 13), { verified: [`h1:${linked}`] })],
        ]),
      )
      await staging.close()
      expect(store.blobs.find({ algorithm: 'h1', hex })).toBe(digestOf(bytes))
      expect(store.blobs.find({ algorithm: 'h1mod', hex })).toBeUndefined()
      expect(store.blobs.find({ algorithm: 'h1', hex: linked })).toBeUndefined()
      await store.blobs.delete(digestOf(bytes))
      expect(store.blobs.find({ algorithm: 'h1', hex })).toBeUndefined()
    })

    it('lets the last of many commits of one key win, and keeps no bytes of the others', async () => {
      const versions = Array.from({ length: 12 }, (_, i) => bytesOf(1_000 + i, i))
      await Promise.all(versions.map((bytes) => keep(store, bytes, 'latest')))
      const { blob } = store.records.get('latest') ?? {}
      expect(versions.map((bytes) => digestOf(bytes))).toContain(blob)
      for (const bytes of versions) expect((await load(store, digestOf(bytes))) !== undefined).toBe(digestOf(bytes) === blob)
      expect(await store.status()).toMatchObject({ blobs: 1, records: 1 })
    })

    it('removes a blob with the last record that names it', async () => {
      const [old, young] = [bytesOf(100), bytesOf(200)]
      await keep(store, old, 'one', 'two')
      await keep(store, young, 'one')
      expect(await load(store, digestOf(old))).toEqual(old)
      await store.records.put('two', recordOf(young))
      expect(await load(store, digestOf(old))).toBeUndefined()
      await store.records.delete('one')
      expect(await load(store, digestOf(young))).toEqual(young)
      await store.records.delete('two')
      await store.records.delete('two')
      expect(await load(store, digestOf(young))).toBeUndefined()
      expect(await store.status()).toMatchObject({ blobs: 0, bytes: 0, records: 0 })
    })

    it('keeps a blob that no record ever named', async () => {
      await keep(store, bytesOf(100))
      await keep(store, bytesOf(200), 'name')
      await store.records.delete('name')
      expect(await load(store, digestOf(bytesOf(100)))).toEqual(bytesOf(100))
    })

    it('shows the new record as soon as it is put, also to those who look while that happens', async () => {
      await keep(store, bytesOf(100), 'name')
      for (let checkedAt = 2; checkedAt < 50; checkedAt++) {
        const putting = store.records.put('name', recordOf(bytesOf(100), { checkedAt }))
        for (let look = 0; look < 3; look++) {
          expect(store.records.get('name')).toBeDefined()
          await new Promise((resolve) => setImmediate(resolve))
        }
        await putting
        expect(store.records.get('name')?.checkedAt).toBe(checkedAt)
      }
    })

    it('deletes a blob: it says how much that freed, and readers that have it read on', async () => {
      for (const size of [500, 300_000]) {
        const bytes = bytesOf(size)
        await keep(store, bytes, 'name')
        const blob = await store.blobs.open(digestOf(bytes))
        expect(await store.blobs.delete(digestOf(bytes))).toBe(size)
        expect(await store.blobs.delete(digestOf(bytes))).toBe(0)
        expect(await load(store, digestOf(bytes))).toBeUndefined()
        expect(blob && (await readAll(blob)).equals(bytes)).toBe(true)
        blob?.close()
      }
      expect((await store.status()).bytes).toBe(0)
    })

    it('takes a blob again that it had and deleted', async () => {
      for (const size of [500, 300_000, 2 << 20]) {
        const bytes = bytesOf(size)
        for (let round = 0; round < 3; round++) {
          await keep(store, bytes, 'name')
          expect((await load(store, digestOf(bytes)))?.equals(bytes)).toBe(true)
          await store.blobs.delete(digestOf(bytes))
        }
      }
    })

    it('lists the records below a prefix in the order of their keys', async () => {
      const keys = ['b/2', 'a/1', 'b/1', 'b', 'b/é', 'b/z', 'b/\u{1f4e6}', 'b/\uffee', 'c']
      for (const key of keys) await store.records.put(key, recordOf(bytesOf(1), { lastModified: key }))
      const listed = await Array.fromAsync(store.records.entries('b/'))
      expect(listed.map(([key]) => key)).toEqual(['b/1', 'b/2', 'b/z', 'b/é', 'b/\uffee', 'b/\u{1f4e6}'])
      for (const [key, record] of listed) expect(record.lastModified).toBe(key)
      expect((await Array.fromAsync(store.records.entries(''))).length).toBe(keys.length)
      expect(await Array.fromAsync(store.records.entries('d'))).toEqual([])
    })

    it('remembers what was parsed as long as it has the blob', async () => {
      const bytes = bytesOf(100)
      const sha256 = digestOf(bytes)
      await store.records.putParsed('npm-1', sha256, '{"too":"early"}')
      expect(store.records.parsed('npm-1', sha256)).toBeUndefined()
      await keep(store, bytes, 'name')
      await store.records.putParsed('npm-1', sha256, '{"a":1}')
      await store.records.putParsed('npm-2', sha256, '{"a":2}')
      expect([store.records.parsed('npm-1', sha256), store.records.parsed('npm-2', sha256)]).toEqual(['{"a":1}', '{"a":2}'])
      await store.records.delete('name')
      expect(store.records.parsed('npm-1', sha256)).toBeUndefined()
      await keep(store, bytes, 'name')
      expect(store.records.parsed('npm-1', sha256)).toBeUndefined()
    })

    it('passes bytes through when it takes nothing more, and takes them again later', async () => {
      const bytes = bytesOf(3 << 20)
      await one.setFull(true)
      expect((await store.status()).storing).toBe(false)
      const staging = store.blobs.stage({ size: bytes.length, algorithms: ['sha1'] })
      expect(staging.storing).toBe(false)
      await feed(staging, bytes)
      expect((await readBack(staging)).equals(bytes)).toBe(true)
      expect(await staging.seal()).toMatchObject({ sha256: digestOf(bytes), sha1: digestOf(bytes, 'sha1') })
      expect(await staging.commit(new Map([['name', recordOf(bytes)]]))).toBe(false)
      expect((await readBack(staging)).equals(bytes)).toBe(true)
      await staging.close()
      expect([store.records.get('name'), await load(store, digestOf(bytes))]).toEqual([undefined, undefined])
      await one.setFull(false)
      expect(await keep(store, bytes, 'name')).toBe(true)
    })

    it('lets a source wait whose bytes are in no file, until its readers have passed them', async () => {
      await one.setFull(true)
      const staging = store.blobs.stage({ size: undefined, algorithms: [] })
      const chunk = bytesOf(1 << 20)
      while (staging.write(chunk)) expect(staging.written).toBeLessThan(32 << 20)
      for (let round = 0; round < 40; round++) {
        staging.release(staging.written - chunk.length)
        await staging.drained()
        staging.write(chunk)
      }
      expect(await staging.read(0, 10, (size) => Buffer.alloc(size))).toBeUndefined()
      const last = await staging.read(staging.written - 10, 10, (size) => Buffer.alloc(size))
      expect(last).toEqual(chunk.subarray(-10))
      await staging.close()
    })
  })
}
