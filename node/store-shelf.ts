import type { Body } from './body.ts'
import { type Digest, parseDigest } from './digest.ts'
import type { PartialBlob, Shelf } from './mesh/shelf.ts'
import type { Store } from './store/store.ts'

/** Under which name chunk lists are kept with their blobs; the number is that of their form. */
const CHUNKS = 'chunks/1'

export interface StoreShelfComponents {
  readonly store: Store
  /** What is here of a blob that is being fetched. */
  readonly partial: Shelf['partial']
}

/** What the store holds, and what is on its way there, for members of the mesh: not what came with credentials. */
export class StoreShelf implements Shelf {
  readonly #store: Store
  readonly #partial: Shelf['partial']

  constructor(components: StoreShelfComponents) {
    this.#store = components.store
    this.#partial = components.partial
  }

  has(digest: Digest): boolean {
    return this.#find(digest) !== undefined
  }

  open(digest: Digest): Body | undefined | Promise<Body | undefined> {
    const sha256 = this.#find(digest)
    return sha256 === undefined ? undefined : this.#store.blobs.open(sha256)
  }

  partial(digest: Digest): PartialBlob | undefined {
    return this.#partial(digest)
  }

  chunks(digest: Digest): Buffer | undefined {
    const sha256 = this.#find(digest)
    const kept = sha256 === undefined ? undefined : this.#store.records.parsed(CHUNKS, sha256)
    return kept === undefined ? undefined : Buffer.from(kept, 'base64')
  }

  async keepChunks(digest: Digest, hashes: Buffer): Promise<void> {
    const sha256 = this.#find(digest)
    if (sha256 !== undefined) await this.#store.records.putParsed(CHUNKS, sha256, hashes.toString('base64'))
  }

  async *holdings(): AsyncGenerator<Digest, void> {
    const { blobs, records } = this.#store
    for await (const [, { blob, verified, link, private: isPrivate }] of records.entries('')) {
      // Names outlive what was evicted.
      if (link || isPrivate || blobs.find({ algorithm: 'sha256', hex: blob }) === undefined) continue
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
