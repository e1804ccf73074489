import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Hasher } from '../../../node/store/hasher.ts'
import { Journal } from '../../../node/store/journal.ts'
import { decodeSegment, encodeGroup } from '../../../node/store/journal-format.ts'
import { bytesOf, digestOf, keep, load } from '../../conformance/store.ts'
import { openDescriptors } from '../../harness/descriptors.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'
import { fileOf, useDiskStores } from './fixture.ts'

useLeakCheck()
const temp = useTempFolders()
const open = useDiskStores()

const blobs = [1, 2, 3].map((seed) => bytesOf(10_000 + seed, seed))

function segmentsOf(folder: string): string[] {
  return readdirSync(join(folder, 'journal')).map((name) => join(folder, 'journal', name))
}

/** A store that was stopped, and that holds the three blobs. */
async function filled(): Promise<string> {
  const { store, folder } = await open()
  for (const [i, bytes] of blobs.entries()) expect(await keep(store, bytes, `name ${i}`)).toBe(true)
  await store.close()
  return folder
}

async function held(folder: string): Promise<{ held: boolean[]; troubles: string[] }> {
  const { store, troubles } = await open({ folder, hotBytes: 0 })
  const found = await Promise.all(blobs.map(async (bytes) => (await load(store, digestOf(bytes)))?.equals(bytes) ?? false))
  return { held: found, troubles }
}

describe('what a power cut left of small blobs', () => {
  const losses: Record<string, (file: string) => void> = {
    'a file without bytes': (file) => truncateSync(file, 0),
    'a file of zeros': (file) => writeFileSync(file, Buffer.alloc(10_001)),
    'no file': (file) => rmSync(file),
    'no folder': (file) => rmSync(dirname(file), { recursive: true }),
    'a link to something else': (file) => {
      rmSync(file)
      symlinkSync('/dev/zero', file)
    },
    'a folder in its place': (file) => {
      rmSync(file)
      mkdirSync(join(file, 'more'), { recursive: true })
    },
  }

  it.each(Object.entries(losses))('is put right by the next start: %s', async (_what, lose) => {
    const folder = await filled()
    for (const bytes of blobs) lose(fileOf(folder, digestOf(bytes)))
    expect(await held(folder)).toEqual({ held: [true, true, true], troubles: [] })
  })

  it('is put right by the start after the next one, too', async () => {
    const folder = await filled()
    const { store } = await open({ folder })
    await store.close()
    for (const bytes of blobs) rmSync(fileOf(folder, digestOf(bytes)))
    expect((await held(folder)).held).toEqual([true, true, true])
  })

  it('is put right up to where the journal itself is torn', async () => {
    const folder = await filled()
    for (const bytes of blobs) truncateSync(fileOf(folder, digestOf(bytes)), 0)
    const [segment = ''] = segmentsOf(folder)
    truncateSync(segment, readFileSync(segment).length - 1)
    expect((await held(folder)).held).toEqual([true, true, false])
  })

  it('brings nothing back that was deleted', async () => {
    const { store, folder } = await open()
    await keep(store, bytesOf(10_000), 'name')
    const sha256 = digestOf(bytesOf(10_000))
    await store.blobs.delete(sha256)
    await store.close()
    const { store: again } = await open({ folder })
    expect(readdirSync(join(folder, 'blobs', sha256.slice(0, 2)))).toEqual([])
    expect(again.blobs.find({ algorithm: 'sha256', hex: sha256 })).toBeUndefined()
  })

  it('is not looked for in what is no journal', async () => {
    const folder = await filled()
    const journal = join(folder, 'journal')
    writeFileSync(join(journal, 'notes'), 'hello')
    writeFileSync(join(journal, '7'), bytesOf(5_000))
    mkdirSync(join(journal, '8'))
    const { held: all, troubles } = await held(folder)
    expect(all).toEqual([true, true, true])
    expect(troubles).toEqual([expect.stringContaining(`${join(journal, '8')} could not be replayed`)])
  })
})

describe('a journal', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  interface Init {
    readonly root?: string
    readonly settleAfter?: number
    readonly segmentsWaiting?: number
    readonly hasher?: Pick<Hasher, 'writeGroup' | 'settle'>
  }

  function start({ hasher, ...init }: Init = {}) {
    const { root = temp.create('journal') } = init
    const tmp = join(root, 'tmp')
    mkdirSync(tmp, { recursive: true })
    const real = new Hasher()
    const troubles: string[] = []
    const journal = new Journal(
      {
        hasher: (hasher ?? real) as Hasher,
        index: { holds: () => true },
        path: (sha256) => fileOf(root, sha256),
        trouble: (what) => void troubles.push(what),
      },
      { ...init, folder: join(root, 'journal'), tmp },
    )
    closing.push(async () => {
      journal.close()
      await real.close()
    })
    journal.replay()
    const file = (bytes: Buffer) => ({ sha256: digestOf(bytes), path: fileOf(root, digestOf(bytes)), bytes })
    return { journal, root, real, troubles, file }
  }

  it('writes many at once, each to a file of its own, whatever is there already', async () => {
    const { journal, root, file } = start()
    const files = Array.from({ length: 200 }, (_, seed) => file(bytesOf(seed, seed + 1)))
    const taken = files[5]?.path ?? ''
    mkdirSync(join(taken, 'folder'), { recursive: true })
    // Of a former one that failed.
    writeFileSync(join(root, 'tmp', 'spare'), 'left')
    for (const _ of [1, 2]) {
      const written = await journal.write(files)
      expect(written.map((one) => 'size' in one && one.size)).toEqual(files.map(({ bytes }) => bytes.length))
      for (const { path, bytes } of files) expect(readFileSync(path).equals(bytes)).toBe(true)
    }
    expect(segmentsOf(root)).toHaveLength(1)
    expect(readdirSync(join(root, 'tmp'))).toEqual([])
  })

  it('tells of each file that could not be written, and writes the others', async () => {
    const { journal, root, file } = start()
    const [bad, good] = [file(bytesOf(10, 1)), file(bytesOf(10, 2))]
    writeFileSync(join(root, 'blocks'), '')
    const written = await journal.write([{ ...bad, path: join(root, 'blocks', 'x') }, good])
    expect(written).toEqual([{ code: 'ENOTDIR' }, expect.objectContaining({ size: 10 })])
    expect(readFileSync(good.path).equals(good.bytes)).toBe(true)
  })

  it('is gone once the files are synced', async () => {
    const { journal, root, file, troubles } = start({ settleAfter: 5 })
    const files = Array.from({ length: 150 }, (_, seed) => file(bytesOf(100, seed + 1)))
    await journal.write(files)
    rmSync(files[0]?.path ?? '')
    await eventually('the journal is gone', async () => segmentsOf(root).length === 0)
    expect(readFileSync(files[1]?.path ?? '').length).toBe(100)
    expect(troubles).toEqual([])
  })

  it('goes on in another file after one that grew long, and syncs the oldest where there are many', async () => {
    const synced = new Set<string>()
    const real = new Hasher()
    closing.push(() => real.close())
    const { journal, root, file } = start({
      segmentsWaiting: 3,
      hasher: {
        writeGroup: (write) => real.writeGroup(write),
        settle: async (paths) => {
          await real.settle(paths)
          for (const path of paths) synced.add(path)
        },
      },
    })
    const files = Array.from({ length: 7 }, (_, seed) => file(bytesOf(17 << 20, seed + 1)))
    for (const [at, one] of files.entries()) {
      await journal.write([one])
      await eventually('all but three are synced', async () => segmentsOf(root).length === Math.min(at + 1, 3))
    }
    expect(files.map(({ path }) => synced.has(path))).toEqual([true, true, true, true, false, false, false])
  })

  it('syncs all of them when their time has come, though the oldest are under way', async () => {
    const real = new Hasher()
    closing.push(() => real.close())
    const goOn = Promise.withResolvers<void>()
    let began = 0
    const { journal, root, file } = start({
      settleAfter: 5,
      segmentsWaiting: 1,
      hasher: {
        writeGroup: (write) => real.writeGroup(write),
        settle: async (paths) => {
          began++
          await goOn.promise
          await real.settle(paths)
        },
      },
    })
    for (const seed of [1, 2, 3]) await journal.write([file(bytesOf(17 << 20, seed))])
    await eventually('one is being synced', async () => began > 0)
    await setTimeout(20)
    goOn.resolve()
    await eventually('all are synced', async () => segmentsOf(root).length === 0)
  })

  it('closes no file that is being written, be it that its time has come or that all ends', async () => {
    const real = new Hasher()
    closing.push(() => real.close())
    let late = Promise.withResolvers<void>()
    const { journal, root, file } = start({
      settleAfter: 5,
      hasher: {
        writeGroup: async (write) => {
          await late.promise
          return real.writeGroup(write)
        },
        settle: (paths) => real.settle(paths),
      },
    })
    const writing = async (seed: number, meanwhile: () => unknown) => {
      late = Promise.withResolvers()
      const one = file(bytesOf(10, seed))
      const written = journal.write([one])
      await meanwhile()
      late.resolve()
      expect(await written).toEqual([expect.objectContaining({ size: 10 })])
      return one
    }
    await writing(1, () => {})
    // Longer than it takes until the first one is synced.
    await writing(2, () => setTimeout(50))
    await eventually('both are synced', async () => segmentsOf(root).length === 0)
    const last = await writing(3, () => journal.close())
    const decoded = segmentsOf(root).flatMap((path) => [...decodeSegment(readFileSync(path))])
    expect(decoded).toEqual([{ sha256: last.sha256, bytes: last.bytes }])
    expect([...openDescriptors().values()].filter((path) => path.startsWith(root))).toEqual([])
  })

  it('begins another file where the disk refused one, so that nothing stands behind what is torn', async () => {
    let refuse = true
    const real = new Hasher()
    closing.push(() => real.close())
    const { journal, root, file } = start({
      hasher: {
        writeGroup: (write) =>
          refuse ? Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' })) : real.writeGroup(write),
        settle: (paths) => real.settle(paths),
      },
    })
    await expect(journal.write([file(bytesOf(10, 1))])).rejects.toMatchObject({ code: 'ENOSPC' })
    refuse = false
    const kept = file(bytesOf(10, 2))
    await journal.write([kept])
    const decoded = segmentsOf(root).flatMap((path) => [...decodeSegment(readFileSync(path))])
    expect(decoded).toEqual([{ sha256: kept.sha256, bytes: kept.bytes }])
  })

  it('stays where syncing failed, and says so', async () => {
    const real = new Hasher()
    closing.push(() => real.close())
    const { journal, root, file, troubles } = start({
      settleAfter: 5,
      hasher: { writeGroup: (write) => real.writeGroup(write), settle: () => Promise.reject(new Error('EIO')) },
    })
    await journal.write([file(bytesOf(10))])
    await eventually('the trouble is told', async () => troubles.length > 0)
    expect(troubles).toEqual(['small blobs could not be synced: EIO'])
    expect(segmentsOf(root)).toHaveLength(1)
  })

  it('keeps what could not be put right for the next start, and nothing else', async () => {
    const before = start()
    const [lost, other] = [before.file(bytesOf(10, 1)), before.file(bytesOf(10, 2))]
    await before.journal.write([lost])
    before.journal.close()
    // Somebody put a file where a folder has to be.
    rmSync(dirname(lost.path), { recursive: true })
    writeFileSync(dirname(lost.path), '')
    const { journal, root, troubles } = start({ root: before.root, settleAfter: 5 })
    expect(troubles).toEqual([expect.stringContaining('could not be replayed')])
    await journal.write([other])
    await eventually('the other one is settled', async () => segmentsOf(root).length === 1)
    journal.close()
    rmSync(dirname(lost.path))
    start({ root })
    expect(readFileSync(lost.path).equals(lost.bytes)).toBe(true)
  })

  it('takes nothing once it is closed', async () => {
    const { journal, file } = start()
    journal.close()
    await expect(journal.write([file(bytesOf(10))])).rejects.toMatchObject({ code: 'DRAINING' })
  })
})

it('a segment ends where an entry is torn or wrong, wherever that is', () => {
  const files = blobs.map((bytes) => ({ sha256: digestOf(bytes), path: '', bytes: bytes.subarray(0, 200) }))
  const right = files.map(({ bytes }) => ({ sha256: digestOf(bytes), path: '', bytes }))
  const { group } = encodeGroup(right)
  expect([...decodeSegment(group)].map(({ sha256 }) => sha256)).toEqual(right.map(({ sha256 }) => sha256))
  for (let end = 0; end < group.length; end++) {
    expect([...decodeSegment(group.subarray(0, end))]).toHaveLength(Math.floor(end / 240))
  }
  for (let at = 0; at < group.length; at++) {
    const wrong = Buffer.from(group)
    wrong[at] = (wrong[at] ?? 0) ^ 0xff
    expect([...decodeSegment(wrong)].length).toBeLessThanOrEqual(Math.floor(at / 240))
  }
})
