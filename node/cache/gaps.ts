import type { Store } from '../store/store.ts'
import type { Documents } from './documents.ts'
import type { Heads } from './heads.ts'
import { heldBlob } from './links.ts'
import type { Plan } from './plan.ts'

/** Parts that would have to be fetched together for a document to be of use. */
export type Gap = readonly Plan[]

/** Documents that name documents that name documents: an index of indexes is the deepest that is known. */
const DEPTH = 4

/** Parts that are looked at. Documents can name each other in any number of ways, and whoever pushes them chooses how many. */
const MOST_VISITS = 4_000

/** Finds out what is missing of a document, once. */
export class Gaps {
  readonly #components: { readonly store: Store; readonly documents: Documents }
  readonly #isPrivate: boolean
  /** By blob, so that what is named twice is looked at once. */
  readonly #known = new Map<string, readonly Gap[]>()
  #visits = 0

  constructor(components: { store: Store; documents: Documents; heads: Heads }, base: string) {
    this.#components = components
    this.#isPrivate = components.heads.isPrivate({ base })
  }

  /** The ways in which it could be completed; none of a document that is complete. */
  of(plan: Plan, blob: string, depth = DEPTH): readonly Gap[] {
    const known = this.#known.get(blob)
    if (known) return known
    const gaps = this.#look(plan, blob, depth)
    this.#known.set(blob, gaps)
    return gaps
  }

  #look(plan: Plan, blob: string, depth: number): readonly Gap[] {
    const facts = plan.document && this.#components.documents.recall(plan.document, blob)?.facts
    const needs = facts === undefined || depth === 0 ? undefined : plan.needs?.(facts)
    if (needs !== 'one' && needs !== 'all') return []
    const missing: Plan[] = []
    const ways: Gap[] = []
    for (const { plan: child } of plan.children?.(facts) ?? []) {
      if (this.#visits++ >= MOST_VISITS) break
      const held = heldBlob(child, this.#components.store, this.#isPrivate)
      const gaps = held === undefined ? [[child]] : this.of(child, held, depth - 1)
      if (gaps.length === 0 && needs === 'one') return []
      if (needs === 'one') ways.push(...gaps.slice(0, 1))
      else missing.push(...(gaps[0] ?? []))
    }
    return missing.length > 0 ? [missing] : ways
  }
}
