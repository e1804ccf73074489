import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PurgeFile } from '../../node/purge/purge-file.ts'
import type { PurgeScope } from '../../node/purge/scope.ts'
import { RESERVE_BYTES } from '../../node/store/constants.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { keyOf, openPurged, PURGED, put } from '../harness/purged-data.ts'
import { SmallDisk } from '../harness/small-disk.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

const COUNT = 400
const SCOPES: Record<string, PurgeScope> = { 'half of it': PURGED, everything: { kind: 'all' } }

describe.each(['half of it', 'everything'])('a purge of %s on a disk without one free byte', (what) => {
  it.each([128, 40])('makes room, is written down, and is over after a restart (%i MiB)', async (mebibytes, context) => {
    const disk = SmallDisk.create(context as never, temp, mebibytes)
    const data = join(disk.folder, 'data')
    const { store, purger, close } = await openPurged(data, { housekeeping: 20 })
    try {
      const reserve = () => statSync(join(data, 'store', 'reserve'), { throwIfNoEntry: false })?.size
      if (mebibytes > 100) await eventually('room is held back', () => reserve() === RESERVE_BYTES)
      for (let at = 0; at < COUNT; at++) await put(store, at, 90_000)
      disk.fill()
      expect(await purger.apply('one', [SCOPES[what] as PurgeScope])).toMatchObject({ id: 'one' })
      await eventually('the purge ends', () => purger.run('one')?.state === 'done')
      for (let at = 0; at < COUNT; at++) {
        expect(store.records.get(keyOf(at)) !== undefined).toBe(what !== 'everything' && at % 2 === 1)
      }
    } finally {
      await close()
    }
    disk.empty()
    const again = await openPurged(data)
    expect(again.purger.run('one')).toMatchObject({ state: 'done' })
    expect((await again.store.status()).records).toBe(what === 'everything' ? 0 : COUNT / 2)
    await again.close()
  })
})

it('what was purged is known at the next start, though a full disk takes no other file', async (context) => {
  const disk = SmallDisk.create(context as never, temp, 40)
  const path = join(disk.folder, 'purges')
  const purge = { generation: 7, scopes: [PURGED], startedAt: 1, endedAt: null, freed: { records: 0, blobs: 0, bytes: 0 } }
  const first = await PurgeFile.open(path)
  await first.file.begin({ ...purge, id: 'one' })
  await first.file.close()
  disk.fill()
  const again = await PurgeFile.open(path)
  expect(again.known.map(({ id }) => id)).toEqual(['one'])
  disk.empty()
  await again.file.begin({ ...purge, id: 'two' })
  await again.file.close()
  expect((await PurgeFile.open(path)).known.map(({ id }) => id)).toEqual(['one', 'two'])
})
