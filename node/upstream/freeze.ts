import type { Clock } from '../clock.ts'
import { FREEZE_BASE, FREEZE_CAP, FREEZE_FLOOR, FREEZE_JITTER } from './constants.ts'

export interface FreezeComponents {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
}

/** The rest that an origin asked for by 429 or `Retry-After`. */
export class Freeze {
  readonly #components: FreezeComponents
  #from = 0
  #until = 0
  #streak = 0

  constructor(components: FreezeComponents) {
    this.#components = components
  }

  /** Ms since the epoch; 0 when there is no rest. */
  get until(): number {
    return this.remaining() > 0 ? this.#until : 0
  }

  /** Ms. */
  remaining(): number {
    const now = this.#components.clock.now()
    // A clock that was set back must not prolong the rest by as much.
    return now < this.#from ? 0 : Math.max(0, this.#until - now)
  }

  /** @param retryAfter Seconds that upstream asked for, if it said so. */
  start(retryAfter: number | undefined): void {
    const ms = retryAfter === undefined ? this.#guess() : Math.min(Math.max(retryAfter * 1000, FREEZE_FLOOR), FREEZE_CAP)
    if (ms === 0) return
    const jitter = ms * FREEZE_JITTER * this.#components.random()
    const left = this.remaining()
    this.#from = this.#components.clock.now()
    this.#until = this.#from + Math.max(left, ms + jitter)
  }

  /** Upstream answered again: the next guess starts from the beginning. */
  reset(): void {
    this.#streak = 0
  }

  #guess(): number {
    // Sixteen requests under way draw sixteen 429s at once: only one sent after the rest was over is a further one.
    if (this.remaining() > 0) return 0
    const ms = Math.min(FREEZE_BASE * 2 ** this.#streak, FREEZE_CAP)
    this.#streak++
    return ms
  }
}
