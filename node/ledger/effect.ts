import { z } from 'zod'
import { isWarrenError } from '../errors.ts'
import { openSeedCertificate, peerId, publicKey, type SeedCertificate, ticketId } from '../trust/certificates.ts'
import { MAX_STATEMENT_CHARS } from '../trust/statement.ts'
import { MAX_KEPT_OPS, MAX_SCOPES } from './constants.ts'
import { type Op, type OpScope, opHash } from './op.ts'

/** What an op changes. Ops with the same subject are about the same thing, and the last one counts. */
export type Effect = { readonly subject: string } & (
  | { readonly kind: 'ticket revoked'; readonly ticket: string }
  | { readonly kind: 'seed revoked'; readonly peer: string }
  | { readonly kind: 'seed certified' | 'seed renewed'; readonly text: string; readonly certificate: SeedCertificate }
  | { readonly kind: 'operator revoked'; readonly operator: string; readonly keepsNone: boolean }
  | { readonly kind: 'ops kept'; readonly ops: readonly string[] }
  | { readonly kind: 'purged'; readonly scopes: readonly Json[] }
  | { readonly kind: 'package blocked'; readonly purl: string; readonly reason: string | undefined }
  | { readonly kind: 'package unblocked'; readonly purl: string }
  | { readonly kind: 'policy set'; readonly setting: string; readonly value: unknown }
  | { readonly kind: 'policy unset'; readonly setting: string }
  | { readonly kind: 'mirror set'; readonly name: string; readonly entry: Json | false }
  | { readonly kind: 'mirror unset'; readonly name: string }
)

type Json = Readonly<Record<string, unknown>>

const json = z.record(z.string(), z.unknown())
const purl = z.string().min(1).max(1_024)
const setting = z.enum(['allow', 'deny', 'minimumAge', 'minimumAgeExceptions'])
const mirrorName = z.string().min(1).max(64)

const bodies = {
  /** Members that joined by that ticket are cut off, for good. */
  'ticket.revoke': z.strictObject({ ticket: ticketId }),
  /** The peer is no seed any more, whatever certificate it has. */
  'seed.revoke': z.strictObject({ peer: peerId }),
  /** The peer is a seed; this also takes a revocation back. */
  'seed.certify': z.strictObject({ certificate: z.string().max(MAX_STATEMENT_CHARS) }),
  /**
   * The same certificate for longer. Of another subject than the two above: a node renews by itself, and must not undo a
   * revocation that it has not heard of.
   */
  'seed.renew': z.strictObject({ certificate: z.string().max(MAX_STATEMENT_CHARS) }),
  /**
   * No op of that operator counts, for good, but those that are named by `operator.keep`: a thief may date ops back. Not
   * even those with `void`: that it was a thief may come out when they have been kept.
   */
  'operator.revoke': z.strictObject({ operator: publicKey, void: z.literal(true).optional() }),
  /** These ops count, though their author is revoked. */
  'operator.keep': z.strictObject({ ops: z.array(opHash).min(1).max(MAX_KEPT_OPS) }),
  /** What falls under any of the scopes goes from all caches. What a scope is, whoever applies it knows (`node/purge`). */
  purge: z.strictObject({ scopes: z.array(json).min(1).max(MAX_SCOPES) }),
  /** Nobody gets these packages: a package URL as in `policy.deny`. */
  'policy.block': z.strictObject({ purl, reason: z.string().max(512).optional() }),
  /** Takes such a block back; what other layers deny stays denied. */
  'policy.unblock': z.strictObject({ purl }),
  /** A setting of the policy, as in the configuration, for all nodes. */
  'policy.set': z.strictObject({ setting, value: z.unknown() }),
  'policy.unset': z.strictObject({ setting }),
  /** A mirror as in the configuration, for all nodes; `false` takes a built-in one away. */
  'mirrors.set': z.strictObject({ name: mirrorName, entry: z.union([json, z.literal(false)]) }),
  'mirrors.unset': z.strictObject({ name: mirrorName }),
} as const

export type OpType = keyof typeof bodies

/** The bodies of ops, by type. */
export type OpBodies = { readonly [Type in OpType]: z.input<(typeof bodies)[Type]> }

/** Whether ops of a type are known here. */
export function isKnownType(type: string): type is OpType {
  return Object.hasOwn(bodies, type)
}

/** What an op does; undefined when its type is not known here, or its body not as this version has it: it is kept all the same. */
export function effectOf(op: Pick<Op, 'type' | 'body' | 'hash'>, scope: OpScope): Effect | undefined {
  if (!isKnownType(op.type)) return undefined
  return bodies[op.type].safeParse(op.body).success ? makers[op.type](op.body as never, op.hash, scope) : undefined
}

const makers: { readonly [Type in OpType]: (body: OpBodies[Type], hash: string, scope: OpScope) => Effect | undefined } = {
  'ticket.revoke': ({ ticket }) => ({ kind: 'ticket revoked', subject: `ticket ${ticket}`, ticket }),
  'seed.revoke': ({ peer }) => ({ kind: 'seed revoked', subject: `seed ${peer}`, peer }),
  'seed.certify': (body, _, scope) => certified('seed certified', 'seed', body.certificate, scope),
  'seed.renew': (body, _, scope) => certified('seed renewed', 'renewal', body.certificate, scope),
  // Of two subjects: neither stands for the other.
  'operator.revoke': ({ operator, void: keepsNone = false }) => {
    const subject = `operator ${operator}${keepsNone ? ' void' : ''}`
    return { kind: 'operator revoked', subject, operator, keepsNone }
  },
  'operator.keep': ({ ops }, hash) => ({ kind: 'ops kept', subject: `kept ${hash}`, ops }),
  // Each purge is of what was there when it came: none stands for another.
  purge: ({ scopes }, hash) => ({ kind: 'purged', subject: `purge ${hash}`, scopes }),
  'policy.block': (body) => ({ kind: 'package blocked', subject: `block ${body.purl}`, purl: body.purl, reason: body.reason }),
  'policy.unblock': (body) => ({ kind: 'package unblocked', subject: `block ${body.purl}`, purl: body.purl }),
  'policy.set': (body) => ({ kind: 'policy set', subject: `policy ${body.setting}`, setting: body.setting, value: body.value }),
  'policy.unset': (body) => ({ kind: 'policy unset', subject: `policy ${body.setting}`, setting: body.setting }),
  'mirrors.set': ({ name, entry }) => ({ kind: 'mirror set', subject: `mirror ${name}`, name, entry }),
  'mirrors.unset': ({ name }) => ({ kind: 'mirror unset', subject: `mirror ${name}`, name }),
}

function certified(
  kind: 'seed certified' | 'seed renewed',
  subject: string,
  text: string,
  { mesh, adminKey }: OpScope,
): Effect | undefined {
  try {
    const certificate = openSeedCertificate(text, adminKey)
    return certificate.mesh === mesh ? { kind, subject: `${subject} ${certificate.peer}`, text, certificate } : undefined
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) return undefined
    throw error
  }
}
