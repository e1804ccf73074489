import type { Clock } from '../../clock.ts'

/** Names that are remembered at most. */
const MOST_MISSES = 4096

/** What nobody had a moment ago. */
export class MissMemory {
  readonly #clock: Clock
  readonly #span: number
  /** Name → when it was missed; the oldest first. */
  readonly #missed = new Map<string, number>()

  /** @param span ms that a miss is remembered */
  constructor(clock: Clock, span: number) {
    this.#clock = clock
    this.#span = span
  }

  add(name: string): void {
    this.#missed.delete(name)
    this.#missed.set(name, this.#clock.now())
    const [oldest] = this.#missed.keys()
    if (oldest !== undefined && this.#missed.size > MOST_MISSES) this.#missed.delete(oldest)
  }

  has(name: string): boolean {
    const time = this.#missed.get(name)
    if (time === undefined) return false
    // A wall clock may be set back.
    if (Math.abs(this.#clock.now() - time) < this.#span) return true
    this.#missed.delete(name)
    return false
  }

  forget(name: string): void {
    this.#missed.delete(name)
  }
}
