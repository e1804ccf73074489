import type { Sha256 } from '../digest.ts'
import { USED_ENTRIES } from './constants.ts'

const HOUR = 3_600_000

export interface LastUseComponents {
  /** Ms since the epoch. */
  now(): number
  /** So much was used that it should be written down before its time. Calls `take` at once. */
  onMany(): void
}

/**
 * In which hour each blob was used last, for eviction. A use costs one entry in a set; what is new in it is written down every few
 * minutes, each blob once an hour at most. A crash loses those minutes: a blob then looks a little colder than it is.
 */
export class LastUse {
  readonly #components: LastUseComponents
  /** Used since the last write. */
  #fresh = new Set<Sha256>()
  /** Written down in this hour. */
  readonly #written = new Set<Sha256>()
  #hour = 0

  constructor(components: LastUseComponents) {
    this.#components = components
  }

  /** On the way of every hit. */
  use(sha256: Sha256): void {
    this.#fresh.add(sha256)
    if (this.#fresh.size >= USED_ENTRIES) this.#components.onMany()
  }

  /** Whole hours since the epoch. */
  get hour(): number {
    return Math.floor(this.#components.now() / HOUR)
  }

  /** Whether it was used in this hour or the one before, as far as that is in memory. */
  isWarm(sha256: Sha256): boolean {
    return this.#fresh.has(sha256) || this.#written.has(sha256)
  }

  /** Blobs whose hour is to be written down now. They count as written. */
  take(): Sha256[] {
    const { hour } = this
    // Also when the clock was set back.
    if (hour !== this.#hour || this.#written.size >= USED_ENTRIES) this.#written.clear()
    this.#hour = hour
    const fresh = this.#fresh
    this.#fresh = new Set()
    const news = [...fresh].filter((sha256) => !this.#written.has(sha256))
    for (const sha256 of news) this.#written.add(sha256)
    return news
  }
}
