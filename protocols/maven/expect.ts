import type { Expectation, Lookup, Plan } from '../../node/cache/plan.ts'
import { type Digest, isDigest } from '../../node/digest.ts'
import { isRefusal } from '../../node/errors.ts'
import { unlessRefused } from '../lookups.ts'
import { CHECKSUMS, type ChecksumAlgorithm } from './paths.ts'

/** The files with checksums in them beside another one. */
export interface Siblings {
  /** Whether that one is a text that is read as a whole, and soon: a POM or its like. */
  readonly isSmall: boolean
  /** Whether other repositories may have it, and this one not. */
  readonly isElsewhere: boolean
  plan(algorithm: ChecksumAlgorithm): Plan
}

const [WEAK, STRONG] = [CHECKSUMS.slice(-1), CHECKSUMS.slice(0, -1)]
const STRONG_FIRST = [STRONG, WEAK]
const SMALL_FIRST: readonly (readonly ChecksumAlgorithm[])[] = [
  ['sha1'],
  STRONG.filter((algorithm) => algorithm !== 'sha1'),
  WEAK,
]

/**
 * What must be true of a file: the strongest of the checksums that upstream has beside it. All strong ones are asked for together,
 * since an answer costs as long as a further question. Of a small text only sha1 is asked at first, which every repository has:
 * clients read POMs one after another, so that each strong checksum that is missing would be waited for hundreds of times in a
 * build; and so of what another repository may have in place of this one. All else is asked once the file is seen to be there. md5
 * counts only where it is all there is. Empty where upstream has none. Rejects when none is known and one of them could not be had: that is no absence.
 */
export async function expectChecksum(siblings: Siblings, lookup: Lookup, signal: AbortSignal): Promise<Expectation> {
  let trouble: { readonly reason: unknown } | undefined
  const ask = (algorithm: ChecksumAlgorithm) => settled(digestIn(siblings.plan(algorithm), lookup, signal))
  if (siblings.isElsewhere && !siblings.isSmall && !(await ask('sha1')).digest) await lookup.coming?.()
  for (const [round, algorithms] of (siblings.isSmall ? SMALL_FIRST : STRONG_FIRST).entries()) {
    if (round > 0) await lookup.coming?.()
    // Whoever can keep a strong one back must not be believed with a weak one.
    if (trouble && algorithms === WEAK) break
    const asked = algorithms.map(ask)
    // In this order, so that nobody waits for a weaker one than what is there.
    for (const one of asked) {
      const { digest, failed } = await one
      if (digest) return { digests: [digest] }
      trouble ??= failed
    }
  }
  if (trouble) throw trouble.reason
  return { digests: [] }
}

type Outcome = { readonly digest?: Digest | undefined; readonly failed?: { readonly reason: unknown } }

async function settled(asked: Promise<Digest | undefined>): Promise<Outcome> {
  return asked.then(
    (digest) => ({ digest }),
    (reason: unknown) => ({ failed: { reason } }),
  )
}

async function digestIn(plan: Plan, lookup: Lookup, signal: AbortSignal): Promise<Digest | undefined> {
  const facts = await unlessRefused(lookup.fetch(plan, signal).then((found) => found ?? {}))
  if (!facts) return undefined
  const { algorithm = '', hex = '' } = facts as Partial<Digest>
  if (isDigest(algorithm, hex)) return { algorithm, hex }
  throw new Error(`${plan.url} has been read as no checksum`)
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
 * stands beside a file any more, a list that names it is looked at anew, so that the next client is told of what there is.
 */
export async function expectBuild(
  siblings: Siblings,
  { plan, names }: { readonly plan: Plan; names(facts: unknown): boolean },
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Expectation> {
  const lookAnew = async () => {
    if (names(await lookup.cached(plan))) await lookup.fetch(plan, signal).catch(() => {})
  }
  try {
    const expectation = await expectChecksum(siblings, lookup, signal)
    if (expectation.digests.length === 0) await lookAnew()
    return expectation
  } catch (error) {
    // The file itself was seen to be gone.
    if (isRefusal(error)) await lookAnew()
    throw error
  }
}
