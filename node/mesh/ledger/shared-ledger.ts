import { setTimeout } from 'node:timers/promises'
import { reasonOf } from '../../errors.ts'
import type { FreedBy } from '../../ledger/acknowledgement.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Op } from '../../ledger/op.ts'
import type { LedgerState } from '../../ledger/state.ts'
import type { Admitted } from '../gate.ts'
import type { MemberGate } from '../member-gate.ts'
import type { PeerBook } from '../peer-book.ts'
import { LedgerExchange, type LedgerExchangeComponents } from './exchange.ts'
import type { OwnStanding } from './own-standing.ts'
import { purgeMark } from './purge-mark.ts'
import { Renewal, type RenewalComponents } from './renewal.ts'

/** Ms between two heads of a seed. */
const HEAD_INTERVAL = 60_000
/** Ms that ops are gathered before this node acknowledges them. */
const GATHER = 100
/** Ms between two looks whether purges have ended. */
const PURGE_LOOK = 500
/** How many times as long as a change has kept the event loop the next one waits, at most ms: a stolen key can make each a large one. */
const REST = 3
const MAX_REST = 2_000
/** Ms that acknowledgements of others are gathered before a seed passes them on. */
const PASS_GATHER = 500

/** What a ledger means to the rest of a node: purges, what is blocked, mirrors. */
export interface LedgerEffects {
  /** Puts all of it into effect, also what was so before. Rejects with what could not be; it is tried again then. */
  apply(state: LedgerState): Promise<void>
  /** What the last purges have freed, the latest first, as far as they have ended. */
  freed(): readonly FreedBy[]
  /** Whether one is still under way. */
  readonly isPurging: boolean
}

export interface SharedLedgerComponents
  extends Omit<LedgerExchangeComponents, 'onAdded' | 'onHeard' | 'isSeed'>,
    Omit<RenewalComponents, 'onRenewed'> {
  readonly ledger: Ledger
  readonly gate: MemberGate
  readonly own: OwnStanding
  readonly book: PeerBook
  readonly effects: LedgerEffects
  /** Ends what this node fetches from a member. */
  cutBlobs(peer: string): void
  /** Ends the sockets of those who fetch from this node and are not welcome any more. */
  cutSockets(isCut: (member: Admitted) => boolean): void
  /** Ends all connections with a member that was revoked. */
  hangUp(peer: string): void
  /** This node has become a seed. */
  onSeed(): void
  /** A seed has said that this node knows the whole ledger, or what it has purged has changed. */
  onSettled(): void
}

/** The ledger of a node in a mesh: what is new is put into effect here, and then told to the others and acknowledged. */
export class SharedLedger {
  readonly #components: SharedLedgerComponents
  readonly #exchange: LedgerExchange
  readonly #renewal: Renewal
  readonly #stopped = new AbortController()
  /** One change after the other. */
  #applying: Promise<void> = Promise.resolve()
  /** The same while it has not begun: it sees all that is new by then. */
  #next: Promise<void> | undefined
  #rest: Promise<void> = Promise.resolve()
  #isTroubled = false
  #isTellingFreed = false
  #purges: string | undefined
  readonly #toPass = new Set<string>()
  #gathering: Promise<void> | undefined

  constructor(components: SharedLedgerComponents) {
    this.#components = components
    const onHeard = (peers: readonly string[]) => this.#heardOf(peers)
    const isSeed = () => components.own.role === 'seed'
    this.#exchange = new LedgerExchange({ ...components, isSeed, onHeard, onAdded: (ops, from) => this.#added(ops, from) })
    this.#renewal = new Renewal({ ...components, onRenewed: (ops) => this.#added(ops) })
  }

  /** Resolves once what is known so far is in effect, and members are answered. */
  async start(): Promise<void> {
    await this.#apply()
    await this.#exchange.start()
    this.#renewal.start()
    void this.#head().catch(() => {})
  }

  stop(): void {
    this.#stopped.abort(new Error('the mesh is closed'))
    this.#renewal.stop()
    this.#exchange.stop()
  }

  /** A member has come. */
  met(peer: string): void {
    this.#exchange.met(peer)
  }

  /** Another process may have written into the ledger. */
  refresh(): void {
    this.#added(this.#components.ledger.refresh())
  }

  /** Somebody showed an op by which this node was revoked. */
  heard(op: string): void {
    this.#added(this.#components.ledger.add([op]).added)
  }

  /** Takes an op that somebody signed, and tells everybody. Throws as `Ledger.relay`. */
  relay(text: string, check: (op: Op) => void): Op {
    const { ledger } = this.#components
    // What another process has just written is new to the others as well.
    this.refresh()
    const before = ledger.summary.digest
    const op = ledger.relay(text, check)
    if (ledger.summary.digest !== before) this.#added([op])
    return op
  }

  /** Has this node hear what others have acknowledged, for whoever looks on; one look at a time. */
  gather(): void {
    this.#gathering ??= this.#exchange.gather().finally(() => {
      this.#gathering = undefined
    })
  }

  /** As `Differing` has it. */
  differsSince(peer: string): number | undefined {
    return this.#exchange.differing.since(peer)
  }

  /** As `PeerClocks` has it. */
  get clockAhead(): number | undefined {
    return this.#exchange.clocks.ahead
  }

  /** Whether this node knows the ledger as it is now: by the word of a seed, or since it is one. */
  get isConfirmed(): boolean {
    const { own, acks } = this.#components
    return own.role === 'seed' || acks.isConfirmed
  }

  /**
   * Whether others may have what is here. Not while a seed is there that has not confirmed the ledger: this node may have been away when
   * something was purged. Without any seed nobody could confirm it; whoever has heard of a purge then takes nothing from those who have not.
   */
  get isSettled(): boolean {
    return this.isConfirmed || !this.#components.book.seeds().some(({ since }) => since !== undefined)
  }

  /** What this node has purged, as `purgeMark` has it; undefined while it has not been put into effect. */
  get purges(): string | undefined {
    return this.#purges
  }

  /** Has a member that has other purges hear of those here, and hears of its own; resolves when they may be the same. */
  async agree(peer: string): Promise<void> {
    const { ledger } = this.#components
    await this.#exchange.level(
      peer,
      ledger.state.inEffect('purged').map(({ op }) => op.hash),
    )
    await this.#applying
  }

  /** Looks at what time changes: certificates end. */
  survey(): void {
    const { gate, own, cutSockets, clock, onSeed } = this.#components
    const now = clock.now()
    if (own.review()) onSeed()
    cutSockets((member) => (gate.current(member)?.notAfter ?? 0) < now)
    if (this.#isTroubled) void this.#apply()
  }

  #added(ops: readonly Op[], from?: string): void {
    if (ops.length === 0) return
    const { gate, book, cutBlobs, hangUp, log } = this.#components
    for (const member of book.review((known) => gate.current(known))) {
      const { peer } = member
      log.info({ peer }, 'a member was revoked, and is cut off')
      cutBlobs(peer)
      void this.#exchange.dismiss(peer, gate.revocationOf(member)).finally(() => hangUp(peer))
    }
    this.survey()
    this.#exchange.spread(ops, from)
    void this.#apply()
  }

  #apply(): Promise<void> {
    const { ledger, effects, acks, log, onSettled } = this.#components
    this.#next ??= this.#applying.then(async () => {
      await this.#rest
      this.#next = undefined
      const begun = performance.now()
      const { digest } = ledger.summary
      const mark = purgeMark(ledger.state)
      try {
        const applied = effects.apply(ledger.state)
        this.#rest = this.#restFor(performance.now() - begun)
        await applied
      } catch (error) {
        this.#isTroubled = true
        log.error(`the ledger could not be put into effect, which is tried again: ${reasonOf(error)}`)
        return
      }
      this.#isTroubled = false
      this.#purges = mark
      // What came meanwhile is put into effect next.
      if (ledger.summary.digest === digest && acks.renew(false)) void this.#tellOwn()
      void this.#tellFreed().catch(() => {})
      onSettled()
    })
    this.#applying = this.#next
    return this.#applying
  }

  async #restFor(busy: number): Promise<void> {
    const rest = Math.min(Math.floor(REST * busy), MAX_REST)
    if (rest > 0) await setTimeout(rest, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => {})
  }

  async #tellOwn(): Promise<void> {
    await this.#components.clock.sleep(GATHER, this.#stopped.signal).catch(() => {})
    this.#exchange.pass([''], this.#components.own.role === 'seed' ? 'all' : 'seeds')
  }

  /** Once purges have ended others hear what that freed here. */
  async #tellFreed(): Promise<void> {
    const { effects, clock, acks } = this.#components
    if (this.#isTellingFreed || !effects.isPurging) return
    this.#isTellingFreed = true
    try {
      while (effects.isPurging) await clock.sleep(PURGE_LOOK, this.#stopped.signal)
      if (acks.renew(true)) await this.#tellOwn()
    } finally {
      this.#isTellingFreed = false
    }
  }

  #heardOf(peers: readonly string[]): void {
    const { own, clock, onSettled } = this.#components
    onSettled()
    if (own.role !== 'seed') return
    const isFirst = this.#toPass.size === 0
    for (const peer of peers) this.#toPass.add(peer)
    if (!isFirst) return
    void clock.sleep(PASS_GATHER, this.#stopped.signal).then(
      () => {
        this.#exchange.pass([...this.#toPass], 'seeds')
        this.#toPass.clear()
      },
      () => {},
    )
  }

  /** A seed says again and again which ledger is the whole one. */
  async #head(): Promise<void> {
    const { clock, own, acks } = this.#components
    for (;;) {
      await clock.sleep(HEAD_INTERVAL, this.#stopped.signal)
      if (own.role === 'seed' && !this.#isTroubled && acks.renew(true)) this.#exchange.pass([''], 'all')
    }
  }
}
