import type { Clock } from '../clock.ts'
import type { Digest } from '../digest.ts'
import { isWarrenError } from '../errors.ts'
import type { BlobClient } from './blobs/blob-client.ts'
import type { HeadStart } from './head-start.ts'
import type { BlobSource } from './mesh.ts'
import type { PeerBook } from './peer-book.ts'
import type { Located, Router } from './router.ts'
import type { Asking } from './swarm/asking.ts'

export interface PeerSourceComponents {
  readonly book: PeerBook
  readonly client: BlobClient
  readonly clock: Clock
  readonly headStart: HeadStart
  readonly router: Pick<Router, 'had' | 'lacked'>
}

/** Ms without an answer after which a member counts as one that cannot be reached. */
const SLOW = 250

/** A member that may have a blob; what comes of asking it is written down for the next time. */
export class PeerSource implements BlobSource {
  readonly id: string
  readonly kind: 'peer' | 'seed'
  readonly #components: PeerSourceComponents
  readonly #located: Located
  readonly #digest: Digest

  constructor(components: PeerSourceComponents, located: Located, digest: Digest) {
    this.#components = components
    this.id = located.peer
    this.kind = components.book.roleOf(this.id) === 'seed' ? 'seed' : 'peer'
    this.#located = located
    this.#digest = digest
  }

  async open(
    start: number,
    signal: AbortSignal,
    asking: Asking = 'first',
  ): Promise<{ size: number; body: AsyncIterable<Buffer> }> {
    const { book, client, clock, headStart, router } = this.#components
    const began = clock.now()
    try {
      const peer = { id: this.id, addresses: book.blobsOf(this.id) }
      const opened = await client.open(peer, this.#digest, start, signal, asking)
      headStart.add(clock.now() - began)
      book.had(this.id)
      router.had(this.#located)
      return opened
    } catch (error) {
      if (signal.aborted) {
        // Whoever keeps us waiting until somebody else was faster is left alone for a while, unless it is busy with our own wishes. Not a
        // seed: all ask it for everything, and who is faster may have it from there.
        const isSlow = clock.now() - began >= SLOW && client.underWay(this.id) <= 1
        if (isSlow && this.kind === 'peer') book.failed(this.id)
        throw error
      }
      if (isWarrenError(error, 'UPSTREAM_ABSENT')) {
        book.lacked(this.id)
        router.lacked(this.#located, this.#digest)
        // Busy is no fault: it is asked again as soon as somebody else wants something. A seed is slow when a crowd has come. Nor is to
        // know that others sent too much.
      } else if (isWarrenError(error, 'UPSTREAM_BUSY', 'NODE_BUSY') || this.#isCrowded(error)) book.busy(this.id)
      else if (!isWarrenError(error, 'UPSTREAM_CORRUPT')) book.failed(this.id)
      throw error
    }
  }

  #isCrowded(error: unknown): boolean {
    return this.kind === 'seed' && isWarrenError(error, 'UPSTREAM_TIMEOUT')
  }

  named(peer: string): PeerSource | undefined {
    return this.#components.book.usable(peer)
      ? new PeerSource(this.#components, { peer, by: 'referral' }, this.#digest)
      : undefined
  }

  blame(reason: string): void {
    this.#components.book.quarantine(this.id, reason)
    this.#components.client.forget(this.id)
  }

  /** A seed is asked by all for everything, and may be slow when a crowd has come. */
  stalled(): void {
    if (this.kind === 'peer') this.#components.book.stalled(this.id)
  }
}
