import type { Ledger } from '../../ledger/ledger.ts'
import type { Op } from '../../ledger/op.ts'
import type { Admitted } from '../gate.ts'
import type { MemberGate } from '../member-gate.ts'
import type { PeerBook } from '../peer-book.ts'
import { LedgerExchange, type LedgerExchangeComponents } from './exchange.ts'
import type { OwnStanding } from './own-standing.ts'
import { Renewal, type RenewalComponents } from './renewal.ts'

export interface SharedLedgerComponents
  extends Omit<LedgerExchangeComponents, 'onAdded'>,
    Omit<RenewalComponents, 'onRenewed'> {
  readonly ledger: Ledger
  readonly gate: MemberGate
  readonly own: OwnStanding
  readonly book: PeerBook
  /** Ends what this node fetches from a member. */
  cutBlobs(peer: string): void
  /** Ends the sockets of those who fetch from this node and are not welcome any more. */
  cutSockets(isCut: (member: Admitted) => boolean): void
  /** Ends all connections with a member that was revoked. */
  hangUp(peer: string): void
  /** This node has become a seed. */
  onSeed(): void
}

/** The ledger of a node in a mesh: what is new is put into effect here, and then told to the others. */
export class SharedLedger {
  readonly #components: SharedLedgerComponents
  readonly #exchange: LedgerExchange
  readonly #renewal: Renewal

  constructor(components: SharedLedgerComponents) {
    this.#components = components
    this.#exchange = new LedgerExchange({ ...components, onAdded: (ops, from) => this.#added(ops, from) })
    this.#renewal = new Renewal({ ...components, onRenewed: (ops) => this.#added(ops) })
  }

  async start(): Promise<void> {
    await this.#exchange.start()
    this.#renewal.start()
  }

  stop(): void {
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

  /** Looks at what time changes: certificates end. */
  survey(): void {
    const { gate, own, cutSockets, clock, onSeed } = this.#components
    const now = clock.now()
    if (own.review()) onSeed()
    cutSockets((member) => (gate.current(member)?.notAfter ?? 0) < now)
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
  }
}
