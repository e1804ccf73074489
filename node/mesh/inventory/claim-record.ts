const MINUTE = 60_000

/** False claims after which an inventory is looked at: fewer may come from what was evicted a moment ago. */
const FALSE_CLAIMS = 16
/** Claims that are looked back upon; then all counts are halved. */
const WINDOW = 256
/** Ms that an inventory is ignored the first time; twice as long each further time. */
const IGNORED = 10 * MINUTE
const LONGEST_IGNORED = 24 * 60 * MINUTE

/** How true the claims of a member have proved, and whether it is believed. */
export class ClaimRecord {
  #right = 0
  #wrong = 0
  #times = 0
  #bad: { readonly until: number; readonly reason: string } | undefined

  /** Why, and until when (ms since the epoch), nothing is made of what it claims; undefined when it is believed. */
  bad(now: number): { readonly until: number; readonly reason: string } | undefined {
    return this.#bad && this.#bad.until > now ? this.#bad : undefined
  }

  right(): void {
    this.#right++
    this.#age()
  }

  /** @param now ms since the epoch */
  wrong(now: number): void {
    this.#wrong++
    if (this.#wrong >= FALSE_CLAIMS && this.#wrong > this.#right) {
      const all = this.#wrong + this.#right
      this.ignore(`of the last ${all} blobs that it said it has it lacked ${this.#wrong}`, now)
    }
    this.#age()
  }

  ignore(reason: string, now: number): void {
    const until = now + Math.min(IGNORED * 2 ** this.#times++, LONGEST_IGNORED)
    this.#bad = { until, reason }
    this.#right = 0
    this.#wrong = 0
  }

  /** Whether it makes no difference if all of this is forgotten. */
  isForgettable(now: number): boolean {
    return this.#bad === undefined || this.#bad.until + LONGEST_IGNORED < now
  }

  #age(): void {
    if (this.#right + this.#wrong < WINDOW) return
    this.#right >>= 1
    this.#wrong >>= 1
  }
}
