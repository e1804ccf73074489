import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Purged } from '../../node/store/purged.ts'
import type { Store } from '../../node/store/store.ts'
import { bytesOf, digestOf, feed, load, recordOf } from './store.ts'

/** Purges of single keys and blobs, as a test says. */
export class ScriptedPurges implements Purged {
  generation = 0
  pending = false
  readonly keys = new Map<string, number>()
  readonly blobs = new Set<string>()

  purge(...keys: string[]): void {
    this.generation++
    this.pending = true
    for (const key of keys) this.keys.set(key, this.generation)
  }

  covers(key: string, { generation = 0, blob }: { generation?: number; blob: string }): boolean {
    return generation < (this.blobs.has(blob) ? this.generation : (this.keys.get(key) ?? 0))
  }

  coversUnnamed(sha256: string): boolean {
    return this.blobs.has(sha256)
  }
}

/** Stores bytes under names, whose fetch began in a generation. Whether they were kept. */
async function keepIn(store: Store, generation: number, bytes: Buffer, ...keys: string[]): Promise<boolean> {
  const staging = store.blobs.stage({ size: bytes.length, algorithms: [] })
  try {
    await feed(staging, bytes)
    return await staging.commit(new Map(keys.map((key) => [key, recordOf(bytes, { generation })])))
  } finally {
    await staging.close()
  }
}

/** What every store does with what was purged. */
export function purgedStoreConformance(
  name: string,
  make: (purged: Purged) => Promise<{ store: Store; stop(): Promise<void> }>,
): void {
  describe(`${name} neither shows nor takes what was purged`, () => {
    let purges: ScriptedPurges
    let one: Awaited<ReturnType<typeof make>>
    let store: Store
    const [a, b] = [bytesOf(2_000, 1), bytesOf(200_000, 2)]

    beforeEach(async () => {
      purges = new ScriptedPurges()
      one = await make(purges)
      store = one.store
    })
    afterEach(() => one.stop())

    it('hides records at once, and with them the blobs that nothing else names', async () => {
      await keepIn(store, 0, a, 'a')
      await keepIn(store, 0, b, 'b')
      purges.purge('a')
      expect(store.records.get('a')).toBeUndefined()
      expect(await load(store, digestOf(a))).toBeUndefined()
      expect(store.records.get('b')).toBeDefined()
      expect((await load(store, digestOf(b)))?.equals(b)).toBe(true)
      expect((await Array.fromAsync(store.records.entries(''))).map(([key]) => key)).toEqual(['b'])
    })

    it('takes them out, says what that freed, and keeps a blob for another name', async () => {
      await keepIn(store, 0, a, 'a', 'other')
      await keepIn(store, 0, b, 'b')
      purges.purge('a', 'b')
      expect(await store.remove(['a', 'b', 'other', 'nothing'])).toEqual({ records: 2, blobs: 1, bytes: b.length })
      purges.pending = false
      expect([store.records.get('a'), store.records.get('b')]).toEqual([undefined, undefined])
      expect(store.records.get('other')).toBeDefined()
      expect(await load(store, digestOf(a))).toEqual(a)
      expect(await load(store, digestOf(b))).toBeUndefined()
      expect(await store.status()).toMatchObject({ records: 1, blobs: 1, bytes: a.length })
    })

    it('takes what was fetched later, and leaves it alone when the rest goes', async () => {
      await keepIn(store, 0, a, 'a')
      purges.purge('a')
      expect(await keepIn(store, 1, b, 'a')).toBe(true)
      expect(store.records.get('a')?.blob).toBe(digestOf(b))
      expect(await store.remove(['a'])).toEqual({ records: 0, blobs: 0, bytes: 0 })
      expect((await load(store, digestOf(b)))?.equals(b)).toBe(true)
    })

    it.each([100, 300_000])('does not keep %i bytes whose fetch began before', async (size) => {
      const bytes = bytesOf(size)
      purges.purge('a')
      expect(await keepIn(store, 0, bytes, 'a')).toBe(false)
      await store.records.put('a', recordOf(bytes))
      expect(store.records.get('a')).toBeUndefined()
      expect(store.blobs.find({ algorithm: 'sha256', hex: digestOf(bytes) })).toBeUndefined()
      expect(await store.status()).toMatchObject({ records: 0, blobs: 0 })
    })

    it('keeps what a commit says of other names', async () => {
      purges.purge('a')
      expect(await keepIn(store, 0, a, 'a', 'other')).toBe(true)
      expect([store.records.get('a'), store.records.get('other')?.blob]).toEqual([undefined, digestOf(a)])
    })

    it('takes out a blob with all its names, and one that has none', async () => {
      await keepIn(store, 0, a, 'a', 'other')
      await keepIn(store, 0, b)
      purges.purge()
      for (const bytes of [a, b]) purges.blobs.add(digestOf(bytes))
      expect([await load(store, digestOf(a)), await load(store, digestOf(b))]).toEqual([undefined, undefined])
      expect(await store.remove([], digestOf(a))).toEqual({ records: 2, blobs: 1, bytes: a.length })
      expect(await store.remove([], digestOf(b))).toEqual({ records: 0, blobs: 1, bytes: b.length })
      expect(await store.status()).toMatchObject({ records: 0, blobs: 0, bytes: 0 })
    })

    it('lists records page by page, those that were purged as well', async () => {
      for (const key of ['p/1', 'p/2', 'p/3', 'q', 'a']) await store.records.put(key, recordOf(a))
      purges.purge('p/1')
      const first = await store.records.page('p/', '', 2)
      expect(first.entries.map(([key]) => key)).toEqual(['p/1', 'p/2'])
      expect(first.last).toBe('p/2')
      const second = await store.records.page('p/', 'p/2', 2)
      expect(second.entries.map(([key]) => key)).toEqual(['p/3'])
      expect(second.last).toBeUndefined()
    })
  })
}
