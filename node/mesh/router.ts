import type { Digest } from '../digest.ts'
import type { DhtLookup } from './dht/lookup.ts'
import { shuffled } from './host/shuffled.ts'
import type { Inventories } from './inventory/inventories.ts'
import type { PeerBook } from './peer-book.ts'
import { RouterCounter } from './router-counts.ts'
import type { MemberWithBlob } from './whereabouts.ts'

/** Members that are asked on the mere guess that they have it; each wrong guess costs both sides a small request. */
const GUESSES = 2

export interface RouterComponents {
  readonly book: PeerBook
  readonly lookup: DhtLookup
  readonly inventories: Inventories
  /** Members that others told of and that are not connected, as far as they may be there. */
  unmet(): number
  readonly random?: () => number
}

/** A member that may have a blob, and why it is thought so. */
export interface Located {
  /** Peer id. */
  readonly peer: string
  readonly by: 'inventory' | 'guess' | 'dht' | 'referral'
}

/**
 * Who may have a blob. Neighbours have told what they have, and a member that has told so is asked for nothing else. Of one that has
 * not told yet it is a good guess that a machine that had the last artifacts of an installation has the next one as well. The DHT
 * is for the rest: finding something there costs a hundred times as much, and missing it more.
 */
export class Router {
  readonly counts = new RouterCounter()
  readonly #components: RouterComponents & { readonly random: () => number }

  constructor(components: RouterComponents) {
    this.#components = { random: Math.random, ...components }
  }

  /** Likeliest first, each member once; ends when nobody else is known. */
  async *locate(digest: Digest, signal: AbortSignal): AsyncGenerator<Located, void> {
    const { book, inventories } = this.#components
    const given = new Set<string>()
    const listing = this.listing(digest)
    this.counts.inventory[listing.length > 0 ? 'hit' : 'miss']++
    for (const peer of listing) {
      given.add(peer)
      yield { peer, by: 'inventory' }
    }
    for (const peer of book.warm(GUESSES, (id) => !inventories.knows(id))) {
      if (given.has(peer)) continue
      given.add(peer)
      yield { peer, by: 'guess' }
    }
    if (this.coversAll) this.counts.dht.spared++
    else yield* this.#named(digest, given, signal)
  }

  /** The first of `listing` among those that are fit for it. */
  nearest(digest: Digest, isFit: (peer: string) => boolean): string | undefined {
    return this.listing(digest).find(isFit)
  }

  /**
   * Members that list it and may be asked, in the order in which they should be: busy ones after the others, near ones first, seeds
   * last, since all ask them; then those to which there are connections.
   */
  listing(digest: Digest): string[] {
    const { book, inventories, random } = this.#components
    const listing = inventories.listing(digest).filter((peer) => book.usable(peer))
    if (listing.length < 2) return listing
    const rank = (peer: string) => {
      const last = Number(book.isBusy(peer)) * 8 + Number(!book.isNear(peer)) * 4
      return last + Number(book.roleOf(peer) === 'seed') * 2 + Number(!book.isWarm(peer))
    }
    // By chance among equals: a crowd that asks for the same must not ask the same one.
    return shuffled(listing, random).sort((one, other) => rank(one) - rank(other))
  }

  /** Whether every member that is known has told what it has, so that what none of them lists nobody has. */
  get coversAll(): boolean {
    const { book, inventories, unmet } = this.#components
    return unmet() === 0 && book.serving().every((peer) => inventories.isSettled(peer))
  }

  /** Whether nobody has what is known by these digests. */
  rulesOut(digests: readonly Digest[]): boolean {
    return this.coversAll && digests.every((digest) => this.listing(digest).length === 0)
  }

  /** Everybody who is said to have one of them, whether or not it would be asked: as `locate`, without guesses. */
  async whereabouts(digests: readonly Digest[], signal: AbortSignal): Promise<MemberWithBlob[]> {
    const { book, inventories, lookup } = this.#components
    const found = new Map<string, MemberWithBlob['by']>()
    for (const digest of digests) {
      const all = book.serving().filter((peer) => inventories.lists(peer, digest))
      for (const peer of [...this.listing(digest), ...all]) if (!found.has(peer)) found.set(peer, 'inventory')
      if (this.coversAll) continue
      try {
        for await (const peer of lookup.find(digest, signal)) if (!found.has(peer)) found.set(peer, 'dht')
      } catch {
        // What came until then is what is known.
      }
    }
    return [...found].map(([peer, by]) => {
      const { role = 'member', zone = null } = book.get(peer) ?? {}
      return { peer, role, zone, by, excluded: this.#excluded(peer) }
    })
  }

  #excluded(peer: string): string | null {
    const { book } = this.#components
    const known = book.get(peer)
    if (known?.quarantine) return `it is in quarantine: ${known.quarantine.reason}`
    if (book.pausedUntil(peer) > 0) return 'it could not be reached, or kept this node waiting, a moment ago'
    return known?.connected && !book.usable(peer) ? 'it hands out no blobs' : null
  }

  /** A member had what it was asked for. */
  had({ peer, by }: Located): void {
    if (by === 'inventory') this.#components.inventories.proved(peer)
    else if (by === 'guess') this.counts.guess.right++
  }

  /** A member did not have it. */
  lacked({ peer, by }: Located, digest: Digest): void {
    if (by === 'guess') this.counts.guess.wrong++
    if (by !== 'inventory') return
    this.counts.inventory.false++
    this.#components.inventories.disproved(peer, digest)
  }

  async *#named(digest: Digest, given: Set<string>, signal: AbortSignal): AsyncGenerator<Located, void> {
    let isHit = false
    for await (const peer of this.#components.lookup.find(digest, signal)) {
      if (!isHit) this.counts.dht.hit++
      isHit = true
      if (given.has(peer)) continue
      given.add(peer)
      yield { peer, by: 'dht' }
    }
    if (!isHit) this.counts.dht.miss++
  }
}
