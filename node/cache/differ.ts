import { type Digest, formatDigest, isCollisionFree } from '../digest.ts'

/**
 * Whether what a seed says that an artifact has to be is something else than what is expected here: one of both goes by documents that are
 * old, or that upstream wrote for it alone. Then the bytes of neither are a lie.
 *
 * @param promised what the seed says; undefined where it does not
 */
export function differ(promised: readonly Digest[] | undefined, expected: readonly Digest[]): boolean {
  const strong = expected.filter(isCollisionFree)
  if (!promised || strong.length === 0) return false
  if (promised.length === 0) return true
  return disagree(promised, strong)
}

/** Whether no file can have a digest of both, as far as they can be compared. */
export function disagree(some: readonly Digest[], others: readonly Digest[]): boolean {
  const comparable = some.filter(({ algorithm }) => others.some((one) => one.algorithm === algorithm))
  return comparable.length > 0 && !share(comparable, others)
}

/** Whether both have a digest in common. */
export function share(some: readonly Digest[], others: readonly Digest[]): boolean {
  const names = new Set(others.map(formatDigest))
  return some.some((one) => names.has(formatDigest(one)))
}
