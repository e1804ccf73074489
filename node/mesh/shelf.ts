import type { Body } from '../body.ts'
import type { Digest } from '../digest.ts'

/** A public blob that this node is fetching, with what is here of it. */
export interface PartialBlob {
  /** Bytes of the whole, as upstream or a seed says; undefined before that is known. */
  readonly size: number | undefined
  /** Bytes from its start that may be handed on: upstream's, a seed's, or verified against a chunk list. */
  readonly verified: number
  /** Peer id of the member that it comes from now; `upstream`, or undefined while nobody sends it. */
  readonly source: string | undefined
  /** Resolves when there is more of it: false when there never will be. Never rejects. */
  grown(): Promise<boolean>
  /** Reads wait for what is to come, and reject when that never will. Whoever gets it closes it. */
  open(): Body
}

/** The blobs of this node that members may have, as the mesh sees them. */
export interface Shelf {
  /** Whether a blob with this digest is kept, verified and public. Synchronous, since the DHT asks for each record. */
  has(digest: Digest): boolean
  /** Opens a kept blob; undefined when it is not (any more). Whoever gets it closes it. */
  open(digest: Digest): Body | undefined | Promise<Body | undefined>
  /** What is here of a blob that is being fetched; undefined when it is not, or is not for members. */
  partial(digest: Digest): PartialBlob | undefined
  /** Every digest that `has` answers for, in no order. */
  holdings(): AsyncIterable<Digest>
  /** The chunk list that was kept with a blob: sha256 of each MiB. */
  chunks(digest: Digest): Buffer | undefined
  keepChunks(digest: Digest, hashes: Buffer): Promise<void>
}
