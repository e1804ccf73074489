import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { WarrenError } from '../errors.ts'
import { isLinkLocal, isWildcard, parseTcpAddress, toHostPort } from '../tcp-address.ts'
import type { Membership } from '../trust/membership.ts'
import { type Standing, standingOf } from '../trust/standing.ts'
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
})

export interface MemberGateInit {
  readonly membership: Membership
  /** Peer id of this node. */
  readonly self: string
  /** Version of this software. */
  readonly version: string
  /** Where this node is. */
  readonly zone?: string | undefined
}

/** Lets in whoever has a certificate of this mesh, for as long as that lasts. */
export class MemberGate implements Gate {
  readonly #clock: Clock
  readonly #init: MemberGateInit
  /** Where this node hands out blobs; set once it listens. */
  blobs: readonly string[] = []

  constructor(components: { clock: Clock }, init: MemberGateInit) {
    this.#clock = components.clock
    this.#init = init
  }

  /** What this node's own certificate says. Throws UNTRUSTED when that has ended. */
  get standing(): Standing {
    return this.#standingOf(this.#init.membership.chain, this.#init.self)
  }

  card(): Buffer {
    const { membership, version, zone } = this.#init
    const blobs = this.blobs.slice(0, MAX_ADDRESSES)
    return Buffer.from(JSON.stringify({ v: 1, chain: membership.chain, version, blobs, zone }))
  }

  admit(peer: string, card: Buffer): Admitted {
    // Its own addresses come back to a node from many sides, and it is no other member.
    if (peer === this.#init.self) throw new WarrenError('UNTRUSTED', `${peer} is this node itself`)
    const reading = readVersioned(card.toString(), cardSchema)
    if (reading.problem !== undefined)
      throw new WarrenError('UNTRUSTED', `peer ${peer} showed a card that cannot be read: ${reading.problem}`)
    const { chain, version, blobs, zone } = reading.value
    const { role, notAfter } = this.#standingOf(chain, peer)
    return { peer, role, notAfter, version, blobs, zone }
  }

  #standingOf(chain: readonly string[], peer: string): Standing {
    return standingOf(chain, { adminKey: this.#init.membership.adminKey, peer, now: this.#clock.now() })
  }
}
