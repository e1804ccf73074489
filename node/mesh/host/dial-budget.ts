import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../clock.ts'
import { parseMeshAddress } from '../../member-address.ts'
import { isLinkLocal, isWildcard } from '../../tcp-address.ts'

const MINUTE = 60_000
/** Peers of which others told that are dialled a minute. */
const UNKNOWN_A_MINUTE = 60

export interface DialBudgetComponents {
  readonly clock: Clock
  /** Whether the peer has ever shown a good card. */
  isKnown(peer: string): boolean
}

/**
 * Which dials libp2p may make. One reply of the DHT may name hundreds of invented peers at the address of a victim, which every
 * member that asks would dial; so peers that nobody has met are dialled only so often, and never where no other machine is.
 * Dials that this node chose itself are not counted.
 */
export class DialBudget {
  readonly #components: DialBudgetComponents
  readonly #chosen = new Map<string, number>()
  #since = Number.NEGATIVE_INFINITY
  #dials = 0

  constructor(components: DialBudgetComponents) {
    this.#components = components
  }

  /** Asked by libp2p before it dials, first for the peer if it has one in mind, then for each of its addresses. */
  get gater(): ConnectionGater {
    return {
      denyDialPeer: (peer: PeerId) => !this.#mayDial(peer.toString()),
      denyDialMultiaddr: (address: Multiaddr) => !this.#isChosen(peerOf(address)) && isNowhere(address),
    }
  }

  /** Makes a dial that this node chose itself. */
  async choose<T>(address: string, dial: () => Promise<T>): Promise<T> {
    const peer = peerOf(multiaddr(address))
    if (peer === undefined) return dial()
    this.#chosen.set(peer, (this.#chosen.get(peer) ?? 0) + 1)
    try {
      return await dial()
    } finally {
      const left = (this.#chosen.get(peer) ?? 1) - 1
      if (left === 0) this.#chosen.delete(peer)
      else this.#chosen.set(peer, left)
    }
  }

  /** Whoever is dialled without a peer id was chosen: others tell of no address without one. */
  #isChosen(peer: string | undefined): boolean {
    return peer === undefined || this.#chosen.has(peer)
  }

  #mayDial(peer: string): boolean {
    const { clock, isKnown } = this.#components
    if (this.#isChosen(peer) || isKnown(peer)) return true
    const now = clock.now()
    if (now - this.#since >= MINUTE) {
      this.#since = now
      this.#dials = 0
    }
    return this.#dials++ < UNKNOWN_A_MINUTE
  }
}

function peerOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value
}

/** No address of another machine, or one that means something else on each. */
function isNowhere(address: Multiaddr): boolean {
  const parsed = parseMeshAddress(address.toString())
  return parsed !== undefined && (isLinkLocal(parsed) || isWildcard(parsed))
}
