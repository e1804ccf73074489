import { MemoryStore } from '../../../node/store/memory-store.ts'
import { linkedRecordsConformance } from '../../conformance/linked-records.ts'
import { purgedStoreConformance } from '../../conformance/purged-store.ts'
import { storeConformance } from '../../conformance/store.ts'

storeConformance('MemoryStore', async () => {
  const store = new MemoryStore()
  const setFull = (full: boolean) => {
    store.storing = !full
  }
  return { store, setFull, stop: () => store.close() }
})

linkedRecordsConformance('MemoryStore', async () => {
  const store = new MemoryStore()
  return { store, stop: () => store.close() }
})

purgedStoreConformance('MemoryStore', async (purged) => {
  const store = new MemoryStore({ purged })
  return { store, stop: () => store.close() }
})
