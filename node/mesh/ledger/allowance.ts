import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'

const MINUTE = 60_000
/** Names that are remembered. */
const MAX_NAMES = 2_000

/** How much of something each name may have: so much at once, and so much more with each minute. */
export class Allowance {
  readonly #clock: Clock
  readonly #most: number
  readonly #aMinute: number
  readonly #left = new LRUCache<string, { left: number; at: number }>({ max: MAX_NAMES })

  constructor(components: { readonly clock: Clock }, init: { readonly most: number; readonly aMinute: number }) {
    this.#clock = components.clock
    this.#most = init.most
    this.#aMinute = init.aMinute
  }

  left(name: string): number {
    return Math.floor(this.#exactly(name))
  }

  spend(name: string, amount: number): void {
    this.#left.set(name, { left: this.#exactly(name) - amount, at: this.#clock.now() })
  }

  /** With the fraction of one that has been gained. */
  #exactly(name: string): number {
    const known = this.#left.peek(name)
    if (!known) return this.#most
    // A clock that was set back gives nothing, and takes nothing.
    const gained = Math.max(0, this.#clock.now() - known.at) * (this.#aMinute / MINUTE)
    return Math.min(this.#most, known.left + gained)
  }
}
