import type { RecordStore } from '../store/store.ts'
import type { Found, GetOptions } from './found.ts'
import { onBehalfOf, type Plan } from './plan.ts'

/** Documents fetched ahead at the same time: fewer than an upstream takes, since clients come first. */
const AT_ONCE = 6
/** Documents that wait for that; a graph of dependencies has hundreds, and what is left out is fetched when it is asked for. */
const MAX_WAITING = 1_000
/** Steps from what a client asked for, and documents in all: an index may name others without end, and a graph has some hundred. */
const MAX_DEPTH = 16
const MAX_NAMES = 500
/** Bytes of all of them; those on their way when that is reached come in addition. */
const MAX_BYTES = 64 << 20

export interface PrefetchComponents {
  readonly records: RecordStore
  get(plan: Plan, options: GetOptions): Promise<Found>
  /** Whether a client could have it, too: nothing else is asked of upstream. */
  mayFetch(plan: Plan): boolean
}

/** What may still be fetched because of one request of a client. */
interface Errand {
  readonly depth: number
  /** Shared by all that it leads to. */
  readonly budget: { names: number; bytes: number }
}

/**
 * Fetches what a client will ask for next, while it still reads what it has: resolvers ask for one document after the other, and
 * each would cost them a round trip to upstream.
 */
export class Prefetch {
  readonly #components: PrefetchComponents
  readonly #closing = new AbortController()
  readonly #waiting = new Map<string, Plan>()
  readonly #errands = new WeakMap<Plan, Errand>()
  readonly #running = new Set<Promise<void>>()

  constructor(components: PrefetchComponents) {
    this.#components = components
  }

  /** A document has come from upstream, and `facts` were found in it. */
  after(plan: Plan, facts: unknown): void {
    const { depth, budget } = this.#errands.get(plan) ?? { depth: 0, budget: { names: MAX_NAMES, bytes: MAX_BYTES } }
    if (!plan.prefetch || depth >= MAX_DEPTH) return
    for (const next of plan.prefetch(facts)) {
      if (this.#waiting.size >= MAX_WAITING || budget.names <= 0) break
      if (this.#waiting.has(next.key) || this.#components.records.get(next.key) || !this.#components.mayFetch(next)) continue
      budget.names--
      const ahead = onBehalfOf(plan, next)
      this.#errands.set(ahead, { depth: depth + 1, budget })
      this.#waiting.set(next.key, ahead)
    }
    while (this.#running.size < AT_ONCE && this.#waiting.size > 0) this.#start()
  }

  /** Idempotent. */
  async close(reason: unknown): Promise<void> {
    this.#waiting.clear()
    this.#closing.abort(reason)
    await Promise.all(this.#running)
  }

  #start(): void {
    const running = this.#work().finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #work(): Promise<void> {
    for (const [key, plan] of this.#waiting) {
      this.#waiting.delete(key)
      const budget = this.#errands.get(plan)?.budget
      if (!budget || budget.bytes <= 0) continue
      try {
        const { body } = await this.#components.get(plan, { signal: this.#closing.signal })
        budget.bytes -= body.size ?? 0
        body.close()
      } catch {
        // Whoever needs it asks itself, and hears why it cannot be had.
      }
    }
  }
}
