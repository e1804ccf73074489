/** Lower-case hex of a sha256 digest: the name under which a blob is stored. */
export type Sha256 = string

/** Over the bytes, or over what is in them: `h1` is that of the files in a zip archive, `h1mod` of one file called go.mod. */
export type Algorithm = ByteAlgorithm | ContentAlgorithm
export type ByteAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'
/** «Hash1» of Go's dirhash package (x/mod/sumdb/dirhash), as hex. */
type ContentAlgorithm = 'h1' | 'h1mod'

/** Digest length in bytes, in order of strength. */
export const DIGEST_BYTES: Readonly<Record<Algorithm, number>> = {
  md5: 16,
  sha1: 20,
  h1mod: 32,
  h1: 32,
  sha256: 32,
  sha384: 48,
  sha512: 64,
}

export function isOfBytes(algorithm: Algorithm): algorithm is ByteAlgorithm {
  return algorithm !== 'h1' && algorithm !== 'h1mod'
}

/**
 * Whether nobody can make two files of one digest for the price of an afternoon: else whoever published one of them could, as a
 * member, hand out the other.
 */
export function isCollisionFree({ algorithm }: Digest): boolean {
  return algorithm !== 'md5'
}

export interface Digest {
  readonly algorithm: Algorithm
  /** Lower-case hex. */
  readonly hex: string
}

/** Digests of one run of bytes, by algorithm, as lower-case hex. */
export type Digests = Readonly<Partial<Record<Algorithm, string>>> & { readonly sha256: Sha256 }

export function isDigest(algorithm: string, hex: string): algorithm is Algorithm {
  const bytes = DIGEST_BYTES[algorithm as Algorithm]
  return bytes !== undefined && hex.length === bytes * 2 && /^[0-9a-f]+$/.test(hex)
}

export function formatDigest(digest: Digest): string {
  return `${digest.algorithm}:${digest.hex}`
}

/** Reads `algorithm:hex`; undefined for anything else. */
export function parseDigest(text: string): Digest | undefined {
  const [algorithm = '', hex = ''] = text.split(':', 2)
  return isDigest(algorithm, hex) && text.length === algorithm.length + 1 + hex.length ? { algorithm, hex } : undefined
}

/** All that can be read of such texts. */
export function parseDigests(texts: readonly string[]): Digest[] {
  return texts.flatMap((text) => parseDigest(text) ?? [])
}
