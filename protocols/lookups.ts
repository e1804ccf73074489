import type { Lookup, Plan } from '../node/cache/plan.ts'
import { type ErrorCode, isWarrenError } from '../node/errors.ts'

/** The upstream cannot be asked now, for whatever document. */
const AWAY: readonly ErrorCode[] = ['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_BUSY']

/**
 * What a document says that many upstreams do not have, and say so in many ways: any answer but the document is a «no», and
 * undefined. Rejects when upstream cannot be asked.
 */
export async function optionalFacts(plan: Plan, lookup: Lookup, signal: AbortSignal): Promise<unknown> {
  try {
    return await lookup.fetch(plan, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (isWarrenError(error, ...AWAY)) throw error
    return undefined
  }
}
