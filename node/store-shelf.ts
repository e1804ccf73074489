import type { Body } from './body.ts'
import { type Digest, parseDigest } from './digest.ts'
import type { Shelf } from './mesh/shelf.ts'
import type { Store } from './store/store.ts'

/** What the store holds, for members of the mesh. */
export class StoreShelf implements Shelf {
  readonly #store: Store

  constructor(components: { store: Store }) {
    this.#store = components.store
  }

  has(digest: Digest): boolean {
    return this.#store.blobs.find(digest) !== undefined
  }

  open(digest: Digest): Body | undefined | Promise<Body | undefined> {
    const sha256 = this.#store.blobs.find(digest)
    return sha256 === undefined ? undefined : this.#store.blobs.open(sha256)
  }

  async *holdings(): AsyncGenerator<Digest, void> {
    for await (const [, { verified }] of this.#store.records.entries('')) {
      for (const text of verified) {
        const digest = parseDigest(text)
        if (digest) yield digest
      }
    }
  }
}
