import type { Digest } from '../digest.ts'
import { WarrenError } from '../errors.ts'

/** A seed's answer for something large: it is to be had as a blob, from that seed and from whom it names. */
export class AsBlob extends WarrenError {
  /** Peer id. */
  readonly seed: string
  readonly digest: Digest
  /** Upstream's headers, as that seed tells them. */
  readonly headers: Readonly<Record<string, string>>

  constructor(seed: string, digest: Digest, headers: Readonly<Record<string, string>>) {
    super('NODE_BUSY', `seed ${seed} has it as a blob`)
    this.seed = seed
    this.digest = digest
    this.headers = headers
  }
}
