import type { Body } from '../body.ts'
import type { Finder } from './found.ts'
import type { Plan } from './plan.ts'

/** Fetched at the same time; waiting for that of one member, and of all. */
const AT_ONCE = 4
const MOST_EACH = 250
const MOST_WAITING = 4_000
/** Bytes that are read at a time, of what nobody but the store wants. */
const PIECE = 1 << 20

/** Who told of something. */
export interface Teller {
  /** Peer id. */
  readonly peer: string
  /** Whether anything more is to be done for it: asked before it is, and now and then meanwhile. */
  mayGoOn(): boolean
}

interface Told {
  readonly plan: Plan
  mayGoOn(): boolean
}

/** Has the cache keep what nobody here asked for: what members say that they have, one of each after the other. */
export class Intake {
  readonly #cache: Pick<Finder, 'get'>
  readonly #closing = new AbortController()
  /** By key for each member; whoever had its turn last comes last. */
  readonly #waiting = new Map<string, Map<string, Told>>()
  readonly #running = new Set<Promise<void>>()
  #count = 0

  constructor(components: { cache: Pick<Finder, 'get'> }) {
    this.#cache = components.cache
  }

  /** False where too much is waiting. */
  take(plan: Plan, { peer, mayGoOn }: Teller): boolean {
    const own = this.#waiting.get(peer) ?? new Map<string, Told>()
    if (this.#closing.signal.aborted || own.size >= MOST_EACH || this.#count >= MOST_WAITING) return false
    if (!own.has(plan.key)) this.#count++
    own.set(plan.key, { plan, mayGoOn })
    this.#waiting.set(peer, own)
    this.#next()
    return true
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('this node is stopping'))
    this.#waiting.clear()
    this.#count = 0
    await Promise.all(this.#running)
  }

  #next(): void {
    while (this.#running.size < AT_ONCE) {
      const told = this.#turn()
      if (!told) return
      const running = this.#keep(told).finally(() => {
        this.#running.delete(running)
        this.#next()
      })
      this.#running.add(running)
    }
  }

  #turn(): Told | undefined {
    for (const [peer, own] of this.#waiting) {
      this.#waiting.delete(peer)
      for (const [key, told] of own) {
        own.delete(key)
        this.#count--
        if (own.size > 0) this.#waiting.set(peer, own)
        return told
      }
    }
    return undefined
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
