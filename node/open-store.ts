import { join } from 'node:path'
import type { Clock } from './clock.ts'
import type { Config } from './config/schema.ts'
import { makeDataFolder } from './data-folder.ts'
import { isWarrenError, reasonOf, WarrenError } from './errors.ts'
import type { Events } from './events.ts'
import { readNodeFile } from './node-file.ts'
import { DiskStore } from './store/disk-store.ts'
import type { Purged } from './store/purged.ts'

export interface OpenStoreComponents {
  readonly purged: Purged
  readonly clock: Clock
  readonly events: Events
}

/** The store in the data folder. Throws STORE_LOCKED, STORE_UNKNOWN or STORE_UNUSABLE, with what to do. */
export async function openStore(config: Config, { purged, clock, events }: OpenStoreComponents): Promise<DiskStore> {
  try {
    makeDataFolder(config.data)
    return await DiskStore.open(
      { now: () => clock.now(), trouble: (what) => events.storeTrouble(what), purged },
      { folder: join(config.data, 'store'), minFree: config.store.minFree, hotBytes: config.memory.hot },
    )
  } catch (error) {
    if (isWarrenError(error, 'STORE_LOCKED')) {
      const other = readNodeFile(config.data)
      const who = other ? ` (pid ${other.pid}, ${other.listen[0] ?? other.admin})` : ''
      throw new WarrenError(
        'STORE_LOCKED',
        `another node${who} uses the data folder ${config.data}: stop it, or give this one its own with --data`,
        { cause: error },
      )
    }
    if (isWarrenError(error, 'STORE_UNKNOWN')) throw error
    throw new WarrenError(
      'STORE_UNUSABLE',
      `the data folder ${config.data} cannot be used: ${reasonOf(error)}; choose a writable one with --data`,
      { cause: error },
    )
  }
}
