import type { z } from 'zod'
import { isWarrenError, WarrenError } from '../errors.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { type SigningKey, verifySignature } from './keys.ts'
import { isNewerVersion, readVersioned } from './versioned.ts'

/** Characters that a statement may have; a certificate has some 450. */
export const MAX_STATEMENT_CHARS = 2 << 10

/** Characters of an op: it carries the certificate of its author, and may say how a mirror is set up. */
export const MAX_OP_CHARS = 8 << 10

const NAMES: ReadonlyMap<string, string> = new Map([
  ['op', 'op'],
  ['ack', 'acknowledgement'],
])

/**
 * Signs a payload: `<base64url of its JSON>.<base64url of the signature>`. What is signed begins with the kind, so that no
 * statement can be passed off as one of another kind, whatever fields they share. What the JSON says is read from the very bytes
 * that are signed, so that it needs no canonical form.
 */
export function signStatement(kind: string, payload: object, key: SigningKey): string {
  const bytes = Buffer.from(JSON.stringify(payload))
  return `${toBase64url(bytes)}.${toBase64url(key.sign(signedBytes(kind, bytes)))}`
}

/**
 * What a statement says, once it is proven that the owner of the key said it.
 *
 * Throws UNTRUSTED, saying what is wrong.
 */
export function openStatement<T>(kind: string, text: string, publicKey: string, schema: z.ZodType<T>): T {
  const { payload, signature } = partsOf(kind, text)
  if (!verifySignature(publicKey, signedBytes(kind, payload), signature))
    throw refusal(kind, 'its signature is wrong; another key signed it, or it was altered')
  return read(kind, payload, schema)
}

/** Whether the owner of the key said it, in a version that is newer than what can be read here. */
export function isNewer(kind: string, text: string, publicKey: string): boolean {
  try {
    const { payload, signature } = partsOf(kind, text)
    return isNewerVersion(payload.toString()) && verifySignature(publicKey, signedBytes(kind, payload), signature)
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) return false
    throw error
  }
}

/** What a statement of any version says before anything is proven; undefined where it says nothing of that kind. */
export function peekAny<T>(kind: string, text: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(partsOf(kind, text).payload.toString())).data
  } catch {
    return undefined
  }
}

/** What a statement says before anything is proven, such as who claims to have said it. Throws UNTRUSTED. */
export function peekStatement<T>(kind: string, text: string, schema: z.ZodType<T>): T {
  return read(kind, partsOf(kind, text).payload, schema)
}

function partsOf(kind: string, text: string): { payload: Buffer; signature: Buffer } {
  const most = kind === 'op' ? MAX_OP_CHARS : MAX_STATEMENT_CHARS
  if (text.length > most) throw refusal(kind, `it is longer than ${most} characters`)
  const parts = text.split('.')
  // One spelling only, so that a statement can be known by its text.
  const [payload, signature] = parts.map(fromBase64url)
  if (parts.length === 2 && payload && signature) return { payload, signature }
  throw refusal(kind, 'it is not two parts of base64url with a dot in between')
}

function read<T>(kind: string, payload: Buffer, schema: z.ZodType<T>): T {
  const reading = readVersioned(payload.toString(), schema)
  if (reading.problem !== undefined) throw refusal(kind, reading.problem)
  return reading.value
}

function refusal(kind: string, problem: string): WarrenError {
  const what = NAMES.get(kind) ?? `${kind} certificate`
  return new WarrenError('UNTRUSTED', `the ${what} is not accepted: ${problem}`)
}

function signedBytes(kind: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`warren ${kind} v1\n`), payload])
}
