import type { Clock } from '../../node/clock.ts'

/** Share of a second whose bytes may go out at once: short enough to look steady, long enough for timers of a millisecond. */
const BURST_SECONDS = 0.05
/** Pieces of a limited body are so small that about fifty make a second, within these bounds in bytes. */
const PIECES_A_SECOND = 50
const SMALLEST_PIECE = 1024
const LARGEST_PIECE = 256 * 1024

/**
 * A token bucket that runs into debt: whoever takes more than there is waits until the debt is paid, so that the rate holds
 * however large the pieces are, and those who wait are served in the order in which they came.
 */
export class TokenBucket {
  readonly #clock: Clock
  readonly bytesPerSecond: number
  #tokens: number
  #at: number

  constructor(clock: Clock, bytesPerSecond: number) {
    if (!(bytesPerSecond > 0)) throw new RangeError(`a rate of ${bytesPerSecond} bytes a second is not above 0`)
    this.#clock = clock
    this.bytesPerSecond = bytesPerSecond
    this.#tokens = bytesPerSecond * BURST_SECONDS
    this.#at = clock.now()
  }

  /** The number of bytes worth taking at once. */
  get piece(): number {
    return Math.max(SMALLEST_PIECE, Math.min(LARGEST_PIECE, Math.floor(this.bytesPerSecond / PIECES_A_SECOND)))
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    this.#refill()
    this.#tokens -= bytes
    if (this.#tokens < 0) await this.#clock.sleep((-this.#tokens / this.bytesPerSecond) * 1000, signal)
  }

  #refill(): void {
    const now = this.#clock.now()
    const earned = (Math.max(0, now - this.#at) / 1000) * this.bytesPerSecond
    this.#tokens = Math.min(this.bytesPerSecond * BURST_SECONDS, this.#tokens + earned)
    this.#at = now
  }
}
