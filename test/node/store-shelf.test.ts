import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readAll } from '../../node/body.ts'
import { type Algorithm, type Digest, formatDigest } from '../../node/digest.ts'
import { DiskStore } from '../../node/store/disk-store.ts'
import { MemoryStore } from '../../node/store/memory-store.ts'
import type { Store } from '../../node/store/store.ts'
import { StoreShelf } from '../../node/store-shelf.ts'
import { ScriptedPurges } from '../conformance/purged-store.ts'
import { bytesOf, feed, digestOf as hexOf, recordOf } from '../conformance/store.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { fileOf, useDiskStores } from './store/fixture.ts'

useLeakCheck()
const openDisk = useDiskStores()

const SMALL = bytesOf(1_000)
const LARGE = bytesOf(3 << 20, 2)
const UNVERIFIED = bytesOf(500, 3)
const STAGED = bytesOf(400, 4)

const digestOf = (bytes: Buffer, algorithm: Algorithm = 'sha512'): Digest => ({ algorithm, hex: hexOf(bytes, algorithm) })

/** Stores bytes under a name; with `verified` as what upstream promised of them. */
async function keep(store: Store, key: string, bytes: Buffer, verified: readonly Digest[]): Promise<void> {
  const staging = store.blobs.stage({ size: bytes.length, algorithms: ['sha512'] })
  await feed(staging, bytes)
  await staging.seal()
  await staging.commit(new Map([[key, recordOf(bytes, { verified: verified.map(formatDigest) })]]))
  await staging.close()
}

const STORES: Record<string, () => Promise<Store>> = {
  MemoryStore: async () => new MemoryStore(),
  DiskStore: async () => (await openDisk()).store,
}

describe.each(Object.keys(STORES))('what members may have of a %s', (name) => {
  async function shelfWith(...more: [key: string, bytes: Buffer, verified: readonly Digest[]][]) {
    const store = await (STORES[name] as () => Promise<Store>)()
    await keep(store, 'small', SMALL, [digestOf(SMALL)])
    await keep(store, 'large', LARGE, [digestOf(LARGE, 'sha256'), digestOf(LARGE)])
    for (const one of more) await keep(store, ...one)
    return { store, shelf: new StoreShelf({ store, partial: () => undefined }) }
  }

  const holdings = async (shelf: StoreShelf) => (await Array.fromAsync(shelf.holdings())).map(formatDigest).sort()

  it('is each blob, whole, by each digest that is known of it', async () => {
    const { shelf } = await shelfWith()
    for (const bytes of [SMALL, LARGE]) {
      for (const algorithm of ['sha256', 'sha512'] as const) {
        expect(shelf.has(digestOf(bytes, algorithm))).toBe(true)
        const body = await shelf.open(digestOf(bytes, algorithm))
        if (!body) throw new Error('it is not there')
        expect(body.size).toBe(bytes.length)
        expect(Buffer.from(await readAll(body)).equals(bytes)).toBe(true)
        body.close()
      }
    }
  })

  it('is told by the digests that were verified, once for each', async () => {
    const { shelf } = await shelfWith(['unverified', UNVERIFIED, []])
    expect(await holdings(shelf)).toEqual(
      [digestOf(SMALL), digestOf(LARGE, 'sha256'), digestOf(LARGE)].map(formatDigest).sort(),
    )
    for await (const digest of shelf.holdings()) expect(shelf.has(digest)).toBe(true)
  })

  it('is nothing that is not kept: unknown, only staged, or deleted', async () => {
    const { store, shelf } = await shelfWith()
    const staging = store.blobs.stage({ size: STAGED.length, algorithms: ['sha512'] })
    await feed(staging, STAGED)
    await staging.seal()
    await store.blobs.delete(hexOf(SMALL))
    for (const bytes of [bytesOf(9), STAGED, SMALL]) {
      expect([shelf.has(digestOf(bytes)), await shelf.open(digestOf(bytes))]).toEqual([false, undefined])
    }
    expect(store.records.get('small')).toBeDefined()
    expect(await holdings(shelf)).toEqual([digestOf(LARGE, 'sha256'), digestOf(LARGE)].map(formatDigest).sort())
    await staging.close()
  })

  it('is nothing by a digest that was never computed', async () => {
    const { shelf } = await shelfWith()
    expect(shelf.has(digestOf(SMALL, 'sha384'))).toBe(false)
  })

  it('is nothing that came with credentials, until it comes from a public place as well', async () => {
    const { store, shelf } = await shelfWith()
    const mine = recordOf(UNVERIFIED, { verified: [formatDigest(digestOf(UNVERIFIED))], private: true })
    const staging = store.blobs.stage({ size: UNVERIFIED.length, algorithms: ['sha512'] })
    await feed(staging, UNVERIFIED)
    await staging.seal()
    await staging.commit(new Map([['mine', mine]]))
    await staging.close()
    const seen = async () => [
      store.blobs.isPrivate(hexOf(UNVERIFIED)),
      shelf.has(digestOf(UNVERIFIED)),
      (await shelf.open(digestOf(UNVERIFIED)))?.size,
      (await holdings(shelf)).length,
    ]
    expect(await seen()).toEqual([true, false, undefined, 3])
    // That some document names it, or that it comes with credentials again, makes it no more public.
    await store.records.put('named', { ...recordOf(UNVERIFIED), link: true })
    await keep(store, 'again', SMALL, [])
    await store.records.put('other', mine)
    expect(await seen()).toEqual([true, false, undefined, 3])
    const { private: _, ...open } = mine
    await store.records.put('open', open)
    expect(await seen()).toEqual([false, true, UNVERIFIED.length, 4])
  })

  it('is not told by what a document names', async () => {
    const { store, shelf } = await shelfWith()
    const named = recordOf(STAGED, { verified: [formatDigest(digestOf(STAGED))], link: true })
    const other = recordOf(SMALL, { verified: [formatDigest(digestOf(SMALL))] })
    await store.records.putAll(
      new Map([
        ['named', named],
        ['other', other],
      ]),
    )
    expect(store.records.get('named')).toEqual(named)
    expect(store.records.get('other')).toEqual(other)
    expect(await holdings(shelf)).not.toContain(formatDigest(digestOf(STAGED)))
    expect(shelf.has(digestOf(STAGED))).toBe(false)
    // What is named before it comes is kept as it comes.
    await keep(store, 'staged', STAGED, [digestOf(STAGED)])
    expect(shelf.has(digestOf(STAGED))).toBe(true)
  })

  it('is told without what no digest can be read from: another version may have written it', async () => {
    const { store, shelf } = await shelfWith()
    const strange = recordOf(SMALL, { verified: ['blake3:00', digestOf(SMALL).hex, formatDigest(digestOf(SMALL))] })
    await store.records.put('small', strange)
    expect(await holdings(shelf)).toContain(formatDigest(digestOf(SMALL)))
    expect((await holdings(shelf)).length).toBe(3)
  })
})

it('a blob that went bad on the disk is nothing that members may have', async () => {
  const { store, folder } = await openDisk()
  await keep(store, 'large', LARGE, [digestOf(LARGE)])
  const shelf = new StoreShelf({ store, partial: () => undefined })
  writeFileSync(fileOf(folder, hexOf(LARGE)), bytesOf(LARGE.length, 9))
  expect(await shelf.open(digestOf(LARGE))).toBeUndefined()
  expect(shelf.has(digestOf(LARGE))).toBe(false)
})

describe.each(['MemoryStore', 'DiskStore'])('what was purged of a %s', (name) => {
  it('is for no member, before it is removed and after, and goes with its digests', async () => {
    const purges = new ScriptedPurges()
    const store: Store = name === 'MemoryStore' ? new MemoryStore({ purged: purges }) : (await openDisk({}, purges)).store
    const lost: string[] = []
    if (store instanceof DiskStore) store.custody.onUnused = ({ sha256 }) => lost.push(sha256)
    const shelf = new StoreShelf({ store, partial: () => undefined })
    await keep(store, 'small', SMALL, [digestOf(SMALL)])
    await keep(store, 'shared', UNVERIFIED, [digestOf(UNVERIFIED)])
    await keep(store, 'other', UNVERIFIED, [digestOf(UNVERIFIED)])
    purges.purge('small', 'shared')
    expect(await shelf.open(digestOf(SMALL))).toBeUndefined()
    expect(await Array.fromAsync(shelf.holdings())).toEqual([digestOf(UNVERIFIED)])
    await store.remove(['small', 'shared'])
    purges.pending = false
    expect([shelf.has(digestOf(SMALL)), await shelf.open(digestOf(SMALL))]).toEqual([false, undefined])
    const shared = await shelf.open(digestOf(UNVERIFIED))
    expect(shared && (await readAll(shared)).equals(UNVERIFIED)).toBe(true)
    shared?.close()
    expect(lost).toEqual(name === 'DiskStore' ? [hexOf(SMALL)] : [])
  })
})
