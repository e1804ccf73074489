import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** Ms that a member is not asked, for any blob, after it could not be reached; twice as long after each further time. */
const PAUSE = SECOND
const LONGEST_PAUSE = 5 * MINUTE
/** The same, after it began to send a blob and did not get on with it; and ms after which that is forgotten. */
const STALL_PAUSE = 5 * SECOND
const STALL_FORGOTTEN = 60 * MINUTE
/** Failures in a row after which a new connection no longer ends a pause. */
const MANY_FAILURES = 3

interface Until {
  readonly times: number
  /** Ms since the epoch. */
  readonly until: number
}

/** Members that failed or kept us waiting, and until when each is left alone; also ones that were never met. */
export class Pauses {
  readonly #clock: Clock
  readonly #failures: LRUCache<string, Until>
  readonly #stalls: LRUCache<string, Until>

  /** @param init.max members that are remembered; those longest ago go first */
  constructor(components: { clock: Clock }, init: { readonly max: number }) {
    this.#clock = components.clock
    this.#failures = new LRUCache(init)
    this.#stalls = new LRUCache(init)
  }

  /** It could not be reached, or broke off. */
  failed(id: string): void {
    const times = this.#failures.get(id)?.times ?? 0
    this.#failures.set(id, next(times, PAUSE, this.#clock.now()))
  }

  /**
   * It began to send a blob and did not get on with it. To begin well is no excuse the next time: whoever says that it has everything, and
   * then keeps all waiting, would cost each fetch some seconds.
   */
  stalled(id: string): void {
    const now = this.#clock.now()
    const { times, until } = this.#stalls.get(id) ?? { times: 0, until: 0 }
    // What else it was sending stalled at the same time.
    if (isAhead(until, now)) return
    this.#stalls.set(id, next(now - until > STALL_FORGOTTEN ? 0 : times, STALL_PAUSE, now))
  }

  /** It had what was asked for. */
  answered(id: string): void {
    this.#failures.delete(id)
  }

  /** It can be spoken to again, wherever it was before. Whoever fails again and again does not get around its pause like that. */
  cameBack(id: string): void {
    if ((this.#failures.get(id)?.times ?? 0) < MANY_FAILURES) this.#failures.delete(id)
  }

  /** Whether it failed and has not answered since. */
  isDoubtful(id: string): boolean {
    return this.#failures.has(id)
  }

  /** Until when it is left alone, in ms since the epoch; 0 when it is not. */
  until(id: string): number {
    const until = Math.max(this.#failures.get(id)?.until ?? 0, this.#stalls.get(id)?.until ?? 0)
    return isAhead(until, this.#clock.now()) ? until : 0
  }
}

function next(times: number, first: number, now: number): Until {
  return { times: times + 1, until: now + Math.min(first * 2 ** times, LONGEST_PAUSE) }
}

/** Whether a pause is not over yet. A clock that was set back must not make hours of a second. */
function isAhead(until: number, now: number): boolean {
  return until > now && until - now <= LONGEST_PAUSE
}
