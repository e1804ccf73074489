import type { Freed } from '../store/store.ts'
import type { PurgeScope } from './scope.ts'

/** How a purge stands at this node. From its beginning on, nothing that it is about is served any more. */
export interface PurgeRun {
  /** Hash of the op that wants it; `local-<uuid>` for a purge of this node alone. */
  readonly id: string
  /** Empty for one that ended so long ago that only its id is remembered. */
  readonly scopes: readonly PurgeScope[]
  readonly state: 'running' | 'done'
  /** Ms since the epoch. */
  readonly startedAt: number
  readonly endedAt: number | null
  /** Records that were looked at. */
  readonly looked: number
  /** So far. */
  readonly freed: Freed
  /** Why it does not get on, for people; null while it does. */
  readonly trouble: string | null
}

/** A purge as it is written down. */
export interface KnownPurge extends Omit<PurgeRun, 'looked' | 'trouble' | 'state'> {
  readonly generation: number
}

export const NOTHING_FREED: Freed = { records: 0, blobs: 0, bytes: 0 }

export function sumOf(one: Freed, other: Freed): Freed {
  return { records: one.records + other.records, blobs: one.blobs + other.blobs, bytes: one.bytes + other.bytes }
}
