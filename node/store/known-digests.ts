import { type Digests, parseDigest } from '../digest.ts'
import type { NameRecord } from './store.ts'

/**
 * All that is known of a blob's digests: those of its bytes, and those of what is in it that were checked before the records were
 * written. Members ask by either.
 */
export function knownDigests(computed: Digests, records: Iterable<NameRecord>): Digests {
  const known: Record<string, string> = {}
  for (const { blob, verified, link } of records) {
    if (link || blob !== computed.sha256) continue
    for (const text of verified) {
      const digest = parseDigest(text)
      if (digest) known[digest.algorithm] = digest.hex
    }
  }
  return { ...known, ...computed }
}
