import { afterEach } from 'vitest'
import { DiskStore, type DiskStoreInit } from '../../../node/store/disk-store.ts'
import { NOTHING_PURGED, type Purged } from '../../../node/store/purged.ts'
import { useTempFolders } from '../../harness/temp.ts'

export interface OpenedStore {
  readonly store: DiskStore
  readonly folder: string
  /** What the store told about, in order. */
  readonly troubles: string[]
  /** What its clock shows, in ms since the epoch. */
  time: number
}

/** Disk stores in temporary folders that are closed and removed after each test. */
export function useDiskStores(): (init?: Partial<DiskStoreInit>, purged?: Purged) => Promise<OpenedStore> {
  const temp = useTempFolders()
  const opened: DiskStore[] = []
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close()
  })
  return async (init = {}, purged = NOTHING_PURGED) => {
    const folder = init.folder ?? temp.path('store')
    const troubles: string[] = []
    const clock = { time: 1_000 }
    const components = { now: () => clock.time, trouble: (what: string) => void troubles.push(what), purged }
    const store = await DiskStore.open(components, { minFree: { bytes: 0 }, hotBytes: 1 << 20, ...init, folder })
    opened.push(store)
    return Object.assign(clock, { store, folder, troubles })
  }
}

/** Where a disk store keeps the file of a blob. */
export function fileOf(folder: string, sha256: string): string {
  return `${folder}/blobs/${sha256.slice(0, 2)}/${sha256}`
}
