import type { Clock } from '../clock.ts'
import { BREAKER_BASE, BREAKER_CAP, BREAKER_THRESHOLD } from './constants.ts'

export interface BreakerComponents {
  readonly clock: Clock
}

/** Leaves an origin alone that fails all the time, and sends one probe now and then. */
export class Breaker {
  readonly #components: BreakerComponents
  #state: 'closed' | 'open' | 'half-open' = 'closed'
  #consecutive = 0
  #rest = BREAKER_BASE
  #from = 0
  #until = 0
  #since = 0
  #reason = ''

  constructor(components: BreakerComponents) {
    this.#components = components
  }

  get state(): 'closed' | 'open' | 'half-open' {
    return this.#state
  }

  /** Ms since the epoch until which the origin is left alone; 0 while closed. */
  get until(): number {
    return this.#state === 'closed' ? 0 : this.#until
  }

  /** When the trouble began, in ms since the epoch. */
  get since(): number {
    return this.#since
  }

  /** The failure that opened the breaker, or that of the last probe. */
  get reason(): string {
    return this.#reason
  }

  /** Asks whether a request may go; one that goes as the probe has to report back with `probe` set, or be abandoned. */
  admit(): 'go' | 'probe' | 'refuse' {
    if (this.#state === 'closed') return 'go'
    const now = this.#components.clock.now()
    // Before `from`: the clock was set back, which must not prolong the rest by as much.
    if (this.#state === 'half-open' || (now >= this.#from && now < this.#until)) return 'refuse'
    this.#state = 'half-open'
    return 'probe'
  }

  success(): void {
    this.#state = 'closed'
    this.#consecutive = 0
    this.#rest = BREAKER_BASE
  }

  /** True when this failure opened the breaker. */
  failure(reason: string, probe: boolean): boolean {
    if (this.#state !== 'closed') {
      // Requests that were sent before it opened say nothing about how the origin is now.
      if (!probe) return false
      this.#rest = Math.min(this.#rest * 2, BREAKER_CAP)
      this.#open(reason)
      return true
    }
    this.#consecutive++
    if (this.#consecutive < BREAKER_THRESHOLD) return false
    this.#since = this.#components.clock.now()
    this.#open(reason)
    return true
  }

  /** The probe ended without telling anything (its caller left): the next request is the probe. */
  abandon(): void {
    if (this.#state === 'half-open') this.#state = 'open'
  }

  #open(reason: string): void {
    this.#state = 'open'
    this.#reason = reason
    this.#from = this.#components.clock.now()
    this.#until = this.#from + this.#rest
  }
}
