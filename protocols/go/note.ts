import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'

/** Whoever signs notes (x/mod/sumdb/note, `NewVerifier`). */
export interface Verifier {
  readonly name: string
  /** Four bytes by which its signatures are told from others'. */
  readonly hash: Buffer
  readonly key: KeyObject
}

/** A signed text. Survives JSON. */
export interface Note {
  /** With the newline at its end, which is signed as well. */
  readonly text: string
  /** `name base64`, as the lines below the text have them. */
  readonly signatures: readonly string[]
}

const VERIFIER = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/
const ED25519 = 1
const SIGNATURE = /^\u2014 (\S+ [A-Za-z0-9+/]+={0,2})$/
/** More signatures than a note has take time and prove nothing. */
const MAX_SIGNATURES = 100

/** Reads `name+hash+key`. Throws a plain Error for what is no key of that name. */
export function parseVerifier(text: string): Verifier {
  const [, name, hash, base64] = VERIFIER.exec(text) ?? []
  if (name === undefined || hash === undefined || base64 === undefined)
    throw new Error('it is no verifier key, which is «name+hash+key»')
  const key = Buffer.from(base64, 'base64')
  if (key[0] !== ED25519 || key.length !== 33) throw new Error('its key is none of Ed25519')
  const right = createHash('sha256').update(`${name}\n`).update(key).digest('hex').slice(0, 8)
  if (hash !== right) throw new Error(`its hash is not that of this name and key, which is ${right}`)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.subarray(1).toString('base64url') }
  return { name, hash: Buffer.from(hash, 'hex'), key: createPublicKey({ key: jwk, format: 'jwk' }) }
}

/** Throws a plain Error for what is no signed note. */
export function parseNote(note: string): Note {
  const end = note.lastIndexOf('\n\n')
  const lines = note.slice(end + 2).split('\n')
  const last = lines.pop()
  if (end < 0 || last !== '' || lines.length === 0 || lines.length > MAX_SIGNATURES)
    throw new Error('it is no note with signatures below it')
  const signatures = lines.map((line) => {
    const signature = SIGNATURE.exec(line)?.[1]
    if (signature === undefined) throw new Error('what is below the note is no signature')
    return signature
  })
  return { text: note.slice(0, end + 1), signatures }
}

/** Whether a note has a right signature of this verifier, and no wrong one. */
export function isSignedBy({ text, signatures }: Note, { name, hash, key }: Verifier): boolean {
  const own = signatures.flatMap((signature) => {
    const [signer, base64 = ''] = signature.split(' ')
    const bytes = Buffer.from(base64, 'base64')
    return signer === name && bytes.subarray(0, 4).equals(hash) ? [bytes.subarray(4)] : []
  })
  return own.length > 0 && own.every((signature) => verify(null, Buffer.from(text), key, signature))
}

/** Text of bytes that have no control characters but newlines. Throws a plain Error for others. */
export function plainText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\0-\x09\x0b-\x1f]/.test(text)) throw new Error('it has control characters')
  return text
}
