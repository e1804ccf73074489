import { createHash } from 'node:crypto'
import { type Body, bufferBody } from '../../node/body.ts'
import { type Algorithm, type Digest, formatDigest } from '../../node/digest.ts'
import type { Shelf } from '../../node/mesh/shelf.ts'

const ALGORITHMS: readonly Algorithm[] = ['sha256', 'sha512']

/** Blobs in memory, known by each of their digests. */
export class MemoryShelf implements Shelf {
  /** Hears of what has come. */
  onHold: (digests: readonly Digest[]) => void = () => {}
  readonly #held = new Map<string, { readonly digest: Digest; readonly bytes: Buffer }>()

  /** Digests of what it holds. */
  get size(): number {
    return this.#held.size
  }

  hold(bytes: Buffer): void {
    const digests = ALGORITHMS.map((algorithm) => ({ algorithm, hex: createHash(algorithm).update(bytes).digest('hex') }))
    for (const digest of digests) this.#held.set(formatDigest(digest), { digest, bytes })
    this.onHold(digests)
  }

  /** Sends other bytes under the digests of these. */
  replace(bytes: Buffer, by: Buffer): void {
    for (const [name, { digest, bytes: before }] of this.#held)
      if (before === bytes) this.#held.set(name, { digest, bytes: by })
  }

  has(digest: Digest): boolean {
    return this.#held.has(formatDigest(digest))
  }

  open(digest: Digest): Body | undefined {
    const held = this.#held.get(formatDigest(digest))
    if (!held) return undefined
    // As a file would be sent: piece by piece, not in one write.
    const { bytes: _whole, ...body } = bufferBody(held.bytes)
    return body
  }

  /** Nothing is on its way here. */
  partial(): undefined {
    return undefined
  }

  chunks(): undefined {
    return undefined
  }

  async keepChunks(): Promise<void> {}

  async *holdings(): AsyncGenerator<Digest, void> {
    for (const { digest } of this.#held.values()) yield digest
  }
}
