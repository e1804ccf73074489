import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { isWarrenError, WarrenError } from '../errors.ts'
import type { Op } from '../ledger/op.ts'
import type { LedgerState } from '../ledger/state.ts'
import { isLinkLocal, isWildcard, parseTcpAddress, toHostPort } from '../tcp-address.ts'
import type { Membership } from '../trust/membership.ts'
import { type Revocations, type Role, type Standing, standingOf } from '../trust/standing.ts'
import { MAX_STATEMENT_CHARS } from '../trust/statement.ts'
import { readVersioned } from '../trust/versioned.ts'
import { ZONE_NAME } from '../zone.ts'
import { type Admitted, type Gate, MAX_CARD_BYTES } from './gate.ts'

const MAX_ADDRESSES = 16

/** `host:port`. Never where the machine that dials would find something of its own: a wildcard, or a link-local address (clouds hand out credentials at one). */
const blobAddress = z.string().refine((text) => {
  const address = parseTcpAddress(text)
  if (!address || address.port === 0 || toHostPort(address) !== text) return false
  return !isWildcard(address) && !isLinkLocal(address)
})

/** Version 1 of what is shown; fields that this version does not know are passed over, so that later ones may add some. */
const cardSchema = z.object({
  v: z.literal(1),
  chain: z.array(z.string().max(MAX_CARD_BYTES)).min(1).max(2),
  version: z.string().regex(/^[\w.+-]{1,64}$/),
  blobs: z.array(blobAddress).max(MAX_ADDRESSES),
  zone: z.string().regex(ZONE_NAME).optional(),
  ephemeral: z.boolean().optional(),
})

/** What somebody gets to see whose card was revoked: the op that says so, which proves itself. */
const farewellSchema = z.object({ v: z.literal(1), revoked: z.string().max(MAX_STATEMENT_CHARS) })

export interface MemberGateComponents {
  readonly clock: Clock
  /** What the ledger says of members. */
  readonly state: Pick<LedgerState, 'ticketRevocation' | 'seedRevocation' | 'certificateOf'>
  /** Another member says that this node was revoked, by an op that is still to be judged. */
  onFarewell?(op: string): void
}

export interface MemberGateInit {
  readonly membership: Membership
  /** Peer id of this node. */
  readonly self: string
  /** Version of this software. */
  readonly version: string
  /** Where this node is. */
  readonly zone?: string | undefined
  /** Whether this node is here for one job. */
  readonly ephemeral?: boolean | undefined
}

/** Lets in whoever has a certificate of this mesh, for as long as that lasts. */
export class MemberGate implements Gate {
  readonly #components: MemberGateComponents
  readonly #init: MemberGateInit
  /** What this node is; replaced when it gets another certificate. */
  membership: Membership
  /** Where this node hands out blobs; set once it listens. */
  blobs: readonly string[] = []

  constructor(components: MemberGateComponents, init: MemberGateInit) {
    this.#components = components
    this.#init = init
    this.membership = init.membership
  }

  /** What this node's own certificate says. Throws UNTRUSTED when that has ended, or was revoked. */
  get standing(): Standing {
    return this.#standingOf(this.membership.chain, this.#init.self)
  }

  card(): Buffer {
    const { version, zone, ephemeral } = this.#init
    const blobs = this.blobs.slice(0, MAX_ADDRESSES)
    return Buffer.from(JSON.stringify({ v: 1, chain: this.membership.chain, version, blobs, zone, ephemeral }))
  }

  admit(peer: string, card: Buffer): Admitted {
    // Its own addresses come back to a node from many sides, and it is no other member.
    if (peer === this.#init.self) throw new WarrenError('UNTRUSTED', `${peer} is this node itself`)
    const text = card.toString()
    const farewell = readVersioned(text, farewellSchema)
    if (farewell.problem === undefined) {
      this.#components.onFarewell?.(farewell.value.revoked)
      throw new WarrenError('UNTRUSTED', `${peer} says that this node was revoked`)
    }
    const reading = readVersioned(text, cardSchema)
    if (reading.problem !== undefined)
      throw new WarrenError('UNTRUSTED', `peer ${peer} showed a card that cannot be read: ${reading.problem}`)
    const { chain, version, blobs, zone, ephemeral } = reading.value
    const { role, notAfter, ticket } = this.#shown(chain, peer)
    const admitted = { peer, role, notAfter, version, blobs, zone, ephemeral, ...(ticket !== undefined && { ticket }) }
    return this.current(admitted) ?? admitted
  }

  /** What a member is by the certificates that somebody else shows of it. Throws UNTRUSTED. */
  roleOf(chain: readonly string[], peer: string): Role {
    const { role, ticket, notAfter } = this.#shown(chain, peer)
    const now = this.current({ peer, role, notAfter, version: '', blobs: [], ...(ticket !== undefined && { ticket }) })
    if (now) return now.role
    throw new WarrenError('UNTRUSTED', `peer ${peer} was revoked`)
  }

  current(member: Admitted): Admitted | undefined {
    const { state } = this.#components
    const certified = this.#certifiedUntil(member.peer)
    if (certified !== undefined)
      return { ...member, role: 'seed', notAfter: member.role === 'seed' ? Math.max(member.notAfter, certified) : certified }
    if (member.ticket !== undefined && state.ticketRevocation(member.ticket)) return undefined
    return member.role === 'seed' && state.seedRevocation(member.peer) ? undefined : member
  }

  /** The op by which somebody was revoked, certificates by name apart. */
  revocationOf({ peer, ticket }: Pick<Admitted, 'peer' | 'ticket'>): Op | undefined {
    const { state } = this.#components
    return (ticket === undefined ? undefined : state.ticketRevocation(ticket)) ?? state.seedRevocation(peer)
  }

  farewell(peer: string, card: Buffer): Buffer | undefined {
    const reading = readVersioned(card.toString(), cardSchema)
    if (reading.problem !== undefined) return undefined
    try {
      const op = this.revocationOf(this.#standingOf(reading.value.chain, peer, null))
      return op ? Buffer.from(JSON.stringify({ v: 1, revoked: op.text })) : undefined
    } catch (error) {
      if (isWarrenError(error, 'UNTRUSTED')) return undefined
      throw error
    }
  }

  /** A seed that was away while it was renewed does not have its certificate yet, and others have it from the ledger. */
  #shown(chain: readonly string[], peer: string): Pick<Standing, 'role' | 'notAfter' | 'ticket'> {
    try {
      return this.#standingOf(chain, peer)
    } catch (error) {
      const notAfter = this.#certifiedUntil(peer)
      if (notAfter === undefined || !isWarrenError(error, 'UNTRUSTED')) throw error
      return { role: 'seed', notAfter, ticket: undefined }
    }
  }

  /** Undefined for whom no op makes a seed now. */
  #certifiedUntil(peer: string): number | undefined {
    const { state, clock } = this.#components
    const notAfter = state.certificateOf(peer)?.certificate.notAfter
    return notAfter !== undefined && notAfter >= clock.now() ? notAfter : undefined
  }

  /** `revocations`: null for a look past them. */
  #standingOf(chain: readonly string[], peer: string, revocations: Revocations | null = this.#components.state): Standing {
    const { adminKey } = this.membership
    return standingOf(chain, { adminKey, peer, now: this.#components.clock.now(), revocations: revocations ?? undefined })
  }
}
