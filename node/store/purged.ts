import type { Sha256 } from '../digest.ts'
import type { NameRecord } from './store.ts'

/** What was purged: a store neither shows nor takes it. */
export interface Purged {
  /** Rises with each purge. A record has the one in which its fetch began, so that no clock decides what a purge is about. */
  readonly generation: number
  /** Whether something of that may still be in the store. While it is not, nobody who reads asks further. */
  readonly pending: boolean
  /** Whether a purge is about a record and is later than the beginning of its fetch. */
  covers(key: string, record: NameRecord): boolean
  /** The same of a blob that no record names. */
  coversUnnamed(sha256: Sha256): boolean
}

/** For a store that nobody purges. */
export const NOTHING_PURGED: Purged = {
  generation: 0,
  pending: false,
  covers: () => false,
  coversUnnamed: () => false,
}

/** The field of a record whose fetch began in a generation: none in the first one, so that most records are as short as they were. */
export function fetchedIn(generation: number): Pick<NameRecord, 'generation'> {
  return generation > 0 ? { generation } : {}
}
