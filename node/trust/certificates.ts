import { createHash } from 'node:crypto'
import { z } from 'zod'
import { isPublicKey, publicKeyOfPeer, type SigningKey } from './keys.ts'
import { openStatement, signStatement } from './statement.ts'

/** The latest time that a Date can tell (ECMA-262 section 21.4.1.1). */
const MAX_TIME = 8_640_000_000_000_000

/** Hex characters of a mesh id. It names a mesh; the admin key, not this, is what proves. */
const MESH_ID_CHARS = 16

export const meshId = z.string().regex(/^[0-9a-f]{16}$/)
export const publicKey = z.string().refine(isPublicKey)
/** Ms since the epoch. */
export const time = z.int().min(0).max(MAX_TIME)
export const ticketId = z.string().regex(/^[0-9a-f]{16}$/)
export const peerId = z.string().refine((id) => publicKeyOfPeer(id) !== undefined)

/** Signed by the admin key: this peer is a seed. */
const seedCertificate = z.strictObject({ v: z.literal(1), mesh: meshId, peer: peerId, issuedAt: time, notAfter: time })

/** Signed by the admin key: whoever has the ticket key may let a peer of that role in. */
const ticketCertificate = z.strictObject({
  v: z.literal(1),
  mesh: meshId,
  id: ticketId,
  key: publicKey,
  role: z.enum(['member', 'seed']),
  issuedAt: time,
  notAfter: time,
})

/** Signed by a ticket key, which the joiner itself has: no more is believed than which ticket and which peer. */
const memberCertificate = z.strictObject({ v: z.literal(1), mesh: meshId, ticket: ticketId, peer: peerId, issuedAt: time })

/** What operators may change: purge caches, block packages and set the policy, set up mirrors. */
export const OPERATOR_SCOPES = ['purge', 'policy', 'mirrors'] as const

/** Signed by the admin key: whoever has that key may issue ops of that scope, for all of the mesh. */
const operatorCertificate = z.strictObject({
  v: z.literal(1),
  mesh: meshId,
  key: publicKey,
  name: z.string().regex(/^[\w.@+ -]{1,64}$/),
  scope: z.array(z.enum(OPERATOR_SCOPES)).min(1).max(OPERATOR_SCOPES.length),
  issuedAt: time,
  notAfter: time,
})

export type OperatorCertificate = z.infer<typeof operatorCertificate>
export type SeedCertificate = z.infer<typeof seedCertificate>
export type TicketCertificate = z.infer<typeof ticketCertificate>
export type MemberCertificate = z.infer<typeof memberCertificate>

/** The id of the mesh of an admin key. */
export function meshIdOf(adminKey: string): string {
  return createHash('sha256').update(adminKey, 'base64url').digest('hex').slice(0, MESH_ID_CHARS)
}

export function issueSeedCertificate(certificate: Omit<SeedCertificate, 'v'>, adminKey: SigningKey): string {
  return signStatement('seed', { v: 1, ...certificate }, adminKey)
}

export function issueTicketCertificate(certificate: Omit<TicketCertificate, 'v'>, adminKey: SigningKey): string {
  return signStatement('ticket', { v: 1, ...certificate }, adminKey)
}

export function issueMemberCertificate(certificate: Omit<MemberCertificate, 'v'>, ticketKey: SigningKey): string {
  return signStatement('member', { v: 1, ...certificate }, ticketKey)
}

/** Throws UNTRUSTED for a name or scope that nobody could read again. */
export function issueOperatorCertificate(certificate: Omit<OperatorCertificate, 'v'>, adminKey: SigningKey): string {
  const text = signStatement('operator', { v: 1, ...certificate }, adminKey)
  openOperatorCertificate(text, adminKey.publicKey)
  return text
}

/** Throws UNTRUSTED unless the owner of the admin key signed it. Looks at no dates. */
export function openOperatorCertificate(text: string, adminKey: string): OperatorCertificate {
  return openStatement('operator', text, adminKey, operatorCertificate)
}

/** Throws UNTRUSTED unless the owner of the admin key signed it. Looks at no dates. */
export function openSeedCertificate(text: string, adminKey: string): SeedCertificate {
  return openStatement('seed', text, adminKey, seedCertificate)
}

/** Throws UNTRUSTED unless the owner of the admin key signed it. Looks at no dates. */
export function openTicketCertificate(text: string, adminKey: string): TicketCertificate {
  return openStatement('ticket', text, adminKey, ticketCertificate)
}

/** Throws UNTRUSTED unless the owner of the ticket key signed it. */
export function openMemberCertificate(text: string, ticketKey: string): MemberCertificate {
  return openStatement('member', text, ticketKey, memberCertificate)
}
