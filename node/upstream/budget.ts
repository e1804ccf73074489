import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { Headers } from '../wire/headers.ts'
import { LOW_BUDGET, MAX_BUDGET_SOURCE, MAX_ORIGINS } from './constants.ts'
import type { Budget } from './upstream.ts'

/** `100;w=21600`: requests and the seconds of their window (draft-ietf-httpapi-ratelimit-headers-03). */
const QUOTA = /^ *(\d{1,9}) *(?:; *w *= *(\d{1,9}))? *$/

/** The budgets of upstreams by origin. */
export class Budgets {
  readonly #clock: Clock
  readonly #byOrigin = new LRUCache<string, Budget>({ max: MAX_ORIGINS })

  constructor(components: { clock: Clock }) {
    this.#clock = components.clock
  }

  /** Learns from the headers of an answer; one without these headers says nothing, as those with blobs do. */
  learn(origin: string, headers: Headers): void {
    const [, limit, window] = QUOTA.exec(headers['ratelimit-limit'] ?? '') ?? []
    const [, remaining, ofRemaining] = QUOTA.exec(headers['ratelimit-remaining'] ?? '') ?? []
    const seconds = Number(window ?? ofRemaining ?? 0)
    if (limit === undefined || remaining === undefined || seconds === 0) return
    const source = headers['docker-ratelimit-source']?.trim()
    const left = Number(remaining)
    this.#byOrigin.set(origin, {
      limit: Number(limit),
      remaining: left,
      window: seconds,
      ...(source ? { source: source.slice(0, MAX_BUDGET_SOURCE) } : {}),
      at: this.#clock.now(),
      isLow: left <= Math.max(1, LOW_BUDGET * Number(limit)),
    })
  }

  /** Undefined: unlimited, or not known (any more). */
  of(origin: string): Budget | undefined {
    const budget = this.#byOrigin.get(origin)
    if (!budget) return undefined
    const age = this.#clock.now() - budget.at
    // What is beyond the window, or from before a clock was set back, says nothing about now.
    return age >= 0 && age < budget.window * 1000 ? budget : undefined
  }
}
