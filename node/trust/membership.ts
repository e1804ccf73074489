import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { WarrenError } from '../errors.ts'
import {
  issueMemberCertificate,
  issueSeedCertificate,
  issueTicketCertificate,
  meshId,
  meshIdOf,
  publicKey,
  time,
} from './certificates.ts'
import { generateKey, keyFromSeed, type SigningKey } from './keys.ts'
import { type Role, standingOf } from './standing.ts'
import { MAX_STATEMENT_CHARS } from './statement.ts'
import { addressList, encodeTicket, MAX_ADDRESSES, secretBytes, type Ticket, ticketFacts } from './ticket.ts'

/** Ms that a seed certificate lasts: a year. */
export const SEED_LIFETIME = 365 * 24 * 60 * 60_000

/** What a node keeps of the mesh that it is in. The secret in it is one. */
export interface Membership {
  readonly v: 1
  readonly mesh: string
  /** Public key of the mesh. */
  readonly adminKey: string
  /** The mesh secret: 32 bytes in base64url. */
  readonly secret: string
  /** The own certificates, as `standingOf` takes them. */
  readonly chain: readonly string[]
  /** Where others of the mesh may be found first. */
  readonly addresses: readonly string[]
  /** Ms since the epoch. */
  readonly joinedAt: number
}

export const membershipSchema: z.ZodType<Membership> = z
  .strictObject({
    v: z.literal(1),
    mesh: meshId,
    adminKey: publicKey,
    secret: secretBytes,
    chain: z.array(z.string().max(MAX_STATEMENT_CHARS)).min(1).max(2).readonly(),
    addresses: addressList.readonly(),
    joinedAt: time,
  })
  .refine(({ mesh, adminKey }) => mesh === meshIdOf(adminKey), { path: ['mesh'] })

/** Whoever creates a mesh is its first seed. */
export function createMesh(init: { peer: string; addresses: readonly string[]; now: number }): {
  readonly membership: Membership
  readonly adminKey: SigningKey
} {
  const adminKey = generateKey()
  const mesh = meshIdOf(adminKey.publicKey)
  const certificate = issueSeedCertificate(
    { mesh, peer: init.peer, issuedAt: init.now, notAfter: init.now + SEED_LIFETIME },
    adminKey,
  )
  const membership: Membership = {
    v: 1,
    mesh,
    adminKey: adminKey.publicKey,
    secret: randomBytes(32).toString('base64url'),
    chain: [certificate],
    addresses: init.addresses.slice(0, MAX_ADDRESSES),
    joinedAt: init.now,
  }
  return { membership, adminKey }
}

export interface TicketInit {
  readonly adminKey: SigningKey
  readonly membership: Membership
  readonly role: Role
  /** Ms since the epoch. */
  readonly notAfter: number
  readonly now: number
  /** Where a joiner finds the mesh; those of the membership if left out. */
  readonly addresses?: readonly string[]
}

/**
 * A new ticket, encoded. Any number of machines may join with it until it ends.
 *
 * Throws MESH_CONFLICT for the admin key of another mesh, and TICKET_INVALID for a ticket that could not be used.
 */
export function issueTicket(init: TicketInit): string {
  const { adminKey, membership } = init
  if (adminKey.publicKey !== membership.adminKey) {
    const other = meshIdOf(adminKey.publicKey)
    throw new WarrenError(
      'MESH_CONFLICT',
      `the admin key is that of mesh ${other}, and this node is in mesh ${membership.mesh}`,
    )
  }
  if (!(init.notAfter > init.now)) throw new WarrenError('TICKET_INVALID', 'a ticket has to end in the future')
  const ticketKey = generateKey()
  const certificate = issueTicketCertificate(
    {
      mesh: membership.mesh,
      id: randomBytes(8).toString('hex'),
      key: ticketKey.publicKey,
      role: init.role,
      issuedAt: init.now,
      notAfter: init.notAfter,
    },
    adminKey,
  )
  const ticket: Ticket = {
    v: 1,
    adminKey: membership.adminKey,
    secret: membership.secret,
    addresses: (init.addresses ?? membership.addresses).slice(0, MAX_ADDRESSES),
    certificate,
    key: ticketKey.seed.toString('base64url'),
  }
  // A date that no certificate may have would only be found by whoever joins.
  ticketFacts(ticket)
  return encodeTicket(ticket)
}

/**
 * Joins by a ticket: the node signs its own certificate with the ticket key.
 *
 * Throws TICKET_INVALID for an expired ticket or one whose parts do not belong together.
 */
export function joinMesh(init: { ticket: Ticket; peer: string; now: number }): Membership {
  const { ticket, peer, now } = init
  const { mesh, id, notAfter } = ticketFacts(ticket)
  if (now > notAfter) {
    const date = new Date(notAfter).toISOString()
    throw new WarrenError('TICKET_INVALID', `the ticket expired at ${date}: ask the mesh's admin for a new one`)
  }
  const ticketKey = keyFromSeed(Buffer.from(ticket.key, 'base64url'))
  const chain = [ticket.certificate, issueMemberCertificate({ mesh, ticket: id, peer, issuedAt: now }, ticketKey)]
  // As all others will judge it: a node should not learn from strangers' silence that its certificate is of no use.
  standingOf(chain, { adminKey: ticket.adminKey, peer, now })
  return { v: 1, mesh, adminKey: ticket.adminKey, secret: ticket.secret, chain, addresses: ticket.addresses, joinedAt: now }
}
