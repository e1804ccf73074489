import { createPrivateKey, generateKeyPair, randomBytes, sign } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { verifyPeerCertificate } from '@libp2p/tls/utils'
import { LRUCache } from 'lru-cache'
import { reasonOf, WarrenError } from '../../errors.ts'
import type { SigningKey } from '../../trust/keys.ts'

/** PEM, as `node:tls` takes it. */
export interface IdentityCertificate {
  readonly cert: string
  readonly key: string
}

/** What is signed beside the key of the certificate (libp2p TLS specification, section «libp2p Public Key Extension»). */
const SIGNED_PREFIX = Buffer.from('libp2p-tls-handshake:')

/** The protobuf around an Ed25519 public key: key type 1, 32 bytes (libp2p peer id specification, section «Keys»). */
const PUBLIC_KEY_HEAD = Buffer.from('08011220', 'hex')

/** Object identifiers in DER: ecdsa-with-SHA256, the libp2p extension 1.3.6.1.4.1.53594.1.1. */
const ECDSA_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex')
const LIBP2P_EXTENSION = Buffer.from('060a2b0601040183a25a0101', 'hex')

/** The first of January 2020, as UTCTime (RFC 5280 section 4.1.2.5.1): before any member was made, however its clock is set. */
const SINCE = Buffer.from('170d3230303130313030303030305a', 'hex')

/** «No well-defined end» (RFC 5280 section 4.1.2.5): the member certificate has a date, this one only names a key. */
const NO_END = Buffer.from('180f39393939313233313233353935395a', 'hex')

/** Common name `warren`: RFC 5280 wants an issuer, and nobody reads it. */
const NAME = Buffer.from('3011310f300d06035504030c0677617272656e', 'hex')

/**
 * A certificate by which TLS proves the peer id of `key` (libp2p TLS specification). Its own key is made anew each time and never
 * stored.
 */
export async function identityCertificate(key: SigningKey): Promise<IdentityCertificate> {
  const pair = await promisify(generateKeyPair)('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const spki = pair.publicKey
  const publicKey = Buffer.concat([PUBLIC_KEY_HEAD, Buffer.from(key.publicKey, 'base64url')])
  const proof = sequence(octets(publicKey), octets(key.sign(Buffer.concat([SIGNED_PREFIX, spki]))))
  const algorithm = sequence(ECDSA_SHA256)
  const toSign = sequence(
    // Version 3, the one with extensions.
    der(0xa0, der(0x02, Buffer.of(2))),
    // Below 0x80, so that the number is positive.
    der(0x02, Buffer.concat([Buffer.of(0x01), randomBytes(15)])),
    algorithm,
    NAME,
    sequence(SINCE, NO_END),
    NAME,
    spki,
    // Critical: whoever does not know the extension must not take the certificate for an ordinary one.
    der(0xa3, sequence(sequence(LIBP2P_EXTENSION, der(0x01, Buffer.of(0xff)), octets(proof)))),
  )
  const signature = sign('sha256', toSign, createPrivateKey(pair.privateKey))
  const certificate = sequence(toSign, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])))
  return { cert: pem(certificate), key: pair.privateKey }
}

/**
 * What certificates were found to prove, by fingerprint: a member shows the same one on each of its sockets, and looking into it
 * costs more time than the rest of the handshake. That its key is there is proven by each handshake anew.
 */
const proven = new LRUCache<string, string>({ max: 4_096 })

/** The peer id that a TLS handshake has proven. Throws UNTRUSTED when it has proven none. */
export async function peerOfSocket(socket: TLSSocket): Promise<string> {
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) throw new WarrenError('UNTRUSTED', 'the other side showed no certificate; members show one of their key')
  const { fingerprint256 } = certificate
  const known = proven.get(fingerprint256)
  if (known !== undefined) return known
  try {
    const peer = (await verifyPeerCertificate(certificate.raw)).toString()
    proven.set(fingerprint256, peer)
    return peer
  } catch (cause) {
    throw new WarrenError('UNTRUSTED', `the certificate proves no peer id: ${reasonOf(cause)}`, { cause })
  }
}

/** One value in DER (X.690 section 8.1). */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content])
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content])
}

function sequence(...values: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(values))
}

function octets(bytes: Buffer): Buffer {
  return der(0x04, bytes)
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').replace(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
