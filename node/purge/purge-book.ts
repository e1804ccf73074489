import type { Plan } from '../cache/plan.ts'
import type { Digest, Sha256 } from '../digest.ts'
import type { Purged } from '../store/purged.ts'
import type { NameRecord } from '../store/store.ts'
import { MAX_COMPARED } from './constants.ts'
import { type MatcherComponents, matcherOf, type ScopeMatcher } from './matcher.ts'
import type { PurgeScope } from './scope.ts'

/** A purge that records are compared with. */
export interface Purge {
  readonly id: string
  readonly generation: number
  readonly matchers: readonly ScopeMatcher[]
}

/**
 * Which records were purged. A purge counts from the moment that it stands here. One that has ended stays, since something may still come
 * whose fetch began before it; at the next start nothing can any more.
 */
export class PurgeBook implements Purged {
  readonly #components: MatcherComponents
  /** In the order of their generations. */
  #purges: Purge[] = []
  readonly #running = new Set<Purge>()
  /** Of the key that was looked at last: to read one costs some 15 µs, and many purges may ask for the same. */
  #read: { readonly key: string; readonly plan: Plan | undefined } | undefined
  generation = 0
  pending = false

  constructor({ planOf, find }: MatcherComponents) {
    const planOnce = (key: string) => {
      if (this.#read?.key !== key) this.#read = { key, plan: planOf(key) }
      return this.#read.plan
    }
    this.#components = { planOf: planOnce, find }
  }

  /**
   * A new purge, of all that is here now or on its way. Its generation is later than that of any record, also where the file of former
   * purges was lost: seconds since the epoch are more than these ever were.
   */
  begin(id: string, scopes: readonly PurgeScope[], now: number): Purge {
    return this.restore(id, scopes, Math.max(this.generation + 1, Math.floor(now / 1_000)))
  }

  /** One that did not end in a former process. */
  restore(id: string, scopes: readonly PurgeScope[], generation: number): Purge {
    const purge = { id, generation, matchers: scopes.map((scope) => matcherOf(scope, this.#components)) }
    this.#purges.push(purge)
    // Mirrors may be others by now.
    this.#read = undefined
    this.#running.add(purge)
    this.generation = Math.max(this.generation, generation)
    this.pending = true
    return purge
  }

  /** With how many scopes a record is compared. */
  get scopes(): number {
    return this.#purges.reduce((sum, { matchers }) => sum + matchers.length, 0)
  }

  /** Nothing of it is in the store any more. */
  end(purge: Purge): void {
    this.#running.delete(purge)
    this.pending = this.#running.size > 0
    const spare = this.#purges.length - MAX_COMPARED
    if (spare > 0) this.#purges = this.#purges.filter((one, at) => at >= spare || this.#running.has(one))
  }

  covers(key: string, record: NameRecord): boolean {
    return this.purgeOf(key, record) !== undefined
  }

  coversUnnamed(sha256: Sha256): boolean {
    for (const { matchers } of this.#running) if (matchers.some(({ blob, isAll }) => isAll || blob === sha256)) return true
    return false
  }

  /** The last purge that a record is covered by. */
  purgeOf(key: string, record: NameRecord): Purge | undefined {
    const { generation = 0 } = record
    if (generation >= this.generation) return undefined
    this.#read = undefined
    return this.#purges.findLast((one) => one.generation > generation && one.matchers.some((each) => each.covers(key, record)))
  }
}

/** Whether a purge may be about what is on its way under a key. */
export function mayCover({ matchers }: Purge, key: string, expected: readonly Digest[] | undefined): boolean {
  return matchers.some((matcher) => matcher.mayCover(key, expected))
}
