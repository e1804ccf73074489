import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import type { MinFree } from '../../../node/store/free-space.ts'
import { linkedRecordsConformance } from '../../conformance/linked-records.ts'
import { purgedStoreConformance } from '../../conformance/purged-store.ts'
import { bytesOf, codeOf, digestOf, feed, keep, load, recordOf, storeConformance } from '../../conformance/store.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'
import { fileOf, useDiskStores } from './fixture.ts'

useLeakCheck()
const temp = useTempFolders()
const open = useDiskStores()

storeConformance('DiskStore', async () => {
  // The store asks for its limit each time that it looks, so the test may move it.
  const minFree = { bytes: 0 }
  const opened = await open({ minFree: minFree as MinFree })
  return {
    store: opened.store,
    setFull(full) {
      minFree.bytes = full ? Number.MAX_SAFE_INTEGER : 0
      opened.time += 10_000
    },
    stop: () => opened.store.close(),
  }
})

purgedStoreConformance('DiskStore', async (purged) => {
  const { store } = await open({}, purged)
  return { store, stop: () => store.close() }
})

linkedRecordsConformance('DiskStore', async () => {
  const { store } = await open()
  return { store, stop: () => store.close() }
})

describe('DiskStore', () => {
  it('has everything again after a restart', async () => {
    const { store, folder } = await open()
    const [small, large] = [bytesOf(1_000), bytesOf(3 << 20)]
    await keep(store, small, 'small')
    await keep(store, large, 'large')
    await store.records.putParsed('npm-1', digestOf(small), '{}')
    await store.close()
    const { store: again, troubles } = await open({ folder })
    for (const bytes of [small, large]) {
      expect((await load(again, digestOf(bytes)))?.equals(bytes)).toBe(true)
      expect(again.blobs.find({ algorithm: 'sha512', hex: digestOf(bytes, 'sha512') })).toBe(digestOf(bytes))
    }
    expect(again.records.get('small')).toEqual(recordOf(small))
    expect(again.records.parsed('npm-1', digestOf(small))).toBe('{}')
    expect(await again.status()).toMatchObject({ blobs: 2, bytes: small.length + large.length, records: 2 })
    expect(troubles).toEqual([])
  })

  it('lets nobody else in: files are 0600, folders 0700, also those on their way', async () => {
    const before = process.umask(0)
    try {
      const { store, folder } = await open()
      await keep(store, bytesOf(1_000), 'small')
      await keep(store, bytesOf(2 << 20), 'large')
      const staging = store.blobs.stage({ size: 4 << 20, algorithms: [] })
      await feed(staging, bytesOf(4 << 20))
      await staging.seal()
      const found = readdirSync(folder, { recursive: true, withFileTypes: true })
      // LevelDB makes its own files as the umask says; its folder keeps them.
      const ours = found.filter((entry) => entry.isDirectory() || entry.parentPath !== join(folder, 'index'))
      const modes = ours.map((entry) => [
        entry.isFile(),
        (statSync(join(entry.parentPath, entry.name)).mode & 0o777).toString(8),
      ])
      // Two blobs, the journal, and what is on its way.
      expect(ours.filter((entry) => entry.isFile())).toHaveLength(4)
      for (const [isFile, mode] of modes) expect(mode).toBe(isFile ? '600' : '700')
      expect((statSync(folder).mode & 0o777).toString(8)).toBe('700')
      await staging.close()
    } finally {
      process.umask(before)
    }
  })

  it('removes at its start what a process that is gone left unfinished', async () => {
    const folder = temp.path('store')
    mkdirSync(join(folder, 'tmp', 'nested'), { recursive: true })
    writeFileSync(join(folder, 'tmp', 'half-a-blob'), bytesOf(1_000))
    writeFileSync(join(folder, 'tmp', 'nested', 'more'), bytesOf(1_000))
    await open({ folder })
    expect(readdirSync(join(folder, 'tmp'))).toEqual([])
  })

  it('leaves nothing unfinished behind when it closes', async () => {
    const { store, folder } = await open()
    const stagings = [10, 1 << 20, 3 << 20].map((size) => store.blobs.stage({ size, algorithms: [] }))
    for (const staging of stagings) staging.write(bytesOf(10))
    await feed(store.blobs.stage({ size: undefined, algorithms: [] }), bytesOf(5 << 20))
    await store.close()
    await store.close()
    expect(readdirSync(join(folder, 'tmp'))).toEqual([])
    expect(await codeOf(() => stagings[2]?.write(Buffer.from('x')))).toBe('DRAINING')
    expect(await codeOf(() => store.blobs.stage({ size: 1, algorithms: [] }))).toBe('DRAINING')
  })

  it('finishes the commits that are under way when it closes', async () => {
    const { store, folder } = await open()
    const blobs = [100, 2 << 20, 300, 3 << 20].map((size) => bytesOf(size))
    const committing = blobs.map(async (bytes, i) => {
      const staging = store.blobs.stage({ size: bytes.length, algorithms: [] })
      await feed(staging, bytes)
      // The digest of a large one may not be there yet when the store closes: then there is nothing to commit.
      const sealed = await staging.seal().catch(() => undefined)
      return sealed ? staging.commit(new Map([[`name ${i}`, recordOf(bytes)]])) : false
    })
    // By then some have their digest, and others not yet.
    await new Promise((resolve) => setTimeout(resolve, 0))
    await store.close()
    const kept = await Promise.all(committing)
    const { store: again } = await open({ folder })
    for (const [i, bytes] of blobs.entries()) {
      expect((await load(again, digestOf(bytes))) !== undefined).toBe(kept[i])
      expect(again.records.get(`name ${i}`) !== undefined).toBe(kept[i])
    }
  })

  it('finds a record that was looked for before it was there', async () => {
    const { store } = await open()
    expect(store.records.get('name')).toBeUndefined()
    await keep(store, bytesOf(10), 'name')
    expect(store.records.get('name')).toEqual(recordOf(bytesOf(10)))
    await store.records.delete('name')
    expect(store.records.get('name')).toBeUndefined()
    await store.records.put('name', recordOf(bytesOf(10)))
    expect(store.records.get('name')).toEqual(recordOf(bytesOf(10)))
  })

  it('answers look-ups with «not held» when it is closed', async () => {
    const { store } = await open({ hotBytes: 0 })
    await keep(store, bytesOf(10), 'name')
    await store.close()
    expect(store.records.get('other')).toBeUndefined()
    expect(await store.blobs.open(digestOf(bytesOf(10)))).toBeUndefined()
    expect(store.blobs.find({ algorithm: 'sha256', hex: digestOf(bytesOf(10)) })).toBeUndefined()
  })

  it('refuses with STORE_LOCKED a folder that this process has open, and does not touch it', async () => {
    const { store, folder } = await open()
    const staging = store.blobs.stage({ size: 2 << 20, algorithms: [] })
    await feed(staging, bytesOf(2 << 20))
    expect(await codeOf(() => open({ folder }))).toBe('STORE_LOCKED')
    expect(await staging.commit(new Map())).toBe(true)
    await staging.close()
    await store.close()
    await open({ folder })
  })

  it('refuses with STORE_LOCKED a folder that another process has open', async () => {
    const folder = temp.path('store')
    const source = `
      const { DiskStore } = await import(process.argv[1])
      await DiskStore.open({ now: Date.now, trouble() {} }, { folder: process.argv[2], minFree: { bytes: 0 }, hotBytes: 0 })
      process.stdout.write('open')
      process.stdin.resume()`
    const module = new URL('../../../node/store/disk-store.ts', import.meta.url).href
    const child = spawn(process.execPath, ['--input-type=module', '-e', source, module, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    try {
      await once(child.stdout, 'data')
      expect(await codeOf(() => open({ folder }))).toBe('STORE_LOCKED')
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    await open({ folder })
  })

  it('refuses with STORE_UNKNOWN another layout, and something that is no index of ours', async () => {
    for (const [key, value] of [
      ['m!version', '2'],
      ['m!version', 'nonsense'],
      ['some', 'thing'],
    ] as const) {
      const folder = temp.path('store')
      mkdirSync(folder)
      const db = new Level<string, string>(join(folder, 'index'))
      await db.put(key, value)
      await db.close()
      expect(await codeOf(() => open({ folder }))).toBe('STORE_UNKNOWN')
    }
  })

  it('refuses with STORE_UNUSABLE what cannot be a folder, and a damaged index', async () => {
    const file = temp.path('file')
    writeFileSync(file, '')
    expect(await codeOf(() => open({ folder: file }))).toBe('STORE_UNUSABLE')
    const { store, folder } = await open()
    await keep(store, bytesOf(10), 'name')
    await store.close()
    writeFileSync(join(folder, 'index', 'CURRENT'), 'nonsense\n')
    expect(await codeOf(() => open({ folder }))).toBe('STORE_UNUSABLE')
  })

  it('refuses with STORE_UNUSABLE a folder that it may not write, and holds no lock of it', async () => {
    const folder = temp.path('store')
    mkdirSync(join(folder, 'blobs'), { recursive: true })
    // A mount point or a file of somebody else's would do the same: it cannot be removed or made anew.
    writeFileSync(join(folder, 'index'), '')
    expect(await codeOf(() => open({ folder }))).toBe('STORE_UNUSABLE')
    expect(existsSync(join(folder, 'tmp'))).toBe(false)
  })

  it('serves small blobs in one turn once they were read, up to its limit of memory', async () => {
    const { store } = await open({ hotBytes: 10_000 })
    const blobs = [1, 2, 3, 4].map((seed) => bytesOf(3_000, seed))
    for (const bytes of blobs) await keep(store, bytes)
    for (const bytes of blobs) expect(store.blobs.open(digestOf(bytes))).toMatchObject({ bytes })
    expect(store.hotBytes).toBeGreaterThan(6_000)
    expect(store.hotBytes).toBeLessThanOrEqual(10_000)
  })

  it('hashes nothing again that it hashed on its way in, though somebody read it before it was whole', async () => {
    const { store } = await open()
    const bytes = bytesOf(12 << 20)
    const staging = store.blobs.stage({ size: bytes.length, algorithms: [] })
    await feed(staging, bytes.subarray(0, 8 << 20))
    await eventually('the beginning is in its file', async () => {
      const read = await staging.read(0, 1_000, (size) => Buffer.alloc(size))
      return read?.equals(bytes.subarray(0, 1_000)) === true
    })
    await feed(staging, bytes.subarray(8 << 20))
    await staging.seal()
    expect(await staging.commit(new Map())).toBe(true)
    await staging.close()
    const opened = store.blobs.open(digestOf(bytes))
    expect(opened).not.toBeInstanceOf(Promise)
    await (await opened)?.close()
  })

  it('counts tiny blobs in memory for more than their bytes', async () => {
    const { store } = await open({ hotBytes: 4_000 })
    for (let seed = 0; seed < 30; seed++) {
      await keep(store, bytesOf(1, seed))
      await load(store, digestOf(bytesOf(1, seed)))
    }
    expect(store.hotBytes).toBeGreaterThan(500)
    expect(store.hotBytes).toBeLessThanOrEqual(4_000)
  })

  it('puts the file of a blob where its digest says', async () => {
    const { store, folder } = await open()
    await keep(store, bytesOf(10))
    expect(readdirSync(join(folder, 'blobs'), { recursive: true })).toHaveLength(2)
    expect(existsSync(fileOf(folder, digestOf(bytesOf(10))))).toBe(true)
    await store.blobs.delete(digestOf(bytesOf(10)))
    expect(existsSync(fileOf(folder, digestOf(bytesOf(10))))).toBe(false)
  })
})
