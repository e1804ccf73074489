import { createHash } from 'node:crypto'
import { z } from 'zod'
import { isWarrenError, WarrenError } from '../errors.ts'
import { meshId, openOperatorCertificate, publicKey, time } from '../trust/certificates.ts'
import type { SigningKey } from '../trust/keys.ts'
import { isNewer, MAX_STATEMENT_CHARS, openStatement, peekAny, peekStatement, signStatement } from '../trust/statement.ts'
import { operatorOf } from './authority.ts'
import { MAX_LAMPORT, MAX_TYPE_CHARS } from './constants.ts'

/** Hex of a sha256: how an op is called. */
export const opHash = z.string().regex(/^[0-9a-f]{64}$/)

/** Version 1 of what is signed. The body is judged by whoever knows the type. */
const opFields = z.strictObject({
  v: z.literal(1),
  mesh: meshId,
  author: publicKey,
  seq: z.int().min(1),
  prev: opHash.nullable(),
  lamport: z.int().min(1).max(MAX_LAMPORT),
  issuedAt: time,
  type: z
    .string()
    .regex(/^[a-z]+(?:[.-][a-z]+)*$/)
    .max(MAX_TYPE_CHARS),
  body: z.record(z.string(), z.unknown()),
  cert: z.string().max(MAX_STATEMENT_CHARS).optional(),
})

type OpFields = z.infer<typeof opFields>

/** One signed entry of a ledger. */
export interface Op extends Readonly<OpFields> {
  /** The statement itself; there is one spelling of it. */
  readonly text: string
  /** Sha256 of the text, in hex. */
  readonly hash: string
  /** Name of the operator who issued it; undefined for the admin. */
  readonly operator?: string | undefined
}

/** What tells one ledger from another. */
export interface OpScope {
  readonly mesh: string
  /** Public key of the mesh. */
  readonly adminKey: string
}

export function signOp(fields: Omit<OpFields, 'v' | 'author'>, key: SigningKey): Op {
  const signed: OpFields = { v: 1, author: key.publicKey, ...fields }
  const text = signStatement('op', signed, key)
  return { ...signed, text, hash: hashOf(text) }
}

/** Reads an op. Throws UNTRUSTED unless it is of this mesh, and signed by somebody who may issue it. */
export function openOp(text: string, scope: OpScope): Op {
  const { author } = peekStatement('op', text, z.object({ author: publicKey }))
  const fields = openStatement('op', text, author, opFields)
  if (fields.mesh !== scope.mesh)
    throw new WarrenError('UNTRUSTED', `the op is not accepted: it is of mesh ${fields.mesh}, and this is ${scope.mesh}`)
  const operator = operatorOf(fields, scope)
  return { ...fields, text, hash: hashOf(text), ...(operator && { operator: operator.name }) }
}

/** Public key of whoever an op says to be of, before that is proven. */
export function claimedAuthor(text: string): string | undefined {
  return peekAny('op', text, z.object({ author: publicKey }))?.author
}

/**
 * Whether the admin, or an operator, signed it for a newer Warren: then it cannot be read, and whoever brings it has not made it up.
 */
export function isOfNewerWarren(text: string, { adminKey }: OpScope): boolean {
  if (isNewer('op', text, adminKey)) return true
  const claimed = peekAny('op', text, z.object({ author: publicKey, cert: z.string() }))
  if (!claimed) return false
  try {
    return openOperatorCertificate(claimed.cert, adminKey).key === claimed.author && isNewer('op', text, claimed.author)
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) return false
    throw error
  }
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * The one order in which everybody sees ops: by Lamport time, so that whoever knew of another op comes after it; then by author
 * and hash, which are as good as any other choice as long as all make the same. It compares no clocks.
 */
export function inOrder(one: Op, other: Op): number {
  return one.lamport - other.lamport || compare(one.author, other.author) || compare(one.hash, other.hash)
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
