import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { TidyMark } from '../../../node/store/tidy-mark.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'
import { fileOf, useDiskStores } from './fixture.ts'

useLeakCheck()
const temp = useTempFolders()
const open = useDiskStores()

/** Looked for last, and first. */
const LAST = 'f'.repeat(64)
const FIRST = '0'.repeat(64)

const isMarked = (folder: string) => existsSync(join(folder, 'tidy'))

/** A file as a crash leaves it: the index does not name it. */
function leave(folder: string, sha256: string): void {
  mkdirSync(dirname(fileOf(folder, sha256)), { recursive: true })
  writeFileSync(fileOf(folder, sha256), 'left')
}

/** A store that was left well, and looked through before. */
async function tidyStore(): Promise<string> {
  const folder = temp.path('store')
  mkdirSync(folder)
  await new TidyMark(folder).leave()
  const { store } = await open({ folder })
  expect(isMarked(folder)).toBe(false)
  await store.close()
  return folder
}

it('a store that was left well is marked until it is used again', async () => {
  const folder = await tidyStore()
  expect(isMarked(folder)).toBe(true)
  const mark = new TidyMark(folder)
  expect([await mark.take(), isMarked(folder), await mark.take()]).toEqual([true, false, false])
})

it('what a crash left is looked for, and not where none was', async () => {
  const tidy = await tidyStore()
  const crashed = temp.path('crashed')
  for (const folder of [tidy, crashed]) leave(folder, FIRST)
  await open({ folder: tidy })
  await open({ folder: crashed })
  await eventually('the file is found', () => !existsSync(fileOf(crashed, FIRST)))
  expect(existsSync(fileOf(tidy, FIRST))).toBe(true)
})

it('a store whose search was broken off is searched the next time', async () => {
  const folder = temp.path('store')
  leave(folder, LAST)
  const { store, troubles } = await open({ folder })
  await store.close()
  expect([isMarked(folder), existsSync(fileOf(folder, LAST)), troubles]).toEqual([false, true, []])
})

it('a store in which something went wrong is searched the next time', async () => {
  const folder = await tidyStore()
  // Too large for the journal, from which the next start would put it right.
  const bytes = Buffer.alloc(100_000, 1)
  const { store, troubles } = await open({ folder })
  const staging = store.blobs.stage({ algorithms: [] })
  staging.write(bytes)
  const { sha256 } = await staging.seal()
  expect(await staging.commit(new Map())).toBe(true)
  await staging.close()
  await store.close()
  expect(isMarked(folder)).toBe(true)

  writeFileSync(fileOf(folder, sha256), 'other')
  const again = await open({ folder })
  expect(await again.store.blobs.open(sha256)).toBeUndefined()
  expect([troubles, again.troubles]).toEqual([[], [expect.stringContaining('taken out of the store')]])
  await again.store.close()
  expect(isMarked(folder)).toBe(false)
})
