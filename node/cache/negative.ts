import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { type ErrorCode, isWarrenError, WarrenError } from '../errors.ts'
import { NEGATIVE, NEGATIVE_BYTES } from './constants.ts'
import type { Plan } from './plan.ts'

interface No {
  readonly code: ErrorCode
  readonly message: string
  readonly since: number
  readonly ttl: number
}

/** Bytes that an entry takes beside its key and message. */
const ENTRY_OVERHEAD = 256

/**
 * Remembers for a short while what upstream said does not exist, and longer that it said so: while upstream is in trouble there is no
 * newer word. Trouble is never remembered here.
 */
export class NegativeCache {
  readonly #entries = new LRUCache<string, No>({
    maxSize: NEGATIVE_BYTES,
    sizeCalculation: ({ message }, key) => key.length + message.length + ENTRY_OVERHEAD,
  })
  readonly #clock: Clock
  readonly #nameTtl: number

  /** @param init.nameTtl ms that a 404 for a name counts */
  constructor(components: { clock: Clock }, init: { nameTtl: number }) {
    this.#clock = components.clock
    this.#nameTtl = init.nameTtl
  }

  get size(): number {
    return this.#entries.size
  }

  get(plan: Plan): WarrenError | undefined {
    const no = this.#entries.get(plan.key)
    if (!no) return undefined
    const age = this.#clock.now() - no.since
    // Below zero: the clock was set back, and the «no» must not count for all that time again.
    return age >= 0 && age < no.ttl ? new WarrenError(no.code, no.message) : undefined
  }

  /** Whether upstream's last word, within so many ms, was that there is no such thing. */
  lacked({ key }: Plan, within: number): boolean {
    const no = this.#entries.peek(key)
    if (no?.code !== 'UPSTREAM_ABSENT' && no?.code !== 'UPSTREAM_GONE') return false
    const age = this.#clock.now() - no.since
    return age >= 0 && age < within
  }

  /** Remembers `error` if it is an answer. */
  add(plan: Plan, error: unknown): void {
    if (!isWarrenError(error)) return
    const { code, message } = error
    const ttl = Math.min(this.#ttl(plan, code), plan.negative ?? Number.POSITIVE_INFINITY)
    if (ttl > 0) this.#entries.set(plan.key, { code, message, since: this.#clock.now(), ttl })
  }

  /** It exists after all. */
  delete(key: string): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  #ttl(plan: Plan, code: ErrorCode): number {
    switch (code) {
      case 'UPSTREAM_ABSENT':
        return plan.kind === 'immutable' ? Math.min(NEGATIVE.artifact, this.#nameTtl) : this.#nameTtl
      case 'UPSTREAM_GONE':
      case 'UPSTREAM_LEGAL':
        return NEGATIVE.gone
      case 'UPSTREAM_DENIED':
        return NEGATIVE.denied
      default:
        return 0
    }
  }
}
