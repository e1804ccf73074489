import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { reasonOf, WarrenError } from '../errors.ts'
import type { Mesh } from '../mesh/mesh.ts'
import type { NameRecord, Store } from '../store/store.ts'
import { refusal } from './answer.ts'
import { isAtMember } from './at-member.ts'
import { COMPLETE_ENTRIES, COMPLETE_TTL, REACHED_TTL } from './constants.ts'
import type { Documents } from './documents.ts'
import type { Heads } from './heads.ts'
import { heldBlob } from './links.ts'
import type { Plan } from './plan.ts'

export interface CompletenessComponents {
  readonly store: Store
  readonly documents: Documents
  readonly heads: Heads
  readonly mesh: Mesh
  readonly clock: Clock
}

/** Documents that name documents that name documents: an index of indexes is the deepest that is known. */
const DEPTH = 4

/**
 * Sees to it that no document goes out whose parts cannot be had. podman and skopeo choose a mirror when it answers the
 * manifest; a blob that it then does not have ends the pull, though another registry has everything.
 */
export class Completeness {
  readonly #components: CompletenessComponents
  /** When a blob was seen to have all its parts, and an upstream to answer, in ms since the epoch. */
  readonly #complete = new LRUCache<string, number>({ max: COMPLETE_ENTRIES })
  readonly #reached = new LRUCache<string, number>({ max: COMPLETE_ENTRIES })

  constructor(components: CompletenessComponents) {
    this.#components = components
  }

  /** Upstream answered just now. */
  reached(base: string): void {
    this.#reached.set(base, this.#components.clock.now())
  }

  /** Whether nothing needs to be looked at for what is held under a key. */
  knows(record: NameRecord): boolean {
    return this.#isRecent(this.#complete.get(record.blob), COMPLETE_TTL)
  }

  /** Rejects with UPSTREAM_UNREACHABLE when parts of a held document are neither here nor to be had from anybody. */
  async check(plan: Plan, record: NameRecord, signal: AbortSignal): Promise<void> {
    if (this.knows(record)) return
    const document = plan.pointsTo ? plan.pointsTo(record.headers) : plan
    const missing = document ? this.#missing(document, record.blob, DEPTH) : []
    if (missing.length === 0) {
      this.#complete.set(record.blob, this.#components.clock.now())
      return
    }
    if (this.#isRecent(this.#reached.get(plan.base), REACHED_TTL)) return
    const trouble = await this.#askUpstream(missing[0] as Plan, signal)
    if (trouble === undefined) return this.reached(plan.base)
    if (await this.#areAtMembers(missing, signal)) return
    throw new WarrenError(
      'UPSTREAM_UNREACHABLE',
      `${plan.mirror}: ${missing.length} of the parts that this names are not here, and upstream cannot be asked: ${reasonOf(trouble)}`,
      { cause: trouble },
    )
  }

  /** What would have to be fetched for a document to be of use. */
  #missing(plan: Plan, blob: string, depth: number): Plan[] {
    const { documents, heads } = this.#components
    const facts = plan.document && documents.recall(plan.document, blob)?.facts
    const needs = facts === undefined ? 'none' : plan.needs?.(facts)
    if (facts === undefined || !needs || needs === 'none' || depth === 0) return []
    const children = plan.children?.(facts) ?? []
    const missing = children.map(({ plan: child }) => {
      const held = heldBlob(child, this.#components.store, heads.isPrivate(child))
      return held === undefined ? [child] : this.#missing(child, held, depth - 1)
    })
    if (needs === 'one') return missing.some((one) => one.length === 0) ? [] : (missing[0] ?? [])
    return missing.flat()
  }

  async #askUpstream(part: Plan, signal: AbortSignal): Promise<unknown> {
    try {
      const response = await this.#components.heads.ask(part, signal)
      return response && (response.status >= 300 && response.status < 400 ? undefined : refusal(part, response))
    } catch (error) {
      signal.throwIfAborted()
      return error
    }
  }

  async #areAtMembers(missing: readonly Plan[], signal: AbortSignal): Promise<boolean> {
    const { mesh, clock, heads } = this.#components
    for (const part of missing) {
      if (heads.isPrivate(part) || !(await isAtMember({ mesh, clock }, part, signal))) return false
    }
    return true
  }

  #isRecent(since: number | undefined, ttl: number): boolean {
    const age = since === undefined ? -1 : this.#components.clock.now() - since
    return age >= 0 && age < ttl
  }
}
