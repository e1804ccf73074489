import { setImmediate } from 'node:timers/promises'
import type { NameRecord, Store } from '../store/store.ts'
import { LOOKED_AT_ONCE } from './constants.ts'
import { type MatcherComponents, matcherOf } from './matcher.ts'
import type { PurgeScope } from './scope.ts'

/** Records that one question looks at, found or not: some tenths of a second beside the work. */
const LOOKED_AT_MOST = 20_000

/** What of the cache is meant: all that falls under one of the scopes and has the text in its path. */
export interface CacheQuestion {
  readonly scopes: readonly PurgeScope[]
  /** In any case. */
  readonly text?: string | undefined
}

export interface CachePage {
  readonly found: readonly (readonly [key: string, record: NameRecord])[]
  /** The key behind which to go on; undefined at the end. Where much is not meant, a page may be empty and not the last one. */
  readonly next: string | undefined
}

/** Looks for records, some at a time, so that nobody waits for a million of them and nothing is remembered between two questions. */
export class CacheSearch {
  readonly #components: MatcherComponents & { readonly store: Pick<Store, 'records' | 'purged'> }

  constructor(components: MatcherComponents & { readonly store: Pick<Store, 'records' | 'purged'> }) {
    this.#components = components
  }

  /** The next `limit` at most, in the order of their keys, behind the key `after`. Rejects with the reason of `signal`. */
  async page(question: CacheQuestion, after: string, limit: number, signal: AbortSignal): Promise<CachePage> {
    const { store } = this.#components
    const matchers = question.scopes.map((scope) => matcherOf(scope, this.#components))
    const text = question.text?.toLowerCase() ?? ''
    const found: (readonly [string, NameRecord])[] = []
    let looked = 0
    for (const prefix of disjoint(matchers.map((one) => one.prefix))) {
      if (after >= prefix && !after.startsWith(prefix)) continue
      for (let from: string | undefined = after.startsWith(prefix) ? after : ''; from !== undefined; ) {
        const { entries, last } = await store.records.page(prefix, from, Math.min(LOOKED_AT_ONCE, 4 * limit))
        for (const [key, record] of entries) {
          looked++
          const isMeant = key.toLowerCase().includes(text) && matchers.some((one) => one.covers(key, record))
          if (isMeant && !store.purged.covers(key, record)) found.push([key, record])
          if (found.length === limit || looked >= LOOKED_AT_MOST) return { found, next: key }
        }
        from = last
        await setImmediate()
        signal.throwIfAborted()
      }
    }
    return { found, next: undefined }
  }
}

/** In their order, and none of which begins with another one. */
export function disjoint(prefixes: readonly string[]): string[] {
  const all = [...new Set(prefixes)].sort()
  return all.filter((prefix) => !all.some((other) => other !== prefix && prefix.startsWith(other)))
}
