import type { Clock } from '../clock.ts'
import type { Sha256 } from '../digest.ts'
import { reasonOf } from '../errors.ts'
import type { Custody } from '../store/custody.ts'
import { abortable } from '../upstream/abortable.ts'
import {
  BUSY_SLOWDOWN,
  FASTEST_SCRUB,
  LEAST_CHECK,
  LONGEST_REST,
  MEMBER_PASS,
  SCRUB_DELAY,
  SCRUB_NOTE,
  SCRUB_PAGE,
  SEED_PASS,
  SLOWEST_SCRUB,
} from './constants.ts'
import { readProgress, type ScrubProgress, shareDone } from './scrub-progress.ts'

export interface ScrubberComponents {
  readonly custody: Pick<Custody, 'page' | 'check' | 'progress' | 'keepProgress' | 'busy'>
  readonly clock: Clock
  /** Bytes of all blobs. */
  bytes(): number
  /** Whether this node keeps for good what it has. */
  isSeed(): boolean
  trouble(what: string): void
}

export interface ScrubStatus {
  /** Share of this pass that is behind it, 0 to 1; null between two passes. */
  readonly progress: number | null
  /** When the pass before it ended, in ms since the epoch; null before the first end. */
  readonly lastEnded: number | null
  /** Blobs that this pass has looked at, and that were not right. */
  readonly blobs: number
  readonly bad: number
}

/**
 * Hashes all blobs again, one after the other in the order of their names, at a pace that leaves the disk to others: disks rot, and
 * nobody else looks at what nobody asks for. Goes on where it was after a restart.
 */
export class Scrubber {
  readonly #components: ScrubberComponents
  #progress: ScrubProgress
  #stop: AbortController | undefined
  #running: Promise<void> | undefined
  #notedAt = 0

  constructor(components: ScrubberComponents) {
    this.#components = components
    this.#progress = readProgress(components.custody.progress)
  }

  get status(): ScrubStatus {
    const { after, blobs, bad, last } = this.#progress
    return { progress: after === null ? null : shareDone(after), lastEnded: last?.ended ?? null, blobs, bad }
  }

  /** A blob was not right. */
  found(): void {
    if (this.#progress.after !== null) this.#progress = { ...this.#progress, bad: this.#progress.bad + 1 }
  }

  /** Idempotent. */
  start(): void {
    if (this.#stop) return
    this.#stop = new AbortController()
    this.#running = this.#run(this.#stop.signal).catch(() => {})
  }

  /** What is being hashed is given up. Idempotent. */
  async stop(): Promise<void> {
    this.#stop?.abort(new Error('the scrub ends'))
    await this.#running
    await this.#note()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, trouble } = this.#components
    await clock.sleep(SCRUB_DELAY, signal)
    for (;;) {
      try {
        await this.#rest(signal)
        await this.#pass(signal)
      } catch (error) {
        signal.throwIfAborted()
        trouble(`the scrub was interrupted: ${reasonOf(error)}`)
        await clock.sleep(SCRUB_DELAY, signal)
      }
    }
  }

  /** Waits until a pass is due. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { clock } = this.#components
    while (this.#progress.after === null) {
      const { began } = this.#progress
      const left = began + this.#times.every - clock.now()
      // A clock that was set back must not put it off for years.
      if (left > 0 && left <= this.#times.every) await clock.sleep(Math.min(left, LONGEST_REST), signal)
      else this.#progress = { ...this.#progress, after: '', began: clock.now(), blobs: 0, bad: 0 }
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { custody, clock } = this.#components
    for (let after: Sha256 | null = this.#progress.after; after !== null; ) {
      const { entries, last } = await custody.page(after, SCRUB_PAGE)
      for (const [sha256, { size }] of entries) {
        await this.#check(sha256, size, signal)
        this.#progress = { ...this.#progress, after: sha256, blobs: this.#progress.blobs + 1 }
      }
      after = last ?? null
      if (after !== null) this.#progress = { ...this.#progress, after }
      else this.#end()
      if (after === null || Math.abs(clock.now() - this.#notedAt) >= SCRUB_NOTE) await this.#note()
    }
  }

  async #check(sha256: Sha256, size: number, signal: AbortSignal): Promise<void> {
    const { custody, clock } = this.#components
    const rate = this.#rate
    await abortable(custody.check(sha256, rate, signal), signal)
    // A file of many slices has had its pauses between them.
    await clock.sleep((Math.min(Math.max(size, LEAST_CHECK), 4 * LEAST_CHECK) / rate) * 1_000, signal)
  }

  /** Bytes a second. */
  get #rate(): number {
    const { custody, bytes } = this.#components
    const wanted = bytes() / (this.#times.within / 1_000)
    return Math.min(Math.max(wanted, SLOWEST_SCRUB), FASTEST_SCRUB) / (custody.busy ? BUSY_SLOWDOWN : 1)
  }

  get #times(): { readonly within: number; readonly every: number } {
    return this.#components.isSeed() ? SEED_PASS : MEMBER_PASS
  }

  #end(): void {
    const { began, blobs, bad } = this.#progress
    this.#progress = { ...this.#progress, after: null, last: { began, ended: this.#components.clock.now(), blobs, bad } }
  }

  /** On a full disk it is not written down: a pass is then repeated in part. */
  async #note(): Promise<void> {
    this.#notedAt = this.#components.clock.now()
    await this.#components.custody.keepProgress(JSON.stringify(this.#progress)).catch(() => {})
  }
}
