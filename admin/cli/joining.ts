import { TICKET_VARIABLE } from '../../node/config/env.ts'
import { isWarrenError, WarrenError } from '../../node/errors.ts'
import { joinMesh, type Membership } from '../../node/trust/membership.ts'
import { MeshFolder } from '../../node/trust/mesh-folder.ts'
import { loadNodeKey } from '../../node/trust/node-key.ts'
import { type Role, type Standing, standingOf } from '../../node/trust/standing.ts'
import { decodeTicket, type Ticket, type TicketFacts, ticketFacts } from '../../node/trust/ticket.ts'
import { formatDay } from './format.ts'
import { type GivenSecret, secretVariable } from './secret-variable.ts'

export interface Joined {
  /** `kept`: what the node had is as good as what the ticket gives. */
  readonly outcome: 'joined' | 'renewed' | 'kept'
  readonly mesh: string
  readonly peer: string
  readonly role: Role
  /** Ms since the epoch. */
  readonly notAfter: number
}

/** Joins by the ticket in the environment; undefined when there is none. Throws as `joinByTicket`, and UsageError. */
export function joinFromEnvironment(data: string): Joined | undefined {
  const given = secretVariable(TICKET_VARIABLE)
  return given && joinByTicket(data, given)
}

/**
 * Makes the node on a data folder a member, or renews its certificate. A node that starts with the same ticket every day keeps
 * what it has, also when the ticket has expired and another one was better.
 *
 * Throws TICKET_INVALID, MESH_CONFLICT, MESH_UNREADABLE, SECRET_EXPOSED or STORE_UNUSABLE.
 */
export function joinByTicket(data: string, { text, where }: GivenSecret, now = Date.now()): Joined {
  const { ticket, facts } = read(text, where)
  const folder = new MeshFolder(data)
  const before = folder.membership()
  if (before && before.mesh !== facts.mesh)
    throw new WarrenError(
      'MESH_CONFLICT',
      `this node is in mesh ${before.mesh}, and the ticket is for mesh ${facts.mesh}; «warren mesh leave» takes it out of the one that it is in`,
    )
  const { peerId: peer } = loadNodeKey(data)
  const standing = before && standingIn(before, peer, now)
  if (standing?.role === 'seed' && facts.role === 'member')
    throw new WarrenError(
      'MESH_CONFLICT',
      'this node is a seed of the mesh, and the ticket would make it a member; «warren mesh ticket --role seed» makes one that renews it',
    )
  if (standing && isAsGood(standing, facts))
    return { outcome: 'kept', mesh: facts.mesh, peer, role: standing.role, notAfter: standing.notAfter }
  folder.writeMembership(named(where, () => joinMesh({ ticket, peer, now })))
  return { outcome: before ? 'renewed' : 'joined', mesh: facts.mesh, peer, role: facts.role, notAfter: facts.notAfter }
}

/** One line for people. */
export function joinedText({ outcome, mesh, role, notAfter }: Joined): string {
  const what = {
    joined: `has joined mesh ${mesh}`,
    renewed: `has renewed its certificate for mesh ${mesh}`,
    kept: `is in mesh ${mesh} already, and the ticket gives nothing better`,
  }[outcome]
  return `this node ${what}; it is a ${role} until ${formatDay(notAfter)}`
}

function read(text: string, where: string): { ticket: Ticket; facts: TicketFacts } {
  return named(where, () => {
    const ticket = decodeTicket(text)
    return { ticket, facts: ticketFacts(ticket) }
  })
}

/** Undefined for certificates that prove nothing any more. */
function standingIn({ chain, adminKey }: Membership, peer: string, now: number): Standing | undefined {
  try {
    return standingOf(chain, { adminKey, peer, now })
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) return undefined
    throw error
  }
}

function isAsGood(standing: Standing, facts: TicketFacts): boolean {
  return standing.role === facts.role && (standing.ticket === facts.id || standing.notAfter > facts.notAfter)
}

/** Whoever gave a ticket that is wrong should hear which. */
function named<T>(where: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (isWarrenError(error, 'TICKET_INVALID')) throw new WarrenError('TICKET_INVALID', `${where}: ${error.message}`)
    throw error
  }
}
