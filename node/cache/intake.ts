import type { Body } from '../body.ts'
import type { Finder } from './found.ts'
import type { Plan } from './plan.ts'

/** Fetched at the same time, and waiting for that. */
const AT_ONCE = 4
const MOST_WAITING = 1_000
/** Bytes that are read at a time, of what nobody but the store wants. */
const PIECE = 1 << 20

/** What was told, and whether there is still to be anything done about it. */
interface Told {
  readonly plan: Plan
  mayGoOn(): boolean
}

/** Has the cache keep what nobody here asked for: what members say that they have. */
export class Intake {
  readonly #cache: Pick<Finder, 'get'>
  readonly #closing = new AbortController()
  readonly #waiting = new Map<string, Told>()
  readonly #running = new Set<Promise<void>>()

  constructor(components: { cache: Pick<Finder, 'get'> }) {
    this.#cache = components.cache
  }

  /** False where too much is waiting. @param mayGoOn asked before it is fetched, and now and then while it comes */
  take(plan: Plan, mayGoOn: () => boolean): boolean {
    if (this.#closing.signal.aborted || this.#waiting.size >= MOST_WAITING) return false
    this.#waiting.set(plan.key, { plan, mayGoOn })
    this.#next()
    return true
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('this node is stopping'))
    this.#waiting.clear()
    await Promise.all(this.#running)
  }

  #next(): void {
    for (const [key, told] of this.#waiting) {
      if (this.#running.size >= AT_ONCE) return
      this.#waiting.delete(key)
      const running = this.#keep(told).finally(() => {
        this.#running.delete(running)
        this.#next()
      })
      this.#running.add(running)
    }
  }

  async #keep({ plan, mayGoOn }: Told): Promise<void> {
    const { signal } = this.#closing
    if (!mayGoOn()) return
    try {
      const { body } = await this.#cache.get(plan, { signal })
      await drain(body, () => !signal.aborted && mayGoOn())
    } catch {
      // Whoever wants it will ask for it.
    }
  }
}

/** To its end: a flight that has no reader does not bring a large rest. */
async function drain(body: Body, mayGoOn: () => boolean): Promise<void> {
  const piece = Buffer.allocUnsafe(PIECE)
  try {
    for (let at = 0; mayGoOn(); ) {
      const bytes = await body.read(at, PIECE, () => piece)
      if (bytes.length === 0) return
      at += bytes.length
    }
  } finally {
    body.close()
  }
}
