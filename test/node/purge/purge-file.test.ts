import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { cacheKey } from '../../../node/cache/plan.ts'
import { PurgeFile } from '../../../node/purge/purge-file.ts'
import type { KnownPurge } from '../../../node/purge/purge-run.ts'
import { keep, recordOf } from '../../conformance/store.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { BASE } from '../cache/plans.ts'
import { ended, HERE, openFile, path, purgedStore, purgerOf, usePurgers } from './fixture.ts'

usePurgers()
const temp = useTempFolders()

const BEGUN: KnownPurge = {
  id: 'one',
  generation: 7,
  scopes: [HERE, path('a/*')],
  startedAt: 1_000,
  endedAt: null,
  freed: { records: 0, blobs: 0, bytes: 0 },
}
const ENDED: KnownPurge = { ...BEGUN, endedAt: 2_000, freed: { records: 1, blobs: 2, bytes: 3 } }

it('is there again after a restart: what was begun, and how it ended', async () => {
  const at = temp.path('purges')
  const { file, known } = await openFile(at)
  expect(known).toEqual([])
  await file.begin(BEGUN)
  await file.close()
  const second = await openFile(at)
  expect(second.known).toEqual([BEGUN])
  await second.file.end(ENDED)
  await Promise.all(['two', 'three'].map((id) => second.file.begin({ ...BEGUN, id })))
  const expected = [ENDED, { ...BEGUN, id: 'two' }, { ...BEGUN, id: 'three' }]
  expect((await openFile(at)).known).toEqual(expected)
  expect((await openFile(at)).known).toEqual(expected)
  expect(statSync(at).mode & 0o777).toBe(0o600)
})

it('passes over a last line that was broken off, and goes on behind it', async () => {
  const at = temp.path('purges')
  const { file } = await openFile(at)
  await file.begin(BEGUN)
  appendFileSync(at, '{"v":1,"id":"tw')
  const again = await openFile(at)
  expect(again.known).toEqual([BEGUN])
  await again.file.begin({ ...BEGUN, id: 'three' })
  expect((await openFile(at)).known.map(({ id }) => id)).toEqual(['one', 'three'])
})

it('is made shorter while it is in use, and forgets nothing by that: a stolen key may issue purges without end', async () => {
  const at = temp.path('purges')
  const { file } = await PurgeFile.open(at, { small: 100_000 })
  const scopes = Array.from({ length: 16 }, (_, one) => path(`${'a'.repeat(400)}${one}/*`))
  await file.begin(BEGUN)
  for (let count = 1; count <= 600; count++) {
    await file.begin({ ...ENDED, id: `${count}`, scopes, endedAt: null })
    await file.end({ ...ENDED, id: `${count}` })
  }
  await file.close()
  const size = JSON.stringify(scopes).length
  expect([statSync(at).size > 200 * size, statSync(at).size < 450 * size]).toEqual([true, true])
  const { known } = await openFile(at)
  expect([known.length, known[0], known.at(-1)]).toEqual([601, BEGUN, { ...ENDED, id: '600', scopes }])
})

it.each(['{"v":2,"id":"one"}', 'no JSON', '{"v":1,"id":"one","generation":1,"scopes":[{"kind":"new"}],"startedAt":1}'])(
  'is refused with what it does not know: %s',
  async (line) => {
    const at = temp.path('purges')
    writeFileSync(at, `${line}\n`)
    await expect(openFile(at)).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    expect(readFileSync(at, 'utf8')).toBe(`${line}\n`)
  },
)

it('a purge that was cut off goes on after a restart, and is known by its id then', async () => {
  const at = temp.path('purges')
  const key = cacheKey({ ecosystem: 'test', base: BASE, path: 'a' })
  const bytes = Buffer.from('bytes')
  const { file } = await openFile(at)
  const generation = 1_700_000_000
  await file.begin({ ...BEGUN, generation })

  const { book, store } = purgedStore()
  await keep(store, bytes, key)
  await store.records.put(`${key}later`, recordOf(bytes, { generation }))
  const again = await openFile(at)
  const purger = purgerOf({ book, store, file: again.file }, again.known)
  expect(store.records.get(key)).toBeUndefined()
  purger.start()
  await ended(purger, 'one')
  expect((await Array.fromAsync(store.records.entries(''))).map(([one]) => one)).toEqual([`${key}later`])
  expect(await purger.apply('one', [HERE])).toMatchObject({ state: 'done', freed: { records: 1 } })
  await purger.apply('two', [HERE])
  expect(store.records.get(`${key}later`)).toBeUndefined()
  await ended(purger, 'two')
  // It is over before that is written down.
  await purger.stop()
  const third = (await openFile(at)).known
  expect(third.map(({ id, endedAt }) => [id, endedAt !== null])).toEqual([
    ['one', true],
    ['two', true],
  ])
  expect(third[1]?.generation).toBeGreaterThan(generation)
})
