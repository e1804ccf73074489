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
  const comparable = promised.filter(({ algorithm }) => strong.some((one) => one.algorithm === algorithm))
  const names = new Set(strong.map(formatDigest))
  return comparable.length > 0 && !comparable.some((one) => names.has(formatDigest(one)))
}
