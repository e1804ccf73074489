import type { Body } from '../body.ts'
import type { Digest } from '../digest.ts'

/** The blobs of this node that members may have, as the mesh sees them. */
export interface Shelf {
  /** Whether a blob with this digest is kept, verified and public. Synchronous, since the DHT asks for each record. */
  has(digest: Digest): boolean
  /** Opens a kept blob; undefined when it is not (any more). Whoever gets it closes it. */
  open(digest: Digest): Body | undefined | Promise<Body | undefined>
  /** Every digest that `has` answers for, in no order. */
  holdings(): AsyncIterable<Digest>
}
