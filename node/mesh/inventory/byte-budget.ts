import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'

/** Bytes of inventories that may pass at once between two members, in one direction: all of the largest, and some. */
const BURST = 12 << 20
/** Bytes a second afterwards: changes of some thousand keys. */
const RATE = 64 << 10
/** As so many bytes counts a message that has fewer: whoever answers at once that there is nothing new is asked again at once. */
const LEAST = 1 << 10

/** Members whose budgets are remembered. */
const MEMBERS = 2_000

/** Holds back who has sent, or asked for, more than an inventory and its changes have. */
class ByteBudget {
  readonly #clock: Clock
  #left = BURST
  #at: number

  constructor(components: { clock: Clock }) {
    this.#clock = components.clock
    this.#at = components.clock.now()
  }

  /** Resolves when there is room again for what has passed already. Rejects with the signal's reason. */
  async passed(bytes: number, signal: AbortSignal): Promise<void> {
    this.#left -= Math.max(bytes, LEAST)
    await this.ready(signal)
  }

  /** The same, before anything passes. */
  async ready(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now()
    // A wall clock may be set back.
    this.#left = Math.min(BURST, this.#left + (Math.max(0, now - this.#at) * RATE) / 1_000)
    this.#at = now
    if (this.#left < 0) await this.#clock.sleep(Math.ceil((-this.#left / RATE) * 1_000), signal)
  }
}

/** The budgets of all members. What one has spent it has spent, however often it begins a conversation anew. */
export class ByteBudgets {
  readonly #clock: Clock
  readonly #budgets = new LRUCache<string, ByteBudget>({ max: MEMBERS })

  constructor(components: { clock: Clock }) {
    this.#clock = components.clock
  }

  of(peer: string): ByteBudget {
    const known = this.#budgets.get(peer)
    if (known) return known
    const budget = new ByteBudget({ clock: this.#clock })
    this.#budgets.set(peer, budget)
    return budget
  }
}
