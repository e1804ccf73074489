import { LRUCache } from 'lru-cache'
import type { Mesh } from '../mesh/mesh.ts'
import type { NameRecord, Store } from '../store/store.ts'
import { CONFIRMED_KEYS, CONFIRMED_TTL } from './constants.ts'
import type { Plan } from './plan.ts'

/** Who may be asked for an artifact by its digest: everybody who may have it, or only the upstream that it was asked of. */
export type Permit = 'anybody' | 'upstream'

/**
 * Knows for which guarded keys a digest may be looked for in the store and at members. That is so when a held document names
 * it, or when upstream says that it has it there: else every blob that any repository ever brought could be read, and
 * probed for, through every other one.
 */
export class Permits {
  readonly #components: { readonly store: Store; readonly mesh: Mesh }
  readonly #confirmed = new LRUCache<string, true>({ max: CONFIRMED_KEYS, ttl: CONFIRMED_TTL })
  readonly #asking = new Map<string, Promise<Permit>>()

  constructor(components: { store: Store; mesh: Mesh }) {
    this.#components = components
  }

  /** Upstream said that it has it. */
  confirm(key: string): void {
    this.#confirmed.set(key, true)
  }

  /** Asks anew what upstreams have. */
  clear(): void {
    this.#confirmed.clear()
  }

  /** `ask` tells whether upstream has it; false when only a GET can tell. Rejects as it does. */
  of(plan: Plan, held: NameRecord | undefined, ask: () => Promise<boolean>): Permit | Promise<Permit> {
    if (!plan.guarded || held || this.#confirmed.has(plan.key)) return 'anybody'
    const { store, mesh } = this.#components
    const isHere = plan.digests?.some((digest) => store.blobs.find(digest) !== undefined)
    // Where nobody else could have it, the GET itself is the question.
    if (!mesh.populated && !isHere) return 'upstream'
    const asking = this.#asking.get(plan.key) ?? this.#ask(plan, ask).finally(() => this.#asking.delete(plan.key))
    this.#asking.set(plan.key, asking)
    return asking
  }

  async #ask(plan: Plan, ask: () => Promise<boolean>): Promise<Permit> {
    if (!(await ask())) return 'upstream'
    this.confirm(plan.key)
    return 'anybody'
  }
}
