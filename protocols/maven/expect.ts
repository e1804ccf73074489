import type { Expectation, Lookup, Plan } from '../../node/cache/plan.ts'
import { type Digest, isDigest } from '../../node/digest.ts'
import { type ErrorCode, isWarrenError } from '../../node/errors.ts'
import { CHECKSUMS, type ChecksumAlgorithm } from './paths.ts'

/** The upstream says that there is no such file, or not for us. */
const ABSENT: readonly ErrorCode[] = ['UPSTREAM_ABSENT', 'UPSTREAM_GONE', 'UPSTREAM_LEGAL', 'UPSTREAM_DENIED']

/** A file with its checksum in it, beside another one. */
export type Siblings = (algorithm: ChecksumAlgorithm) => Plan

/**
 * What must be true of a file: the strongest of the checksums that upstream has beside it. The strong ones are asked for together,
 * since an answer costs as long as a further question; md5 only where it is all there is. Empty where upstream has none. Rejects
 * when none is known and one of them could not be had: that is no absence.
 */
export async function expectChecksum(siblings: Siblings, lookup: Lookup, signal: AbortSignal): Promise<Expectation> {
  const ask = (algorithm: ChecksumAlgorithm) => digestIn(siblings(algorithm), lookup, signal)
  const [md5, strong] = [CHECKSUMS.slice(-1), CHECKSUMS.slice(0, -1)]
  for (const algorithms of [strong, md5]) {
    const asked = await Promise.allSettled(algorithms.map(ask))
    const known = asked.flatMap((one) => (one.status === 'fulfilled' ? (one.value ?? []) : []))
    const [strongest] = known
    if (strongest) return { digests: [strongest] }
    const trouble = asked.find((one) => one.status === 'rejected')
    if (trouble) throw trouble.reason
  }
  return { digests: [] }
}

async function digestIn(plan: Plan, lookup: Lookup, signal: AbortSignal): Promise<Digest | undefined> {
  try {
    const { algorithm = '', hex = '' } = ((await lookup.fetch(plan, signal)) ?? {}) as Partial<Digest>
    if (isDigest(algorithm, hex)) return { algorithm, hex }
    throw new Error(`${plan.url} has been read as no checksum`)
  } catch (error) {
    if (isWarrenError(error, ...ABSENT)) return undefined
    throw error
  }
}

/**
 * The same for what changes: where nothing can be known now, it is undefined rather than trouble, so that whoever asks gets it
 * unchecked and nothing of it is kept.
 */
export async function expectNow(siblings: Siblings, lookup: Lookup, signal: AbortSignal): Promise<Expectation | undefined> {
  try {
    return await expectChecksum(siblings, lookup, signal)
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

/**
 * The same for a build of a snapshot. Upstreams prune old builds while clients still go by a list that has them: where nothing
 * stands beside a file any more that list is looked at anew, so that the next client is told of what there is.
 */
export async function expectBuild(siblings: Siblings, list: Plan, lookup: Lookup, signal: AbortSignal): Promise<Expectation> {
  const expectation = await expectChecksum(siblings, lookup, signal)
  if (expectation.digests.length === 0) await lookup.fetch(list, signal).catch(() => {})
  return expectation
}
