import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create, decode } from 'multiformats/hashes/digest'
import { type Algorithm, DIGEST_BYTES, type Digest } from '../../digest.ts'

/** Codes of the multicodec table; for what it does not know, from its range for private use. */
const CODES: Readonly<Record<Algorithm, number>> = {
  md5: 0xd5,
  sha1: 0x11,
  sha256: 0x12,
  sha384: 0x20,
  sha512: 0x13,
  h1: 0x300001,
  h1mod: 0x300002,
}
const ALGORITHMS: ReadonlyMap<number, Algorithm> = new Map(
  (Object.keys(CODES) as Algorithm[]).map((algorithm) => [CODES[algorithm], algorithm]),
)

/** «cidv1» of the multicodec table. */
const ENVELOPE = 0x01

/**
 * The key of a digest in the DHT, as its look-ups take it. The multihash is put into another one, of code 0x01 («cidv1»):
 * kad-dht sends the bare multihash of a key and decodes it as a whole CID, which of all algorithms fails for all but sha256
 * («Invalid CID version 19» for sha512, and no reply). What is made here reads well as both: as a multihash whose digest is the
 * real multihash, and as a version 1 CID of that multihash, with the length for a codec.
 */
export function cidOf(digest: Digest): CID {
  return CID.createV1(raw.code, create(ENVELOPE, multihashOf(digest)))
}

/** The multihash of a digest, without envelope. */
export function multihashOf(digest: Digest): Uint8Array {
  return create(CODES[digest.algorithm], Buffer.from(digest.hex, 'hex')).bytes
}

/** The digest in a multihash, with or without envelope; undefined for one that is malformed or of another algorithm. */
export function digestOfMultihash(bytes: Uint8Array): Digest | undefined {
  try {
    const outer = decode(bytes)
    const { code, digest } = outer.code === ENVELOPE ? decode(outer.digest) : outer
    const algorithm = ALGORITHMS.get(code)
    if (algorithm === undefined || digest.length !== DIGEST_BYTES[algorithm]) return undefined
    return { algorithm, hex: Buffer.from(digest).toString('hex') }
  } catch {
    return undefined
  }
}
