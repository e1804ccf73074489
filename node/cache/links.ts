import { type Digest, formatDigest } from '../digest.ts'
import { fetchedIn } from '../store/purged.ts'
import type { NameRecord, Store } from '../store/store.ts'
import type { Child, Plan } from './plan.ts'

/**
 * Records of what a document names, for the change that keeps the document itself: whoever then asks for one by its digest is
 * known to ask for what this upstream has there, whoever else holds the bytes. A digest alone would be no such proof: the blobs
 * of one repository must not be readable through another.
 */
export function* links(
  children: readonly Child[],
  { store, now, isPrivate, generation }: { store: Store; now: number; isPrivate: boolean; generation: number },
): Generator<[key: string, record: NameRecord], void> {
  for (const { plan: child, size } of children) {
    const digest = child.digests?.[0]
    const blob = digest && nameOf(digest, store)
    if (!blob || store.records.get(child.key)) continue
    // There may be many, and the plan of whoever asks knows all but what kind of document it is.
    const type = child.document && child.responseHeaders?.['content-type']
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
    const verified = [formatDigest(digest)]
    const times = { fetchedAt: now, checkedAt: now, freshFor: null }
    const record: NameRecord = { v: 1, blob, size, headers, ...times, verified, link: true, ...fetchedIn(generation) }
    yield [child.key, isPrivate ? { ...record, private: true } : record]
  }
}

/** Whether the bytes of a child are here and may be served to whoever asks `plan`'s upstream. */
export function heldBlob(plan: Pick<Plan, 'digests'>, store: Store, isPrivate: boolean): string | undefined {
  for (const digest of plan.digests ?? []) {
    const sha256 = store.blobs.find(digest)
    if (sha256 !== undefined && (isPrivate || !store.blobs.isPrivate(sha256))) return sha256
  }
  return undefined
}

/** A blob is named by its sha256, which another digest tells only of what is here. */
function nameOf(digest: Digest, store: Store): string | undefined {
  return digest.algorithm === 'sha256' ? digest.hex : store.blobs.find(digest)
}
