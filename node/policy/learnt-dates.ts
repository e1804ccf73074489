import { LRUCache } from 'lru-cache'
import type { Lookup, Plan } from '../cache/plan.ts'
import { isWarrenError } from '../errors.ts'

/** Packages that are remembered: more than an install asks about. */
const MAX_PACKAGES = 10_000

/** Of one package, in ms since the epoch by version. */
interface Learnt {
  /** Changes whenever a date comes in. */
  readonly id: number
  readonly dates: ReadonlyMap<string, number>
}

/** When versions were published that documents name without dates, where something else told. */
export class LearntDates {
  readonly #lookup: Lookup
  readonly #packages = new LRUCache<string, Learnt>({ max: MAX_PACKAGES })
  #last = 0

  constructor({ lookup }: { lookup: Lookup }) {
    this.#lookup = lookup
  }

  clear(): void {
    this.#packages.clear()
  }

  of(name: string): Learnt | undefined {
    return this.#packages.get(name)
  }

  /**
   * Asks for the dates of the versions in a line, one after the other, until one is old enough for `isOld`: clients choose the first
   * that they are offered. What nothing tells of, now or ever, ends it as well.
   */
  async learn(name: string, line: readonly Plan[], isOld: (plan: Plan, published: number) => boolean, signal: AbortSignal) {
    for (const plan of line) {
      const published = await this.#published(plan, signal)
      const version = plan.subject?.version
      if (published === undefined || version === undefined) return
      this.#add(name, version, published)
      if (isOld(plan, published)) return
    }
  }

  #add(name: string, version: string, published: number): void {
    const dates = this.#packages.get(name)?.dates ?? new Map<string, number>()
    if (dates.get(version) === published) return
    this.#packages.set(name, { id: ++this.#last, dates: new Map([...dates, [version, published]]) })
  }

  async #published(plan: Plan, signal: AbortSignal): Promise<number | undefined> {
    try {
      return await plan.published?.(this.#lookup, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (isWarrenError(error)) return undefined
      throw error
    }
  }
}
