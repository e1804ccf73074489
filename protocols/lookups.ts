import type { Lookup, Plan } from '../node/cache/plan.ts'
import { type ErrorCode, isRefusal, isWarrenError } from '../node/errors.ts'

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

/** What was asked for; undefined where upstream says that there is none, or not for us. Rejects with all else. */
export async function unlessRefused<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}

/**
 * What `find` finds in the facts of a document: as it is at hand, else as upstream has it now. Rejects as that does, also where an old
 * copy could be had: that it does not find anything there is trouble, and no absence.
 */
export async function findIn<T>(
  plan: Plan,
  find: (facts: unknown) => T | undefined,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<T | undefined> {
  return find(await lookup.cached(plan)) ?? find(await lookup.fetch(plan, signal, 'confirmed'))
}
