import type { Clock } from '../clock.ts'
import type { PeerBook } from './peer-book.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** Ms between looks at the members: round trips, and certificates that have ended. */
const SURVEY_INTERVAL = 10 * SECOND
/**
 * Ms between questions whether this node can be reached: while it can, while it cannot, and after nobody could tell, twice as long each
 * further time. Until it is known nobody hears of what this node has, and a job may be over in half a minute.
 */
const REACH_INTERVAL = 10 * MINUTE
const REACH_RETRY = 30 * SECOND
const REACH_UNTOLD = SECOND
/** Ms that a member has to run before others may rely on it for their look-ups: most CI jobs are over by then. */
const LONG_LIVED = 10 * MINUTE
/** With fewer nodes than this to keep DHT records, a young member does so as well: without any, nobody finds anything. */
const ENOUGH_SERVERS = 3

export interface UpkeepComponents {
  readonly clock: Clock
  readonly book: PeerBook
  /** Whether others can reach the blob port; undefined when nobody could tell. */
  askReach(signal: AbortSignal): Promise<boolean | undefined>
  /** Looks after connections and certificates. */
  survey(): void
  /** Other nodes that keep DHT records. */
  servers(): number
  /** From now on this node keeps DHT records for others. */
  becomeServer(): Promise<void>
  /** Whether this node can be reached has become known, or has changed. */
  onReachable(reachable: boolean): void
}

/** What has to be done again and again while a node is in a mesh. */
export class Upkeep {
  readonly #components: UpkeepComponents
  readonly #stop = new AbortController()
  readonly #startedAt: number
  #serving: boolean
  #reachable: boolean | undefined
  #met = Promise.withResolvers<void>()

  /** `serving`: whether it keeps DHT records already, or never is to. */
  constructor(components: UpkeepComponents, init: { serving: boolean }) {
    this.#components = components
    this.#serving = init.serving
    this.#startedAt = components.clock.now()
  }

  get reachable(): boolean | undefined {
    return this.#reachable
  }

  start(): void {
    for (const work of [this.#survey(), this.#watchReach()]) work.catch(() => {})
  }

  stop(): void {
    this.#stop.abort(new Error('stopping'))
    this.#met.resolve()
  }

  /** A first member is connected, so that there is somebody to ask. */
  met(): void {
    this.#met.resolve()
  }

  async #survey(): Promise<void> {
    const { clock, survey } = this.#components
    for (;;) {
      await clock.sleep(SURVEY_INTERVAL, this.#stop.signal)
      survey()
      await this.#serve()
    }
  }

  async #serve(): Promise<void> {
    const { clock, servers, becomeServer } = this.#components
    const isWanted = servers() < ENOUGH_SERVERS || clock.now() - this.#startedAt >= LONG_LIVED
    if (this.#serving || !isWanted || this.#reachable !== true) return
    this.#serving = true
    await becomeServer().catch(() => {
      this.#serving = false
    })
  }

  async #watchReach(): Promise<void> {
    const { clock, book, askReach, onReachable } = this.#components
    const { signal } = this.#stop
    for (let untold = 0; ; ) {
      if (book.connected === 0) {
        this.#met = Promise.withResolvers()
        await this.#met.promise
      }
      signal.throwIfAborted()
      const answer = await askReach(signal).catch(() => undefined)
      signal.throwIfAborted()
      if (answer !== undefined && answer !== this.#reachable) {
        this.#reachable = answer
        onReachable(answer)
        await this.#serve()
      }
      untold = answer === undefined ? untold + 1 : 0
      const retry = untold > 0 ? Math.min(REACH_UNTOLD * 2 ** (untold - 1), REACH_RETRY) : REACH_RETRY
      await clock.sleep(answer ? REACH_INTERVAL : retry, signal)
    }
  }
}
