import type { Clock } from '../clock.ts'
import type { Digest } from '../digest.ts'
import { isWarrenError } from '../errors.ts'
import type { Refused } from './blobs/batch-wire.ts'
import { BlobBatches } from './blobs/blob-batches.ts'
import type { BlobClient } from './blobs/blob-client.ts'
import type { SmallBlob } from './mesh.ts'
import { Pauses } from './pauses.ts'
import type { PeerBook } from './peer-book.ts'
import type { Router } from './router.ts'

export interface SmallBlobsComponents {
  readonly book: PeerBook
  readonly client: BlobClient
  readonly clock: Clock
  readonly router: Pick<Router, 'counts' | 'nearest' | 'had' | 'lacked'>
}

/** Members of which is remembered that they do not get on with batches. */
const MAX_SLOW = 2_000

/**
 * Small blobs that a neighbour lists: asked of it together with others, and of nobody else. What does not come like this is looked
 * for in the usual way, in which whoever is slow or lies costs more than this may cost.
 */
export class SmallBlobs {
  readonly #components: SmallBlobsComponents
  readonly #batches: BlobBatches
  /** Whoever did not get on, or has no answer, being of an older version, is asked for one after the other for a while. */
  readonly #slow: Pauses

  constructor(components: SmallBlobsComponents) {
    this.#components = components
    this.#batches = new BlobBatches(components)
    this.#slow = new Pauses(components, { max: MAX_SLOW })
  }

  /** As `Mesh.small` has it. */
  find(digests: readonly Digest[]): Promise<SmallBlob | undefined> | undefined {
    const isFit = (peer: string) => this.#slow.until(peer) === 0
    for (const digest of digests) {
      const peer = this.#components.router.nearest(digest, isFit)
      if (peer !== undefined) return this.#ask(peer, digest)
    }
    return undefined
  }

  async #ask(peer: string, digest: Digest): Promise<SmallBlob | undefined> {
    const { book, client } = this.#components
    let given: Buffer | Refused
    try {
      given = await this.#batches.ask({ id: peer, addresses: book.blobsOf(peer) }, digest)
    } catch (error) {
      this.#leave(peer, error)
      return undefined
    }
    this.#slow.answered(peer)
    this.#learn(peer, digest, given)
    if (!Buffer.isBuffer(given)) return undefined
    const blame = (reason: string) => {
      book.quarantine(peer, reason)
      client.forget(peer)
    }
    return { bytes: given, kind: book.roleOf(peer) === 'seed' ? 'seed' : 'peer', blame }
  }

  #leave(peer: string, error: unknown): void {
    // All that waited for one answer fail together.
    if (this.#slow.until(peer) > 0) return
    if (isWarrenError(error, 'UPSTREAM_TIMEOUT')) this.#slow.stalled(peer)
    else this.#slow.failed(peer)
  }

  #learn(peer: string, digest: Digest, given: Buffer | Refused): void {
    const { book, router } = this.#components
    const located = { peer, by: 'inventory' } as const
    if (given === 'lacking') {
      book.lacked(peer)
      router.lacked(located, digest)
    } else {
      book.had(peer)
      router.had(located)
      // Whoever is told to ask for it alone looks it up again, and is counted then.
      if (given !== 'alone') router.counts.inventory.hit++
    }
  }
}
