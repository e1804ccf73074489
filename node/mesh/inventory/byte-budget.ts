import type { Clock } from '../../clock.ts'

/** Bytes of inventories that may pass at once between two members, in one direction: all of the largest, and some. */
const BURST = 12 << 20
/** Bytes a second afterwards: changes of some thousand keys. */
const RATE = 64 << 10
/** As so many bytes counts a message that has fewer: whoever answers at once that there is nothing new is asked again at once. */
const LEAST = 1 << 10

/** Holds back who has sent, or asked for, more than an inventory and its changes have. */
export class ByteBudget {
  readonly #clock: Clock
  #left = BURST
  #at: number

  constructor(components: { clock: Clock }) {
    this.#clock = components.clock
    this.#at = components.clock.now()
  }

  /** Resolves when there is room again for what has passed already. Rejects with the signal's reason. */
  async passed(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now()
    // A wall clock may be set back.
    this.#left = Math.min(BURST, this.#left + (Math.max(0, now - this.#at) * RATE) / 1_000) - Math.max(bytes, LEAST)
    this.#at = now
    if (this.#left < 0) await this.#clock.sleep(Math.ceil((-this.#left / RATE) * 1_000), signal)
  }
}
