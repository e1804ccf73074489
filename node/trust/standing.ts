import { WarrenError } from '../errors.ts'
import { meshIdOf, openMemberCertificate, openSeedCertificate, openTicketCertificate } from './certificates.ts'

/** What a member may be trusted with. Bytes from either are verified; names only ever come from a seed. */
export type Role = 'member' | 'seed'

/** What a chain of certificates proves of a peer. */
export interface Standing {
  readonly peer: string
  readonly role: Role
  /** Id of the ticket by which it joined; undefined for a seed that the admin key certified itself. */
  readonly ticket: string | undefined
  /** Ms since the epoch. */
  readonly notAfter: number
}

/** What was taken back. */
export interface Revocations {
  /** What revoked the ticket; undefined when nothing did. */
  ticketRevocation(ticket: string): unknown
  /** What revoked the peer as a seed, whatever made it one. */
  seedRevocation(peer: string): unknown
}

export interface StandingInit {
  /** Public key of the own mesh. */
  readonly adminKey: string
  /** The peer id that the channel has proven. */
  readonly peer: string
  /** Ms since the epoch. */
  readonly now: number
  /** None when left out. */
  readonly revocations?: Revocations | undefined
}

/**
 * Judges what a peer shows: a seed certificate, or a ticket certificate and a member certificate in this order.
 *
 * A member certificate lives as long as its ticket. Its own date proves nothing: the joiner signs it, and could date it back.
 *
 * Throws UNTRUSTED with the reason.
 */
export function standingOf(chain: readonly string[], init: StandingInit): Standing {
  const [first, second, ...more] = chain
  if (first === undefined || more.length > 0)
    throw untrusted(`a peer shows one certificate or two, and this one showed ${chain.length}`)
  const standing = second === undefined ? seedStanding(first, init) : memberStanding(first, second, init)
  const revoked = init.revocations && revocationOf(standing, init.revocations)
  if (revoked) throw untrusted(revoked)
  return standing
}

/** Why a standing does not count any more, in a sentence; undefined while it does. */
function revocationOf({ peer, role, ticket }: Standing, revocations: Revocations): string | undefined {
  if (ticket !== undefined && revocations.ticketRevocation(ticket)) return `ticket ${ticket} was revoked`
  return role === 'seed' && revocations.seedRevocation(peer) ? `${peer} was revoked as a seed` : undefined
}

function seedStanding(text: string, init: StandingInit): Standing {
  const seed = openSeedCertificate(text, init.adminKey)
  checkMesh('seed', seed.mesh, init)
  checkPeer('seed', seed.peer, init)
  checkDate('seed', seed.notAfter, init)
  return { peer: seed.peer, role: 'seed', ticket: undefined, notAfter: seed.notAfter }
}

function memberStanding(ticketText: string, memberText: string, init: StandingInit): Standing {
  const ticket = openTicketCertificate(ticketText, init.adminKey)
  const member = openMemberCertificate(memberText, ticket.key)
  checkMesh('ticket', ticket.mesh, init)
  checkMesh('member', member.mesh, init)
  if (member.ticket !== ticket.id)
    throw untrusted(`the member certificate names ticket ${member.ticket}, and the ticket shown with it is ${ticket.id}`)
  checkPeer('member', member.peer, init)
  checkDate('ticket', ticket.notAfter, init)
  return { peer: member.peer, role: ticket.role, ticket: ticket.id, notAfter: ticket.notAfter }
}

function checkMesh(kind: string, mesh: string, { adminKey }: StandingInit): void {
  const own = meshIdOf(adminKey)
  if (mesh !== own) throw untrusted(`the ${kind} certificate is for mesh ${mesh}, and this is ${own}`)
}

function checkPeer(kind: string, certified: string, { peer }: StandingInit): void {
  if (certified !== peer) throw untrusted(`the ${kind} certificate is for ${certified}, and ${peer} showed it`)
}

function checkDate(kind: string, notAfter: number, { now }: StandingInit): void {
  if (now > notAfter) throw untrusted(`the ${kind} certificate expired at ${new Date(notAfter).toISOString()}`)
}

function untrusted(reason: string): WarrenError {
  return new WarrenError('UNTRUSTED', reason)
}
