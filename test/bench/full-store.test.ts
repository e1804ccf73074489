import { join } from 'node:path'
import { expect, it } from 'vitest'
import { DiskStore } from '../../node/store/disk-store.ts'
import { useTempFolders } from '../harness/temp.ts'
import { artifact, artifactKey, fillStore } from './full-store.ts'

const temp = useTempFolders()
const BASE = 'http://127.0.0.1:1/'

it('a store that was filled for measuring holds what a node would have kept', async () => {
  const data = temp.create('data')
  await fillStore({ data, base: BASE, blobs: 2_500 }, new AbortController().signal)
  const troubles: string[] = []
  await using stack = new AsyncDisposableStack()
  const store = stack.adopt(
    await DiskStore.open(
      { now: Date.now, trouble: (what) => void troubles.push(what) },
      { folder: join(data, 'store'), minFree: { bytes: 0 }, hotBytes: 0 },
    ),
    (one) => one.close(),
  )
  expect(await store.status()).toMatchObject({ blobs: 2_500, records: 2_500 })
  for (const at of [0, 99, 100, 2_499]) {
    const { bytes, sha256, sha512 } = artifact(at)
    expect(store.records.get(artifactKey(BASE, at))?.blob).toBe(sha256)
    expect(store.blobs.find({ algorithm: 'sha512', hex: sha512 })).toBe(sha256)
    const blob = await store.blobs.open(sha256)
    expect(blob?.size).toBe(bytes.length)
    blob?.close()
  }
  expect(store.records.get(artifactKey(BASE, 2_500))).toBeUndefined()
  expect(troubles).toEqual([])
})

it('filling a store can be broken off', async () => {
  const filling = fillStore({ data: temp.create('data'), base: BASE, blobs: 10 }, AbortSignal.abort(new Error('enough')))
  await expect(filling).rejects.toThrow('enough')
})
