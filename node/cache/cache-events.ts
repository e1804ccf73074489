import type { Plan } from './plan.ts'

/** What the cache tells of its work beside the answers that it gives. */
export interface CacheEvents {
  /** Bytes that were not what they should be, and were not kept. */
  corrupt(plan: Plan, source: string, reason: string): void
  /** An artifact went out that nothing was known to check against. */
  unverified(plan: Plan, reason: string): void
  /** Upstream could not confirm a document that is held; the stale copy stays in use. */
  refreshFailed(plan: Plan, reason: string): void
}
