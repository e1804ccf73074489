import { z } from 'zod'
import { isWarrenError, WarrenError } from '../errors.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { type OperatorCertificate, openOperatorCertificate, publicKey } from './certificates.ts'
import { keyFromSeed, type SigningKey } from './keys.ts'
import { MAX_STATEMENT_CHARS } from './statement.ts'
import { secretBytes } from './ticket.ts'
import { readVersioned } from './versioned.ts'

const PREFIX = 'warren-operator-1.'
/** Characters; one has some 900. */
const MAX_CHARS = 4 << 10

const fields = z.strictObject({
  v: z.literal(1),
  adminKey: publicKey,
  certificate: z.string().max(MAX_STATEMENT_CHARS),
  key: secretBytes,
})

/** What somebody needs to issue ops: a key, and what the admin key lets it do. */
export interface OperatorKey {
  readonly key: SigningKey
  /** The certificate, signed. */
  readonly text: string
  readonly certificate: OperatorCertificate
}

/** An operator key as one line of text, which is secret. */
export function encodeOperatorKey({ key, text }: Pick<OperatorKey, 'key' | 'text'>, adminKey: string): string {
  const said: z.infer<typeof fields> = { v: 1, adminKey, certificate: text, key: toBase64url(key.seed) }
  return PREFIX + toBase64url(JSON.stringify(said))
}

/** Reads an operator key, and checks that its parts belong together; dates are left to the caller. Throws OPERATOR_INVALID. */
export function decodeOperatorKey(text: string): OperatorKey {
  const trimmed = text.trim()
  const version = /^warren-operator-(\d{1,9})\./.exec(trimmed)?.[1]
  if (version === undefined) throw invalid(`this is no operator key: one begins with ${PREFIX}`)
  if (version !== '1')
    throw invalid(`the operator key has version ${version}: another Warren made it, this one knows version 1`)
  const json = trimmed.length > MAX_CHARS ? undefined : fromBase64url(trimmed.slice(PREFIX.length))?.toString()
  if (!json?.endsWith('}')) throw invalid('the operator key is cut off, or has something in it that does not belong to it')
  const reading = readVersioned(json, fields)
  if (reading.problem !== undefined) throw invalid(`the operator key is damaged: ${reading.problem}`)
  const { adminKey, certificate, key: seed } = reading.value
  const key = keyFromSeed(Buffer.from(seed, 'base64url'))
  try {
    const opened = openOperatorCertificate(certificate, adminKey)
    if (opened.key === key.publicKey) return { key, text: certificate, certificate: opened }
    throw invalid('the key in it is not the one that its certificate names')
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) throw invalid(error.message)
    throw error
  }
}

function invalid(reason: string): WarrenError {
  return new WarrenError('OPERATOR_INVALID', reason)
}
