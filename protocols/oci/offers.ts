import type { Offers } from '../protocol.ts'

/** Takes tags out of a list of tags (OCI Distribution 1.1, «Listing Tags»). */
export const offers: Offers = {
  id: 'oci-offers-1',
  from: { module: import.meta.url, exportName: 'offers' },
  withhold(bytes, allows) {
    const list = JSON.parse(bytes.toString()) as { readonly tags: readonly unknown[] | null }
    const tags = (list.tags ?? []).filter((tag) => typeof tag === 'string' && allows(tag, undefined))
    return tags.length === (list.tags ?? []).length ? bytes : Buffer.from(JSON.stringify({ ...list, tags }))
  },
}
