import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { Mesh } from '../mesh/mesh.ts'
import type { NameRecord, Store } from '../store/store.ts'
import { refusal } from './answer.ts'
import { isAtMember } from './at-member.ts'
import { COMPLETE_ENTRIES, COMPLETE_TTL, REACHED_TTL } from './constants.ts'
import type { Documents } from './documents.ts'
import { type Gap, Gaps } from './gaps.ts'
import type { Heads } from './heads.ts'
import type { Plan } from './plan.ts'

export interface CompletenessComponents {
  readonly store: Store
  readonly documents: Documents
  readonly heads: Heads
  readonly mesh: Mesh
  readonly clock: Clock
}

/** Ways to fill a document up that are tried, and parts of one that members are asked for. */
const MOST_GAPS = 4
const MOST_PARTS = 8

/**
 * Sees to it that no document goes out whose parts cannot be had. podman and skopeo choose a mirror when it answers the
 * manifest; a blob that it then does not have ends the pull, though another registry has everything.
 */
export class Completeness {
  readonly #components: CompletenessComponents
  /** When a blob was seen to have all its parts, was looked at, and an upstream seen to answer, in ms since the epoch. */
  readonly #complete = new LRUCache<string, number>({ max: COMPLETE_ENTRIES })
  readonly #looked = new LRUCache<string, number>({ max: COMPLETE_ENTRIES })
  readonly #reached = new LRUCache<string, number>({ max: COMPLETE_ENTRIES })

  constructor(components: CompletenessComponents) {
    this.#components = components
  }

  /** Upstream answered just now. */
  reached(base: string): void {
    this.#reached.set(base, this.#components.clock.now())
  }

  /** Looks anew at what is here. */
  clear(): void {
    this.#complete.clear()
    this.#looked.clear()
  }

  /** Whether nothing needs to be looked at for what is held under a key. */
  knows(record: NameRecord): boolean {
    return this.#isRecent(this.#complete.get(record.blob), COMPLETE_TTL)
  }

  /** Rejects with UPSTREAM_UNREACHABLE when parts of a held document are neither here nor to be had from anybody. */
  async check(plan: Plan, record: NameRecord, signal: AbortSignal): Promise<void> {
    if (this.knows(record)) return
    const isReached = this.#isRecent(this.#reached.get(plan.base), REACHED_TTL)
    // To look through a large index takes the time of many hits: only if it matters, or once in a while.
    if (isReached && this.#isRecent(this.#looked.get(record.blob), COMPLETE_TTL)) return
    this.#looked.set(record.blob, this.#components.clock.now())
    const document = plan.pointsTo ? plan.pointsTo(record.headers) : plan
    const gaps = document ? new Gaps(this.#components, plan.base).of(document, record.blob) : []
    if (gaps.length === 0) {
      this.#complete.set(record.blob, this.#components.clock.now())
      return
    }
    if (isReached) return
    const asked = gaps.slice(0, MOST_GAPS)
    const trouble = await this.#askUpstream(plan, asked, signal)
    if (trouble === undefined) return
    for (const gap of asked) if (await this.#isAtMembers(gap, signal)) return
    throw new WarrenError(
      'UPSTREAM_UNREACHABLE',
      `${plan.mirror}: parts that this names (${gaps[0]?.length}) are not here and cannot be had: ${reasonOf(trouble)}`,
      { cause: trouble },
    )
  }

  /** Undefined once upstream turns out to be there, and to have one of them: else why not. */
  async #askUpstream(plan: Plan, gaps: readonly Gap[], signal: AbortSignal): Promise<unknown> {
    let absent: unknown
    for (const [part] of gaps) {
      try {
        const response = await this.#components.heads.ask(part as Plan, signal)
        const no = response && response.status >= 400 ? refusal(part as Plan, response) : undefined
        // Whoever refuses a HEAD, or wants to know who asks, is there all the same.
        if (!isWarrenError(no, 'UPSTREAM_ABSENT', 'UPSTREAM_GONE', 'UPSTREAM_LEGAL')) {
          this.reached(plan.base)
          return undefined
        }
        absent = no
      } catch (error) {
        signal.throwIfAborted()
        return error
      }
    }
    return absent
  }

  async #isAtMembers(gap: Gap, signal: AbortSignal): Promise<boolean> {
    const { mesh, clock, heads } = this.#components
    if (gap.some((part) => heads.isPrivate(part))) return false
    // Who has the first of many layers, and the last ones, has all of them in all likelihood.
    const asked = gap.length <= MOST_PARTS ? gap : [...gap.slice(0, MOST_PARTS / 2), ...gap.slice(-MOST_PARTS / 2)]
    const found = await Promise.all(asked.map((part) => isAtMember({ mesh, clock }, part, signal)))
    return found.every((isThere) => isThere)
  }

  #isRecent(since: number | undefined, ttl: number): boolean {
    const age = since === undefined ? -1 : this.#components.clock.now() - since
    return age >= 0 && age < ttl
  }
}
