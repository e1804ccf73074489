import type { Digest } from '../digest.ts'

/** Somewhere in the mesh that says it has a blob. Its bytes are never trusted before they are verified. */
export interface BlobSource {
  /** Peer id of the member. */
  readonly id: string
  readonly kind: 'peer' | 'seed'
  /** Opens the blob at byte `start`; `size` is the length of the whole blob in bytes. */
  open(start: number, signal: AbortSignal): Promise<{ size: number; body: AsyncIterable<Buffer> }>
  /** Tells the mesh that this source sent wrong or too few bytes, so that it is not asked again. */
  blame(reason: string): void
}

/** The other members, as the cache sees them. */
export interface Mesh {
  /** False while no other member is known; nothing is looked up then. */
  readonly populated: boolean
  /** Milliseconds that peers get before upstream is asked as well. */
  readonly headStart: number
  /** Sources in the order in which they should be tried; ends when nobody else is known. */
  find(digest: Digest, signal: AbortSignal): AsyncIterable<BlobSource>
  /** Tells the mesh that this node can serve a verified, public blob. */
  announce(digests: readonly Digest[]): void
  close(): Promise<void>
}
