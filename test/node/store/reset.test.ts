import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readAll } from '../../../node/body.ts'
import type { DiskStore } from '../../../node/store/disk-store.ts'
import { bytesOf, codeOf, digestOf, feed, keep, load, recordOf } from '../../conformance/store.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { eventually } from '../../harness/wait.ts'
import { useDiskStores } from './fixture.ts'

useLeakCheck()
const open = useDiskStores()

const MANY = 3_000
const EMPTY = { blobs: 0, bytes: 0, records: 0 }

/** What lies in the folder of a store and is no part of it. */
function leftovers(folder: string): string[] {
  return readdirSync(folder).filter(
    (name) => name.startsWith('trash-') || (name.startsWith('index') && name !== 'index.current'),
  )
}

async function fill(store: DiskStore, count: number): Promise<Buffer[]> {
  const all = Array.from({ length: count }, (_, at) => Buffer.from(`blob ${at}`))
  for (let at = 0; at < count; at += 500) {
    await Promise.all(all.slice(at, at + 500).map((bytes, i) => keep(store, bytes, `key ${at + i}`)))
  }
  return all
}

describe('a reset', () => {
  it(`leaves nothing of ${MANY} blobs, tells how much that was, and takes away what lies on the disk`, async () => {
    const { store, folder, troubles } = await open()
    const all = await fill(store, MANY)
    const gone: string[] = []
    store.custody.onUnused = ({ sha256 }) => gone.push(sha256)
    const bytes = all.reduce((sum, one) => sum + one.length, 0)
    expect(await store.reset()).toEqual({ blobs: MANY, bytes, records: MANY })
    expect(await store.status()).toMatchObject(EMPTY)
    expect([store.records.get('key 1'), await load(store, digestOf(bytesOf(1)))]).toEqual([undefined, undefined])
    expect(await Array.fromAsync(store.records.entries(''))).toEqual([])
    await eventually('the old files are gone', () => leftovers(folder).length === 1)
    expect(gone.sort()).toEqual(all.map((one) => digestOf(one)).sort())
    expect(readdirSync(join(folder, 'blobs'))).toEqual([])
    expect(troubles).toEqual([])
  })

  it('lets readers of opened blobs go on, and takes what is stored then for good', async () => {
    const { store, folder } = await open()
    const [old, young] = [bytesOf(3 << 20), bytesOf(200_000, 2)]
    await keep(store, old, 'old')
    const blob = await store.blobs.open(digestOf(old))
    const staging = store.blobs.stage({ size: young.length, algorithms: [] })
    await feed(staging, young)
    await store.reset()
    expect(blob && (await readAll(blob)).equals(old)).toBe(true)
    blob?.close()
    expect(await staging.commit(new Map([['young', recordOf(young)]]))).toBe(true)
    await staging.close()
    await keep(store, bytesOf(10), 'small')
    await store.close()
    const { store: again } = await open({ folder })
    expect((await load(again, digestOf(young)))?.equals(young)).toBe(true)
    expect(await again.status()).toMatchObject({ blobs: 2, records: 2 })
    expect(await again.reset()).toMatchObject({ blobs: 2 })
    expect(await again.status()).toMatchObject(EMPTY)
  })

  it('happens beside commits, each of which is whole or gone', async () => {
    const { store, folder, troubles } = await open()
    const filling = fill(store, 1_500)
    for (let round = 0; round < 3; round++) await store.reset()
    await filling
    const { blobs } = await store.status()
    for await (const [, { blob }] of store.records.entries('')) expect((await load(store, blob))?.length).toBeGreaterThan(0)
    await store.close()
    const { store: again } = await open({ folder })
    expect(await again.status()).toMatchObject({ blobs, records: blobs })
    expect(troubles).toEqual([])
  })

  it('keeps others out of the folder before, while and after', async () => {
    const { store, folder } = await open()
    await fill(store, 100)
    expect(await codeOf(() => open({ folder }))).toBe('STORE_LOCKED')
    const [, ...codes] = await Promise.all([store.reset(), codeOf(() => open({ folder })), codeOf(() => open({ folder }))])
    expect(codes).toEqual(['STORE_LOCKED', 'STORE_LOCKED'])
    await eventually('the old files are gone', () => leftovers(folder).length === 1)
    expect(await codeOf(() => open({ folder }))).toBe('STORE_LOCKED')
  })
})

describe('a reset that a crash ended', () => {
  it('before its index was named has not begun', async () => {
    const { store, folder } = await open()
    await fill(store, 10)
    await store.close()
    mkdirSync(join(folder, 'index-1'))
    writeFileSync(join(folder, 'index-1', 'CURRENT'), 'half')
    const { store: again } = await open({ folder })
    expect(await again.status()).toMatchObject({ blobs: 10 })
    await eventually('what it left is gone', () => !existsSync(join(folder, 'index-1')))
    await again.reset()
    expect(await again.status()).toMatchObject(EMPTY)
  })

  it('after its index was named is over, and the next start removes what was there', async () => {
    const { store, folder } = await open()
    await fill(store, 10)
    await store.close()
    writeFileSync(join(folder, 'index.current'), 'index-1\n')
    mkdirSync(join(folder, 'trash-index-1', 'ab'), { recursive: true })
    const { store: again, troubles } = await open({ folder })
    expect(await again.status()).toMatchObject(EMPTY)
    await keep(again, bytesOf(10), 'new')
    await eventually('what was there is gone', () => leftovers(folder).join() === 'index-1')
    expect(await load(again, digestOf(bytesOf(10)))).toEqual(bytesOf(10))
    expect(troubles).toEqual([])
  })
})
