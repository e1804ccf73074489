import type { Libp2p } from '@libp2p/interface'
import type { Clock } from '../../clock.ts'
import type { PeerBook } from '../peer-book.ts'
import type { Shelf } from '../shelf.ts'
import { Inventories } from './inventories.ts'
import { InventoryServer } from './inventory-server.ts'
import { OwnInventory } from './own-inventory.ts'
import { answerInventory, openInventory } from './streams.ts'
import { Subscriptions } from './subscriptions.ts'

export interface InventoryExchangeComponents {
  readonly libp2p: Libp2p
  readonly book: PeerBook
  readonly shelf: Pick<Shelf, 'has' | 'holdings'>
  readonly clock: Clock
}

/** Tells neighbours what this node has, and keeps what they tell. */
export class InventoryExchange {
  readonly own: OwnInventory
  readonly inventories: Inventories
  readonly #libp2p: Libp2p
  readonly #book: PeerBook
  readonly #server: InventoryServer
  readonly #subscriptions: Subscriptions
  readonly #life = new AbortController()

  constructor({ libp2p, book, shelf, clock }: InventoryExchangeComponents) {
    const isSeed = (peer: string) => book.roleOf(peer) === 'seed'
    this.#libp2p = libp2p
    this.#book = book
    this.own = new OwnInventory({ shelf, clock, isCalm: () => book.usables('seed').length > 0 })
    this.inventories = new Inventories({ clock, isSeed })
    this.#server = new InventoryServer({ own: this.own, clock })
    this.#subscriptions = new Subscriptions({
      inventories: this.inventories,
      clock,
      open: (peer, signal) => openInventory(libp2p, peer, signal),
      candidates: () => book.serving(),
      isSeed,
    })
  }

  /** Whether every connected member hears of what this node has, so that nobody else has to be told. */
  get tellsAll(): boolean {
    return this.#libp2p.getPeers().every((peer) => this.#server.tells(peer.toString()))
  }

  /** Before the host starts, so that no member finds this node without it. */
  async start(): Promise<void> {
    await answerInventory(this.#libp2p, (peer, channel) => this.#server.serve(peer, channel, this.#life.signal))
    for (const event of ['connection:open', 'connection:close'] as const)
      this.#libp2p.addEventListener(event, () => this.#subscriptions.refresh())
    this.#libp2p.addEventListener('connection:close', () => this.own.hurry())
    this.own.start()
  }

  /** Looks after what is kept of members that are gone. */
  survey(): void {
    this.#subscriptions.refresh()
    this.inventories.prune((peer) => this.#book.isConnected(peer))
  }

  stop(): void {
    this.#life.abort(new Error('this node stops'))
    this.#subscriptions.stop()
    this.own.stop()
  }
}
