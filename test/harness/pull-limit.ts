import type { Clock } from '../../node/clock.ts'
import type { Headers } from './answer.ts'

/** How many pulls Docker Hub gives in a window of time. */
export class PullLimit {
  readonly #clock: Clock
  readonly #limit: number
  readonly #windowSeconds: number
  #pulls: number[] = []

  constructor(clock: Clock, limit: number, windowSeconds: number) {
    this.#clock = clock
    this.#limit = limit
    this.#windowSeconds = windowSeconds
  }

  /** Pulls that are left in this window. */
  get remaining(): number {
    const since = this.#clock.now() - this.#windowSeconds * 1000
    this.#pulls = this.#pulls.filter((at) => at > since)
    return this.#limit - this.#pulls.length
  }

  /** As they stand on every answer about a manifest, HEAD or GET. */
  get headers(): Headers {
    const window = `;w=${this.#windowSeconds}`
    return {
      'ratelimit-limit': `${this.#limit}${window}`,
      'ratelimit-remaining': `${this.remaining}${window}`,
      'docker-ratelimit-source': '127.0.0.1',
    }
  }

  /** Counts a pull; false when there is none left. */
  take(): boolean {
    if (this.remaining <= 0) return false
    this.#pulls.push(this.#clock.now())
    return true
  }

  /** Seconds until the oldest pull is forgotten, at least 1. */
  get retryAfter(): number {
    const oldest = this.#pulls[0] ?? this.#clock.now()
    return Math.max(1, Math.ceil((oldest - this.#clock.now()) / 1000) + this.#windowSeconds)
  }
}
