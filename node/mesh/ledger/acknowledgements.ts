import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'
import { isWarrenError } from '../../errors.ts'
import {
  type Acknowledgement,
  type FreedBy,
  isNewerAcknowledgement,
  openAcknowledgement,
  shortHash,
  signAcknowledgement,
} from '../../ledger/acknowledgement.ts'
import { MAX_RECENT } from '../../ledger/constants.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { SigningKey } from '../../trust/keys.ts'
import type { Role } from '../../trust/standing.ts'

/** Nodes whose acknowledgements are remembered. */
const MAX_NODES = 2_000
/** Ops of which is remembered who has put them into effect: the last ones. */
const TRACKED_OPS = 256
/** Chains of certificates that were judged lately. */
const JUDGED = 500
/** Ms by which a seed's head may differ from this node's clock and still be one of now. */
const FRESH = 30 * 60_000

/** As members send it: what a node says, and by which certificates it is one of the mesh. */
export interface Said {
  readonly ack: string
  readonly chain: readonly string[]
}

interface Heard extends Said {
  /** In which order things were heard here. */
  readonly serial: number
  readonly peer: string
  readonly role: Role
  readonly parsed: Acknowledgement
}

export interface AcknowledgementsComponents {
  readonly ledger: Ledger
  readonly key: SigningKey
  readonly clock: Clock
  /** The own certificates. */
  chain(): readonly string[]
  /** What the last purges have freed here, the latest first. */
  freed(): readonly FreedBy[]
  /** What a chain proves of a peer. Throws UNTRUSTED. */
  judge(chain: readonly string[], peer: string): Role
}

/** Who has put which ops into effect, as each node says itself. */
export class Acknowledgements {
  readonly #components: AcknowledgementsComponents
  readonly #self: string
  readonly #heard = new LRUCache<string, Heard>({
    max: MAX_NODES,
    // Whoever has a ticket can make up nodes without end.
    dispose: (_, peer, reason) => {
      if (reason === 'evict') for (const applied of this.#appliedBy.values()) applied.delete(peer)
    },
  })
  readonly #roles = new LRUCache<string, Role>({ max: JUDGED, ttl: FRESH })
  /** By op: who has it. In the order in which ops came. */
  readonly #appliedBy = new Map<string, Set<string>>()
  #own: (Said & { readonly digest: string; readonly serial: number }) | undefined
  #serial = 0
  #issuedAt = 0
  #isConfirmed = false

  constructor(components: AcknowledgementsComponents, init: { readonly self: string }) {
    this.#components = components
    this.#self = init.self
  }

  /** What this node says; undefined before its ledger was put into effect. */
  get own(): Said | undefined {
    return this.#own
  }

  /** Whether a seed has said of late that the ledger of this node is the whole one. */
  get isConfirmed(): boolean {
    return this.#isConfirmed
  }

  /** The latest heads of seeds, for somebody who may know no seed. */
  heads(most: number): (Said & { readonly peer: string })[] {
    const seeds = [...this.#heard.values()].filter((heard) => this.#isSeed(heard))
    return seeds.sort((one, other) => other.parsed.issuedAt - one.parsed.issuedAt).slice(0, most)
  }

  /** What was heard here behind a serial number, this node's own among it, and up to which number that is. */
  after(serial: number, most: number): { readonly said: readonly Said[]; readonly serial: number } {
    const all = [...(this.#own ? [this.#own] : []), ...this.#heard.values()].filter((one) => one.serial > serial)
    const said = all.sort((one, other) => one.serial - other.serial).slice(0, most)
    return { said, serial: said.at(-1)?.serial ?? serial }
  }

  /** What a node said last. */
  of(peer: string): Said | undefined {
    return this.#heard.get(peer)
  }

  /** The ledger as it is now was put into effect here. Whether there is something new to be told. */
  renew(isDue: boolean): boolean {
    const { ledger, key, clock, chain, freed } = this.#components
    const { count, digest } = ledger.summary
    if (!isDue && this.#own?.digest === digest) return false
    const recent = ledger.live().slice(-MAX_RECENT).reverse()
    // Later than the one before, also where the clock was set back: of two the later one counts.
    this.#issuedAt = Math.max(clock.now(), this.#issuedAt + 1)
    const said = { mesh: ledger.scope.mesh, peer: this.#self, issuedAt: this.#issuedAt, count, digest }
    this.#own = {
      ack: signAcknowledgement({ ...said, recent: recent.map(({ hash }) => hash), freed: freed() }, key),
      chain: chain(),
      digest,
      serial: ++this.#serial,
    }
    this.#track()
    for (const heard of this.#heard.values()) this.#note(heard)
    return true
  }

  /**
   * Takes what a node said; the peer id of that node where it is new. What is of a node that is no member, for all that is known here, is
   * passed over: whoever brings it may know more. So is, where `bringer` is named, what neither that node says nor a seed. Throws UNTRUSTED
   * for what no node said.
   */
  take({ ack, chain }: Said, bringer?: string): string | undefined {
    const { ledger, clock } = this.#components
    const parsed = opened(ack, ledger.scope.mesh)
    if (!parsed) return undefined
    const { peer, issuedAt } = parsed
    const before = this.#heard.get(peer)?.parsed
    const isOld = before !== undefined && before.issuedAt >= issuedAt
    // Nobody may take another one's place for years by a date to come.
    if (peer === this.#self || isOld || issuedAt > clock.now() + FRESH) return undefined
    const role = this.#roleOf(chain, peer)
    if (!role || (bringer !== undefined && bringer !== peer && role !== 'seed')) return undefined
    const heard = { ack, chain, peer, role, parsed, serial: ++this.#serial }
    this.#heard.set(peer, heard)
    this.#note(heard)
    return peer
  }

  /** Peer ids of those who have put an op into effect, as far as is known; undefined for one of long ago. */
  appliedBy(hash: string): readonly string[] | undefined {
    const applied = this.#appliedBy.get(hash)
    if (applied) return [...applied]
    const { ledger } = this.#components
    // What was replaced before it came here was never live: whoever has the same live ops has put into effect what it came to.
    if (!this.#own || !ledger.has(hash) || ledger.get(hash)) return undefined
    const same = [...this.#heard.values()].filter(({ parsed }) => parsed.digest === ledger.summary.digest)
    return [this.#self, ...same.map(({ peer }) => peer)]
  }

  /** What a purge has freed at each node where it has ended, by peer id, as each says itself. */
  freedBy(hash: string): ReadonlyMap<string, Pick<FreedBy, 'blobs' | 'bytes'>> {
    const own = this.#components.freed().find(({ op }) => op === hash)
    const others = [...this.#heard.values()].flatMap(({ peer, parsed }) => {
      const freed = parsed.freed?.find(({ op }) => op === shortHash(hash))
      return freed ? [[peer, freed] as const] : []
    })
    return new Map([...(own ? [[this.#self, own] as const] : []), ...others])
  }

  #roleOf(chain: readonly string[], peer: string): Role | undefined {
    // Judged anew since somebody was revoked: who was a seed is believed no more.
    const name = `${this.#components.ledger.state.standings} ${peer} ${chain.join(' ')}`
    const known = this.#roles.get(name)
    if (known) return known
    try {
      const role = this.#components.judge(chain, peer)
      this.#roles.set(name, role)
      return role
    } catch (error) {
      if (isWarrenError(error, 'UNTRUSTED')) return undefined
      throw error
    }
  }

  #track(): void {
    const live = this.#components.ledger.live()
    for (const { hash } of live.slice(-TRACKED_OPS)) if (!this.#appliedBy.has(hash)) this.#appliedBy.set(hash, new Set())
    for (const hash of this.#appliedBy.keys()) {
      if (this.#appliedBy.size <= TRACKED_OPS) break
      this.#appliedBy.delete(hash)
    }
    for (const applied of this.#appliedBy.values()) applied.add(this.#self)
  }

  /** Whether whoever said it was a seed then, and still is. */
  #isSeed({ role, chain, peer }: Heard): boolean {
    return role === 'seed' && this.#roleOf(chain, peer) === 'seed'
  }

  #note(heard: Heard): void {
    const { ledger, clock } = this.#components
    const { parsed, peer } = heard
    const hasAll = parsed.digest === ledger.summary.digest
    for (const [hash, applied] of this.#appliedBy) if (hasAll || parsed.recent.includes(shortHash(hash))) applied.add(peer)
    if (hasAll && Math.abs(clock.now() - parsed.issuedAt) <= FRESH && this.#isSeed(heard)) this.#isConfirmed = true
  }
}

/** Undefined for what a newer Warren has signed. Throws UNTRUSTED. */
function opened(text: string, mesh: string): Acknowledgement | undefined {
  try {
    return openAcknowledgement(text, mesh)
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED') && isNewerAcknowledgement(text)) return undefined
    throw error
  }
}
