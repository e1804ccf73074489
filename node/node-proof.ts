import { createHmac, timingSafeEqual } from 'node:crypto'

/** Keeps what is made here apart from whatever else the node token may come to be a key of. */
const CONTEXT = 'warren admin listener v1'

/** What is proven. */
export interface Challenge {
  /** 32 random bytes in base64url, of whoever asks. */
  readonly nonce: string
  /** Base URL of the admin listener, or `unix:` and the path of its socket: a proof that was fetched elsewhere is none here. */
  readonly listener: string
}

/** Proof, in base64url, that the node behind a listener has the node token: HMAC-SHA-256 (RFC 2104) by it. */
export function proofOf(token: string, { nonce, listener }: Challenge): string {
  // None of the three has a NUL in it, so that no two challenges are one text.
  return createHmac('sha256', token).update(`${CONTEXT}\0${nonce}\0${listener}`).digest('base64url')
}

export function isProof(proof: string, token: string, challenge: Challenge): boolean {
  const [given, right] = [Buffer.from(proof), Buffer.from(proofOf(token, challenge))]
  return given.length === right.length && timingSafeEqual(given, right)
}
