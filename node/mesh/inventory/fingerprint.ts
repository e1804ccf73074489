import { type Digest, isCollisionFree } from '../../digest.ts'

const HEX_DIGITS = 8

/** The first 32 bits of a digest: what stands for it in an inventory. They are as good as random, so nothing has to be hashed again. */
export function fingerprintOf({ hex }: Digest): number {
  return Number.parseInt(hex.slice(0, HEX_DIGITS), 16)
}

/** Those of the digests by which members ask: nobody asks for an md5. */
export function fingerprintsOf(digests: readonly Digest[]): number[] {
  return digests.filter(isCollisionFree).map(fingerprintOf)
}
