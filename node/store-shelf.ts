import type { Body } from './body.ts'
import { type Digest, parseDigest } from './digest.ts'
import type { Shelf } from './mesh/shelf.ts'
import type { Store } from './store/store.ts'

/** What the store holds, for members of the mesh: not what came with credentials. */
export class StoreShelf implements Shelf {
  readonly #store: Store

  constructor(components: { store: Store }) {
    this.#store = components.store
  }

  has(digest: Digest): boolean {
    return this.#find(digest) !== undefined
  }

  open(digest: Digest): Body | undefined | Promise<Body | undefined> {
    const sha256 = this.#find(digest)
    return sha256 === undefined ? undefined : this.#store.blobs.open(sha256)
  }

  async *holdings(): AsyncGenerator<Digest, void> {
    for await (const [, { verified, link, private: isPrivate }] of this.#store.records.entries('')) {
      if (link || isPrivate) continue
      for (const text of verified) {
        const digest = parseDigest(text)
        if (digest) yield digest
      }
    }
  }

  #find(digest: Digest): string | undefined {
    const { blobs } = this.#store
    const sha256 = blobs.find(digest)
    return sha256 !== undefined && !blobs.isPrivate(sha256) ? sha256 : undefined
  }
}
