import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import { WarrenError } from '../errors.ts'
import { fromBase64url, toBase64url } from './base64url.ts'

/** Bytes of an Ed25519 seed, and of a public key (RFC 8032 section 5.1.5). */
const KEY_BYTES = 32

/** What stands before the seed in PKCS#8 (RFC 8410 section 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * What stands before an Ed25519 public key in a peer id: an identity multihash of 36 bytes, a protobuf with key type 1 and
 * 32 bytes of key (libp2p peer id specification, section «Peer IDs»).
 */
const PEER_ID_HEAD = Buffer.from('002408011220', 'hex')

/** A peer id in base58 has 52 characters; decoding takes time by the square of the length. */
const MAX_PEER_ID_CHARS = 64

export interface SigningKey {
  /** The 32 bytes in base64url. */
  readonly publicKey: string
  /** The 32 secret bytes of RFC 8032. */
  readonly seed: Buffer
  /** An Ed25519 signature of 64 bytes. */
  sign(bytes: Uint8Array): Buffer
}

/** Its secret is private, so that neither a log line nor JSON.stringify shows it by accident. */
class Ed25519Key implements SigningKey {
  readonly publicKey: string
  readonly #seed: Buffer
  readonly #private: KeyObject

  constructor(seed: Uint8Array) {
    this.#seed = Buffer.from(seed)
    this.#private = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' })
    const spki = createPublicKey(this.#private).export({ format: 'der', type: 'spki' })
    this.publicKey = toBase64url(spki.subarray(-KEY_BYTES))
  }

  get seed(): Buffer {
    return Buffer.from(this.#seed)
  }

  sign(bytes: Uint8Array): Buffer {
    return sign(null, bytes, this.#private)
  }
}

export function generateKey(): SigningKey {
  return new Ed25519Key(randomBytes(KEY_BYTES))
}

/** @param seed 32 bytes; throws a RangeError for any other number */
export function keyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== KEY_BYTES) throw new RangeError(`an Ed25519 seed has ${KEY_BYTES} bytes, not ${seed.length}`)
  return new Ed25519Key(seed)
}

/** PKCS#8 in PEM (RFC 7468 section 10), as `openssl pkey` reads it. */
export function keyToPem(key: SigningKey): string {
  const der = Buffer.concat([PKCS8_HEAD, key.seed])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }).toString()
}

/** Undefined when that is no unencrypted Ed25519 key in PEM. */
export function keyFromPem(pem: string): SigningKey | undefined {
  let key: KeyObject
  try {
    key = createPrivateKey({ key: pem, format: 'pem' })
  } catch {
    return undefined
  }
  if (key.asymmetricKeyType !== 'ed25519') return undefined
  // The seed (RFC 8037 section 2).
  const { d } = key.export({ format: 'jwk' })
  return d === undefined ? undefined : new Ed25519Key(Buffer.from(d, 'base64url'))
}

/** Whether the text is 32 bytes in their one base64url spelling. */
export function isPublicKey(text: string): boolean {
  return fromBase64url(text)?.length === KEY_BYTES
}

/** Whether the signature is right; false for whatever is no key or no signature. */
export function verifySignature(publicKey: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (!isPublicKey(publicKey)) return false
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
  return verify(null, bytes, key, signature)
}

/** The peer id (`12D3KooW…`) of a public key. Throws UNTRUSTED when that is none. */
export function peerIdOf(publicKey: string): string {
  if (!isPublicKey(publicKey)) throw new WarrenError('UNTRUSTED', 'no Ed25519 public key: it has 32 bytes in base64url')
  return base58btc.baseEncode(Buffer.concat([PEER_ID_HEAD, Buffer.from(publicKey, 'base64url')]))
}

/** The public key that a peer id contains; undefined when it is no peer id, or not of an Ed25519 key. */
export function publicKeyOfPeer(peerId: string): string | undefined {
  if (peerId.length > MAX_PEER_ID_CHARS) return undefined
  let bytes: Uint8Array
  try {
    bytes = base58btc.baseDecode(peerId)
  } catch {
    return undefined
  }
  if (bytes.length !== PEER_ID_HEAD.length + KEY_BYTES || !PEER_ID_HEAD.equals(bytes.subarray(0, PEER_ID_HEAD.length)))
    return undefined
  // The decoder takes characters beyond Latin-1 for zeros.
  if (base58btc.baseEncode(bytes) !== peerId) return undefined
  return toBase64url(bytes.subarray(PEER_ID_HEAD.length))
}
