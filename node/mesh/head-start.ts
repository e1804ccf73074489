/** Ms that peers get before upstream is asked too, as long as nobody was measured, and the least that they ever get. */
const LEAST = 20
/** More would be felt by whoever waits for something that no peer has. */
const MOST = 50
/** Before an upstream that grants only so many requests: a second of waiting is cheaper than one of them. */
export const METERED_HEAD_START = 1_000
/** Answers that are looked back upon. */
const WINDOW = 64
/** Answers after which the figure is worked out anew. */
const REFRESH = 8
const SHARE = 0.9

/** How long peers take to their first byte, in ms: what nine of ten of the last answers took. */
export class HeadStart {
  readonly #taken: number[] = []
  #next = 0
  /** Undefined when there is something new to look at. */
  #value: number | undefined = LEAST

  get value(): number {
    this.#value ??= this.#observed()
    return this.#value
  }

  add(ms: number): void {
    this.#taken[this.#next] = ms
    this.#next = (this.#next + 1) % WINDOW
    // Sorting for each artifact would cost more than the figure is worth: it hardly moves.
    if (this.#next % REFRESH === 0 || this.#taken.length < REFRESH) this.#value = undefined
  }

  #observed(): number {
    const sorted = this.#taken.toSorted((one, other) => one - other)
    const observed = sorted[Math.ceil(sorted.length * SHARE) - 1] ?? LEAST
    return Math.min(MOST, Math.max(LEAST, Math.ceil(observed)))
  }
}
