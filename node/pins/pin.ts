import type { Sha256 } from '../digest.ts'
import type { NameRecord } from '../store/store.ts'

/** Something that seeds keep for good: a name record together with the blob that it names. */
export interface Pin {
  /** Cache key. */
  readonly key: string
  readonly record: NameRecord
}

/** Which blob somebody has under a key, and when that was last confirmed, in ms since the epoch. */
export interface Edition {
  readonly blob: Sha256
  readonly checkedAt: number
}

/** Whether a record may go to others. What came with credentials may not, and a link names what nobody has asked for. */
export function isPublic({ link, private: isPrivate }: NameRecord): boolean {
  return !link && !isPrivate
}

/** Whether whoever has `one` needs not have `other`. Of two that differ the later one counts; all seeds decide alike where neither is. */
export function standsFor(one: Edition, other: Edition): boolean {
  if (one.blob === other.blob) return true
  return one.checkedAt > other.checkedAt || (one.checkedAt === other.checkedAt && one.blob > other.blob)
}

/** The canonical base URL of the upstream that a cache key names (`cacheKey`). */
export function baseOf(key: string): string | undefined {
  return key.split('\n', 2)[1]
}
