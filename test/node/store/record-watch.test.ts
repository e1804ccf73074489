import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import type { NewRecord, Store } from '../../../node/store/store.ts'
import { bytesOf, feed, keep, recordOf } from '../../conformance/store.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { useDiskStores } from './fixture.ts'

useLeakCheck()
const disk = useDiskStores()

const STORES: Readonly<Record<string, () => Promise<Store>>> = {
  DiskStore: async () => (await disk()).store,
  MemoryStore: async () => new MemoryStore(),
}

describe.for(Object.keys(STORES))('watching the records of a %s', (name) => {
  async function watched() {
    const store = (await STORES[name]?.()) as Store
    const heard: NewRecord[] = []
    const end = store.records.watch((kept) => heard.push(kept))
    return { store, end, take: () => heard.splice(0) }
  }

  it('tells of each key that names another blob than before, once it can be looked up', async () => {
    const { store, take } = await watched()
    const first = bytesOf(100, 1)
    await keep(store, first, 'a', 'b')
    expect(take()).toEqual(['a', 'b'].map((key) => ({ key, record: recordOf(first), isFirst: true })))
    const second = bytesOf(100, 2)
    await keep(store, second, 'a')
    expect(take()).toEqual([{ key: 'a', record: recordOf(second), isFirst: false }])
    const byName: unknown[] = []
    store.records.watch(({ key }) => byName.push(store.records.get(key)))
    await store.records.put('c', recordOf(second))
    expect(byName).toEqual([recordOf(second)])
    expect(take()).toEqual([{ key: 'c', record: recordOf(second), isFirst: true }])
  })

  it('is silent about what is only confirmed, is a link, or came with a login', async () => {
    const { store, take } = await watched()
    const bytes = bytesOf(100)
    await keep(store, bytes, 'a')
    take()
    await store.records.put('a', recordOf(bytes, { checkedAt: 2 }))
    await store.records.put('linked', recordOf(bytes, { link: true }))
    const staging = store.blobs.stage({ size: undefined, algorithms: [] })
    await feed(staging, bytesOf(200))
    await staging.seal()
    await staging.commit(new Map([['secret', recordOf(bytesOf(200), { private: true })]]))
    await staging.close()
    await store.records.delete('a')
    expect(take()).toEqual([])
  })

  it('tells of what becomes public, and of what comes in the place of a link, as if it were the first', async () => {
    const { store, take } = await watched()
    const bytes = bytesOf(100)
    await keep(store, bytes, 'kept')
    await store.records.putAll(
      new Map([
        ['linked', recordOf(bytes, { link: true })],
        ['secret', recordOf(bytes, { private: true })],
      ]),
    )
    take()
    for (const key of ['linked', 'secret']) await store.records.put(key, recordOf(bytes))
    expect(take()).toEqual(['linked', 'secret'].map((key) => ({ key, record: recordOf(bytes), isFirst: true })))
  })

  it('tells nobody who has ended it', async () => {
    const { store, end, take } = await watched()
    end()
    await keep(store, bytesOf(100), 'a')
    expect(take()).toEqual([])
  })
})
