import type { Digest } from '../digest.ts'
import { WarrenError } from '../errors.ts'

/** A seed's answer for what others can send as well: it is to be had as a blob, from that seed and from whom it names. */
export class AsBlob extends WarrenError {
  /** Peer id. */
  readonly seed: string
  readonly digest: Digest
  /** Bytes; undefined where the seed does not say. */
  readonly size: number | undefined
  /** Whether its word about names counts. */
  readonly trusted: boolean
  /** Upstream's headers, as that seed tells them. */
  readonly headers: Readonly<Record<string, string>>

  constructor(seed: string, blob: Pick<AsBlob, 'digest' | 'size' | 'trusted'>, headers: Readonly<Record<string, string>>) {
    super('NODE_BUSY', `seed ${seed} has it as a blob`)
    this.seed = seed
    this.digest = blob.digest
    this.size = blob.size
    this.trusted = blob.trusted
    this.headers = headers
  }
}
