import type { Clock } from '../../clock.ts'

/** Ms of its rate that may go out at once after a pause. */
const BURST = 100

/** Holds what goes out to so many bytes a second, all of it together. */
export class UploadRate {
  readonly #clock: Clock
  readonly #rate: number
  /** When all that was let through so far has had its time. */
  #due = 0
  #latest = 0

  /** @param init.rate bytes a second */
  constructor(components: { clock: Clock }, init: { rate: number }) {
    this.#clock = components.clock
    this.#rate = init.rate
  }

  /** Resolves when so many bytes may go out. */
  async pass(bytes: number): Promise<void> {
    const now = this.#clock.now()
    this.#due = this.#dueAt(now) + this.#msOf(bytes)
    if (this.#due > now) await this.#clock.sleep(this.#due - now)
  }

  /** Whether so many bytes may go out now, which counts as if they did. */
  fits(bytes: number): boolean {
    const now = this.#clock.now()
    const due = this.#dueAt(now)
    const fits = due <= now
    this.#due = fits ? due + this.#msOf(bytes) : due
    return fits
  }

  #dueAt(now: number): number {
    // A clock that was set back must not stop everything until it is as late again.
    const due = this.#due - Math.max(0, this.#latest - now)
    this.#latest = now
    return Math.max(due, now - BURST)
  }

  #msOf(bytes: number): number {
    return (bytes * 1_000) / this.#rate
  }
}
