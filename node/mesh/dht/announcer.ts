import type { Clock } from '../../clock.ts'
import { type Digest, formatDigest } from '../../digest.ts'
import type { Shelf } from '../shelf.ts'
import { RECORD_VALIDITY } from './provider-store.ts'

export interface AnnouncerComponents {
  /** Tells the DHT; may take long and may reject. */
  provide(digest: Digest, signal: AbortSignal): Promise<void>
  readonly shelf: Pick<Shelf, 'has' | 'holdings'>
  readonly clock: Clock
}

export interface AnnouncerInit {
  /** Whether anybody needs to be told: not in a mesh so small that everybody asks this server directly. Asked again and again. */
  needed(): boolean
  /** Digests that wait at most; 10 000 by default. */
  readonly most?: number
}

/** Announcements under way at once, each of which asks and tells up to 20 servers. */
const CONCURRENCY = 2
/** Ms between two announcements. */
const PACE = 100
/** Ms that one may take. */
const PROVIDE_LIMIT = 10_000
/** Ms after which it is looked again whether announcing makes sense. */
const RECHECK = 5_000
/** Ms from one sweep to the next, and how many holdings one takes: what the pace allows in half of the time. */
const SWEEP_INTERVAL = RECORD_VALIDITY / 2
const SWEEP_MOST = 3_000

/**
 * Tells the DHT what this node has: what is new at once, and all holdings again and again before the records expire. At a pace
 * that leaves the machine to its user; what does not fit is found by those who ask this node, or from upstream.
 */
export class Announcer {
  /** Whether others could fetch here at all: its host switches it on once the blob port is dialable. */
  enabled = false
  readonly #components: AnnouncerComponents
  readonly #needed: () => boolean
  readonly #most: number
  /** What is new, the oldest first. */
  readonly #fresh = new Map<string, Digest>()
  /** What this sweep still has to tell. */
  #swept: Digest[] = []
  /** Where the last sweep stopped. */
  #holdings: AsyncIterator<Digest> | undefined
  #sending = 0
  #sent = 0
  #failed = 0
  #news = Promise.withResolvers<void>()
  #stop: AbortController | undefined

  constructor(components: AnnouncerComponents, { needed, most = 10_000 }: AnnouncerInit) {
    this.#components = components
    this.#needed = needed
    this.#most = most
  }

  /** Announcements that were made, that failed or took too long, and that wait. */
  get counts(): { sent: number; failed: number; waiting: number } {
    return { sent: this.#sent, failed: this.#failed, waiting: this.#fresh.size + this.#swept.length }
  }

  announce(digests: readonly Digest[]): void {
    for (const digest of digests) {
      const name = formatDigest(digest)
      this.#fresh.delete(name)
      this.#fresh.set(name, digest)
      const [oldest] = this.#fresh.keys()
      if (oldest !== undefined && this.#fresh.size > this.#most) this.#fresh.delete(oldest)
    }
    this.#news.resolve()
  }

  /** Idempotent. */
  start(): void {
    if (this.#stop) return
    this.#stop = new AbortController()
    const { signal } = this.#stop
    signal.addEventListener('abort', () => this.#news.resolve(), { once: true })
    this.#tell(signal).catch(() => {})
    this.#sweep(signal).catch(() => {})
  }

  /** Ends everything at once, also what is under way. Idempotent. */
  stop(): void {
    this.#stop?.abort()
    this.#stop = undefined
    this.#swept = []
    this.#holdings?.return?.().catch(() => {})
    this.#holdings = undefined
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { clock } = this.#components
    for (;;) {
      if (this.#sending >= CONCURRENCY || this.counts.waiting === 0) {
        this.#news = Promise.withResolvers()
        await this.#news.promise
        signal.throwIfAborted()
        continue
      }
      if (!this.#sensible) {
        await clock.sleep(RECHECK, signal)
        continue
      }
      const digest = this.#next()
      if (!digest) continue
      void this.#provide(digest, signal)
      await clock.sleep(PACE, signal)
    }
  }

  get #sensible(): boolean {
    return this.enabled && this.#needed()
  }

  /** What may have been evicted while it waited is not told. */
  #next(): Digest | undefined {
    const [first] = this.#fresh
    if (first) this.#fresh.delete(first[0])
    const digest = first ? first[1] : this.#swept.shift()
    return digest && this.#components.shelf.has(digest) ? digest : undefined
  }

  async #provide(digest: Digest, signal: AbortSignal): Promise<void> {
    const { provide, clock } = this.#components
    const over = new AbortController()
    const life = AbortSignal.any([signal, over.signal])
    this.#sending++
    try {
      const late = clock.sleep(PROVIDE_LIMIT, life).then(() => Promise.reject(new Error('took too long')))
      await Promise.race([provide(digest, life), late])
      this.#sent++
    } catch {
      this.#failed++
    } finally {
      over.abort()
      this.#sending--
      this.#news.resolve()
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#components
    for (;;) {
      while (!this.#sensible) await clock.sleep(RECHECK, signal)
      await this.#collect(signal)
      await clock.sleep(SWEEP_INTERVAL, signal)
    }
  }

  async #collect(signal: AbortSignal): Promise<void> {
    this.#holdings ??= this.#components.shelf.holdings()[Symbol.asyncIterator]()
    const holdings = this.#holdings
    try {
      while (this.#swept.length < SWEEP_MOST) {
        const { value, done } = await holdings.next()
        signal.throwIfAborted()
        if (done) throw new Error('all are told')
        this.#swept.push(value)
      }
    } catch {
      if (!signal.aborted) this.#holdings = undefined
    }
    this.#news.resolve()
  }
}
