import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RESERVE_BYTES } from '../../node/store/constants.ts'
import { bytesOf, digestOf, keep, load } from '../conformance/store.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { SmallDisk } from '../harness/small-disk.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { useDiskStores } from '../node/store/fixture.ts'

useLeakCheck()
const temp = useTempFolders()
const open = useDiskStores()

const NEVER = new AbortController().signal
const SIZES = [...Array(8).fill(1 << 20), ...Array(20).fill(10_000)] as number[]

/** Opens a store that has held room back. */
async function openWithReserve(folder: string) {
  const opened = await open({ folder, housekeeping: 20 })
  await eventually(
    'room is held back',
    () => statSync(join(folder, 'reserve'), { throwIfNoEntry: false })?.size === RESERVE_BYTES,
  )
  return opened
}

describe('a disk without one free byte', () => {
  it('is still served from, and what may go makes room', async (context) => {
    const disk = SmallDisk.create(context, temp, 128)
    const folder = join(disk.folder, 'store')
    const opened = await openWithReserve(folder)
    const { store } = opened
    const blobs = SIZES.map((size, at) => bytesOf(size, at + 1))
    for (const [at, bytes] of blobs.entries()) expect(await keep(store, bytes, `name ${at}`)).toBe(true)
    disk.fill()
    opened.time += 2_000
    for (const size of [1_000, 100_000, 3 << 20]) expect(await keep(store, bytesOf(size, 200), 'more')).toBe(false)
    for (const bytes of blobs) expect((await load(store, digestOf(bytes)))?.equals(bytes)).toBe(true)
    expect((await store.status()).storing).toBe(false)

    const chosen = await store.cold.coldest('artifact', 100, undefined, NEVER)
    expect(chosen).toHaveLength(blobs.length)
    const gone = chosen.slice(0, 20)
    const { bytes } = await store.cold.evict(gone)
    expect(bytes).toBe(gone.reduce((sum, { size }) => sum + size, 0))
    const isGone = (sha256: string) => gone.some((one) => one.sha256 === sha256)
    for (const one of blobs) expect((await load(store, digestOf(one))) === undefined).toBe(isGone(digestOf(one)))
    opened.time += 10_000
    const more = bytesOf(300_000, 201)
    expect(await keep(store, more, 'more')).toBe(true)
    expect(await store.status()).toMatchObject({ blobs: blobs.length - 20 + 1, storing: true })

    // What was written amid all that is there after a restart, too.
    await store.close()
    disk.empty()
    const { store: again } = await open({ folder })
    for (const one of blobs) expect((await load(again, digestOf(one))) === undefined).toBe(isGone(digestOf(one)))
    expect((await load(again, digestOf(more)))?.equals(more)).toBe(true)
  })

  it('lets files go that the index cannot be told of before', async (context) => {
    const disk = SmallDisk.create(context, temp, 48)
    const opened = await open({ folder: join(disk.folder, 'store') })
    const { store } = opened
    const blobs = SIZES.map((size, at) => bytesOf(size + (1 << 20), at + 1))
    for (const [at, bytes] of blobs.entries()) expect(await keep(store, bytes, `name ${at}`)).toBe(true)
    disk.fill()
    opened.time += 2_000
    // Now the index is known not to be writable.
    expect(await keep(store, bytesOf(1_000, 200), 'more')).toBe(false)
    const chosen = await store.cold.coldest('artifact', 20, undefined, NEVER)
    expect(await store.cold.evict(chosen)).toMatchObject({ blobs: 20 })
    for (const { sha256 } of chosen) expect(await store.blobs.open(sha256)).toBeUndefined()
    expect((await store.status()).blobs).toBe(blobs.length - 20)
    expect(opened.troubles.filter((what) => what.includes('not usable'))).toEqual([])
  })

  it('is named as what keeps a store from being opened', async (context) => {
    const disk = SmallDisk.create(context, temp, 24)
    const folder = join(disk.folder, 'store')
    const { store } = await open({ folder })
    await keep(store, bytesOf(1_000), 'name')
    await store.close()
    disk.fill()
    await expect(open({ folder })).rejects.toThrow(/No space left on device.*; free some megabytes on its disk/)
    disk.empty()
    const { store: again } = await open({ folder })
    expect(await load(again, digestOf(bytesOf(1_000)))).toBeDefined()
  })

  it('lets a store be opened again', async (context) => {
    const disk = SmallDisk.create(context, temp, 128)
    const folder = join(disk.folder, 'store')
    const { store } = await openWithReserve(folder)
    const blobs = SIZES.map((size, at) => bytesOf(size, at + 1))
    for (const [at, bytes] of blobs.entries()) await keep(store, bytes, `name ${at}`)
    disk.fill()
    await store.close()
    const { store: again, troubles } = await open({ folder })
    for (const bytes of blobs) expect((await load(again, digestOf(bytes)))?.equals(bytes)).toBe(true)
    expect(troubles).toEqual([])
  })
})
