import { describe, expect, it } from 'vitest'
import { cacheKey } from '../../../node/cache/plan.ts'
import { formatDigest } from '../../../node/digest.ts'
import type { PurgeScope } from '../../../node/purge/scope.ts'
import type { Store } from '../../../node/store/store.ts'
import { bytesOf as contentOf, keep, load, recordOf } from '../../conformance/store.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { BASE, digestOf } from '../cache/plans.ts'
import { ended, HERE, path, purgedStore, purgerOf, usePurgers } from './fixture.ts'

usePurgers()

const key = (name: string) => cacheKey({ ecosystem: 'test', base: BASE, path: name })
const [a, b] = [contentOf(1_000, 1), contentOf(2_000, 2)]

async function keysIn(store: Store): Promise<string[]> {
  return (await Array.fromAsync(store.records.entries(''))).map(([one]) => one)
}

describe('a purge', () => {
  it('hides what it is about before it resolves, takes it out then, and leaves the rest alone', async () => {
    const { book, store } = purgedStore()
    await keep(store, a, key('a/1'))
    await keep(store, b, key('b/1'))
    const purger = purgerOf({ book, store })
    const applying = purger.apply('one', [path('a/*')])
    expect(store.records.get(key('a/1'))).toBeUndefined()
    expect(await applying).toMatchObject({ id: 'one', state: 'running', endedAt: null })
    await ended(purger, 'one')
    expect(purger.run('one')).toMatchObject({ freed: { records: 1, blobs: 1, bytes: a.length }, looked: 2, trouble: null })
    expect(await keysIn(store)).toEqual([key('b/1')])
    expect(await store.status()).toMatchObject({ records: 1, blobs: 1, bytes: b.length })
    expect(book.pending).toBe(false)
  })

  it('of an upstream keeps a blob that another name has', async () => {
    const { book, store } = purgedStore()
    const other = cacheKey({ ecosystem: 'test', base: 'https://other.example.test/', path: 'a' })
    await keep(store, a, key('a'), other)
    const purger = purgerOf({ book, store })
    await purger.apply('one', [HERE])
    await ended(purger, 'one')
    expect(await keysIn(store)).toEqual([other])
    expect(await load(store, digestOf(a, 'sha256').hex)).toEqual(a)
  })

  it.each(['sha256', 'sha512'] as const)('of a %s digest takes the blob with all its names', async (algorithm) => {
    const { book, store } = purgedStore()
    await keep(store, a, key('a'), key('b'))
    await keep(store, b, key('c'))
    const purger = purgerOf({ book, store })
    await purger.apply('one', [{ kind: 'digest', digest: formatDigest(digestOf(a, algorithm)) }])
    expect([store.records.get(key('a')), store.records.get(key('b'))]).toEqual([undefined, undefined])
    expect(await load(store, digestOf(a, 'sha256').hex)).toBeUndefined()
    await ended(purger, 'one')
    expect(await keysIn(store)).toEqual([key('c')])
    expect((await store.status()).blobs).toBe(1)
  })

  it('is done once, however often it is asked for', async () => {
    const { book, store } = purgedStore()
    const purger = purgerOf({ book, store })
    await Promise.all([purger.apply('one', [HERE]), purger.apply('one', [HERE])])
    await ended(purger, 'one')
    const { generation } = book
    await keep(store, a, key('never fetched in this generation'))
    await store.records.put(key('a'), recordOf(a, { generation }))
    expect(await purger.apply('one', [HERE])).toMatchObject({ state: 'done' })
    expect(store.records.get(key('a'))).toBeDefined()
    expect(book.generation).toBe(generation)
    expect(purger.runs()).toHaveLength(1)
  })

  it('takes no record whose fetch began before, also when it has long ended', async () => {
    const { book, store } = purgedStore()
    const purger = purgerOf({ book, store })
    await purger.apply('one', [HERE])
    await ended(purger, 'one')
    await keep(store, a, key('a'))
    await store.records.put(key('b'), recordOf(a))
    expect(await keysIn(store)).toEqual([])
    await store.records.put(key('b'), recordOf(a, { generation: book.generation }))
    expect(await keysIn(store)).toEqual([key('b')])
  })

  it('goes through any number of records, and beside others that came later', async () => {
    const { book, store } = purgedStore()
    for (let at = 0; at < 600; at++) await store.records.put(key(`a/${at}`), recordOf(a))
    await keep(store, b, key('b'))
    const purger = purgerOf({ book, store })
    const scopes: PurgeScope[][] = [[path('a/*')], [path('b')], [path('a/1*'), path('nothing')]]
    await Promise.all(scopes.map((some, at) => purger.apply(`purge ${at}`, some)))
    for (const at of scopes.keys()) await ended(purger, `purge ${at}`)
    expect(await keysIn(store)).toEqual([])
    expect(purger.runs().reduce((sum, { freed }) => sum + freed.records, 0)).toBe(601)
  })

  it('goes on after trouble of the store, and says what that is meanwhile', async () => {
    const { book, store } = purgedStore()
    await keep(store, a, key('a'))
    const clock = new VirtualClock()
    let isFull = true
    const failing = {
      records: store.records,
      remove: (...asked: Parameters<Store['remove']>) => (isFull ? Promise.reject(new Error('full')) : store.remove(...asked)),
    }
    const purger = purgerOf({ book, store: failing, clock })
    await purger.apply('one', [HERE])
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(purger.run('one')).toMatchObject({ state: 'running', trouble: 'full' })
    expect(store.records.get(key('a'))).toBeUndefined()
    isFull = false
    await clock.advance(5_000)
    await ended(purger, 'one')
    expect((await store.status()).records).toBe(0)
  })

  it('that cannot be written down says so, counts all the same, and is written down when it is asked for again', async () => {
    const { book, store } = purgedStore()
    await keep(store, a, key('a'))
    const written: string[] = []
    let isFull = true
    const file = {
      begin: async ({ id }: { id: string }) => {
        if (isFull) throw new Error('full')
        written.push(id)
      },
      end: async () => {},
    }
    const purger = purgerOf({ book, store, file })
    await expect(purger.apply('one', [HERE])).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
    await ended(purger, 'one')
    expect(await keysIn(store)).toEqual([])
    isFull = false
    await purger.apply('one', [HERE])
    expect(written).toEqual(['one'])
  })

  it('of everything is left to a store that can do that at once', async () => {
    const { book, store } = purgedStore()
    await keep(store, a, key('a'))
    const purger = purgerOf({ book, store, reset: () => store.remove([key('a')]) })
    await purger.apply('one', [{ kind: 'all' }])
    expect(store.records.get(key('a'))).toBeUndefined()
    await ended(purger, 'one')
    expect(purger.run('one')).toMatchObject({ freed: { records: 1, blobs: 1, bytes: a.length }, looked: 0 })
  })

  it('costs little beside thousands of others: a key is read once, and the more there are the less is looked at in a turn', async () => {
    const [planned, looked] = [new Map<string, number>(), new Set<number>()]
    const planOf = (one: string) => void planned.set(one, (planned.get(one) ?? 0) + 1)
    const { book, store } = purgedStore({ planOf })
    for (let at = 0; at < 5; at++) await keep(store, a, cacheKey({ ecosystem: 'npm', base: BASE, path: `${at}` }))
    const { records } = store
    const page: typeof records.page = (prefix, after, most) => {
      looked.add(most)
      return records.page(prefix, after, most)
    }
    const purger = purgerOf({ book, store: { records: { ...records, page }, remove: (...what) => store.remove(...what) } })
    const scopes = Array.from({ length: 16 }, (_, at) => ({ kind: 'package' as const, purl: `pkg:npm/x${at}` }))
    await Promise.all(Array.from({ length: 600 }, (_, at) => purger.apply(`${at}`, scopes)))
    await ended(purger, '599')
    // Of the last ones only it is remembered what they were about.
    expect(['0', '399', '400', '599'].map((id) => purger.run(id)?.scopes.length)).toEqual([0, 0, 16, 16])
    expect([...planned.values()]).toEqual(Array(5).fill(1))
    expect([...looked]).toEqual([2])
  })

  it('has so many scopes and no more', async () => {
    const { book, store } = purgedStore()
    const purger = purgerOf({ book, store })
    await expect(purger.apply('one', Array(65).fill(HERE))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(purger.runs()).toEqual([])
  })
})
