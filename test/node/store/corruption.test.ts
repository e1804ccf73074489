import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bytesOf, digestOf, keep, load } from '../../conformance/store.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { fileOf, useDiskStores } from './fixture.ts'

useLeakCheck()
const temp = useTempFolders()
const open = useDiskStores()

const SMALL = 500
const LARGE = 300_000

/** Writes over one byte in place: the size stays, and with `quietly` the time as well. */
function flip(path: string, position: number, quietly = false): void {
  const { atime, mtime } = statSync(path)
  const fd = openSync(path, 'r+')
  writeSync(fd, Buffer.from('!'), 0, 1, position)
  closeSync(fd)
  utimesSync(path, atime, quietly ? mtime : new Date(mtime.getTime() + 5_000))
}

const damages: Record<string, (path: string, size: number) => void> = {
  'has a wrong byte': (path, size) => flip(path, size - 7),
  'is cut short': (path, size) => truncateSync(path, size - 1),
  'is longer': (path, size) => truncateSync(path, size + 1),
  'is gone': (path) => rmSync(path),
  'is a folder': (path) => {
    rmSync(path)
    mkdirSync(path)
  },
  'is a link to other bytes': (path, size) => {
    const other = temp.path('other')
    writeFileSync(other, bytesOf(size, 9))
    rmSync(path)
    symlinkSync(other, path)
  },
  'is another file of the same size': (path, size) => {
    const other = `${path}-other`
    writeFileSync(other, bytesOf(size, 9))
    renameSync(other, path)
  },
}

describe.each([SMALL, LARGE])('a stored blob of %i bytes', (size) => {
  const bytes = bytesOf(size)
  const sha256 = digestOf(bytes)

  it.each(Object.entries(damages))(
    'whose file %s is never served, is told, and is healed by the next copy',
    async (_name, damage) => {
      const { store, folder, troubles } = await open({ hotBytes: 0 })
      await keep(store, bytes, 'name')
      expect((await load(store, sha256))?.equals(bytes)).toBe(true)
      damage(fileOf(folder, sha256), size)
      expect(await load(store, sha256)).toBeUndefined()
      expect(troubles.join()).toContain(sha256)
      expect(await store.status()).toMatchObject({ blobs: 0, bytes: 0 })
      await keep(store, bytes, 'name')
      expect((await load(store, sha256))?.equals(bytes)).toBe(true)
    },
  )

  it('is hashed again on its first read after a start, whatever its times say', async () => {
    const { store, folder } = await open({ hotBytes: 0 })
    await keep(store, bytes, 'name')
    await store.close()
    // What stands there would put it right.
    rmSync(join(folder, 'journal'), { recursive: true })
    flip(fileOf(folder, sha256), 3, true)
    const { store: again } = await open({ folder, hotBytes: 0 })
    expect(await load(again, sha256)).toBeUndefined()
  })
})

it('a file that is written to while it is read is not read to its end', async () => {
  const bytes = bytesOf(LARGE)
  const { store, folder } = await open()
  await keep(store, bytes, 'name')
  const blob = await store.blobs.open(digestOf(bytes))
  const scratch = (length: number) => Buffer.alloc(length)
  expect((await blob?.read(0, 100_000, scratch))?.equals(bytes.subarray(0, 100_000))).toBe(true)
  flip(fileOf(folder, digestOf(bytes)), LARGE - 5)
  await expect(blob?.read(100_000, LARGE, scratch)).rejects.toThrow('was changed while it was read')
  blob?.close()
})
