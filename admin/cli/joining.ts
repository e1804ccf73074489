import { TICKET_VARIABLE } from '../../node/config/env.ts'
import { isWarrenError, WarrenError } from '../../node/errors.ts'
import { Ledger } from '../../node/ledger/ledger.ts'
import { joinMesh, type Membership } from '../../node/trust/membership.ts'
import { MeshFolder } from '../../node/trust/mesh-folder.ts'
import { loadNodeKey } from '../../node/trust/node-key.ts'
import { type Role, type Standing, type StandingInit, standingOf } from '../../node/trust/standing.ts'
import { decodeTicket, type Ticket, type TicketFacts, ticketFacts } from '../../node/trust/ticket.ts'
import { formatEnd } from './format.ts'
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

/**
 * Joins by the ticket in the environment; undefined when there is none. A secret that a system does not have arrives as an empty variable
 * or file: then it is told where. Throws as `joinByTicket`, and UsageError.
 */
export function joinFromEnvironment(data: string): Joined | { readonly outcome: 'none'; readonly where: string } | undefined {
  const given = secretVariable(TICKET_VARIABLE)
  if (given) return given.text === '' ? { outcome: 'none', where: given.where } : joinByTicket(data, given)
  return process.env[TICKET_VARIABLE] === '' ? { outcome: 'none', where: TICKET_VARIABLE } : undefined
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
  const state = before && ledgerOf(folder, before).state
  const standing = before && standingIn(before, { peer, now, revocations: state })
  if (standing && isAsGood(standing, facts))
    return { outcome: 'kept', mesh: facts.mesh, peer, role: standing.role, notAfter: standing.notAfter }
  if (state?.ticketRevocation(facts.id))
    throw new WarrenError('TICKET_INVALID', `${where}: ticket ${facts.id} was revoked: ask the mesh's admin for a new one`)
  if (facts.role === 'seed' && state?.seedRevocation(peer))
    throw new WarrenError(
      'MESH_CONFLICT',
      'this node was revoked as a seed: join with the ticket of a member, or have it made a seed again («warren seed add»)',
    )
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
  return `this node ${what}; it is a ${role} until ${formatEnd(notAfter, Date.now())}`
}

function read(text: string, where: string): { ticket: Ticket; facts: TicketFacts } {
  return named(where, () => {
    const ticket = decodeTicket(text)
    return { ticket, facts: ticketFacts(ticket) }
  })
}

/** Undefined for certificates that prove nothing any more. */
function standingIn({ chain, adminKey }: Membership, init: Omit<StandingInit, 'adminKey'>): Standing | undefined {
  try {
    return standingOf(chain, { adminKey, ...init })
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) return undefined
    throw error
  }
}

/** A seed that was a member before starts with its old ticket as long as that stands in its settings, and stays what it is. */
function isAsGood(standing: Standing, facts: TicketFacts): boolean {
  if (standing.role === 'seed' && facts.role === 'member') return true
  return standing.role === facts.role && (standing.ticket === facts.id || standing.notAfter > facts.notAfter)
}

function ledgerOf(folder: MeshFolder, { adminKey }: Membership): Ledger {
  const onTrouble = (message: string) => void process.stderr.write(`warren: warning: ${message}\n`)
  return new Ledger({ onTrouble }, { folder: folder.path, adminKey })
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
