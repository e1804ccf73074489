import type { Clock } from '../../clock.ts'

export interface ProviderRecordsInit {
  /** Ms that a record counts. */
  readonly validity: number
  /** Records that one provider may have here. */
  readonly perProvider: number
  /** Records in all. */
  readonly total: number
}

/**
 * Who said that it provides what, and when. Any member may claim any number of keys, so room is given out in a way that its
 * flood costs its own oldest records and, when everything is full, those of whoever has most.
 */
export class ProviderRecords {
  readonly #clock: Clock
  readonly #init: ProviderRecordsInit
  /** Key → provider → time, in the order in which they came. */
  readonly #byKey = new Map<string, Map<string, number>>()
  /** Provider → keys, oldest first, so that what has expired is found without a search. */
  readonly #byProvider = new Map<string, Set<string>>()
  #size = 0

  constructor(components: { clock: Clock }, init: ProviderRecordsInit) {
    this.#clock = components.clock
    this.#init = init
  }

  get size(): number {
    return this.#size
  }

  /** A repeated record counts from now on. */
  put(key: string, provider: string): void {
    this.delete(key, provider)
    this.#expire(provider)
    if ((this.#byProvider.get(provider)?.size ?? 0) >= this.#init.perProvider) this.#dropOldest(provider)
    if (this.#size >= this.#init.total) this.#dropOldest(this.#largest())
    within(this.#byKey, key, () => new Map()).set(provider, this.#clock.now())
    within(this.#byProvider, provider, () => new Set()).add(key)
    this.#size++
  }

  delete(key: string, provider: string): void {
    const providers = this.#byKey.get(key)
    if (!providers?.delete(provider)) return
    if (providers.size === 0) this.#byKey.delete(key)
    const keys = this.#byProvider.get(provider)
    keys?.delete(key)
    if (keys?.size === 0) this.#byProvider.delete(provider)
    this.#size--
  }

  /** When the provider said so, in ms since the epoch; undefined when it did not, or too long ago. */
  time(key: string, provider: string): number | undefined {
    const time = this.#byKey.get(key)?.get(provider)
    if (time === undefined || this.#counts(time)) return time
    this.delete(key, provider)
    return undefined
  }

  /** Providers whose records count, the latest first. */
  of(key: string): [provider: string, time: number][] {
    const all = [...(this.#byKey.get(key) ?? [])]
    return all.filter(([provider]) => this.time(key, provider) !== undefined).reverse()
  }

  /** Drops what has expired. Costs what it drops. */
  expire(): void {
    for (const provider of [...this.#byProvider.keys()]) this.#expire(provider)
  }

  #expire(provider: string): void {
    for (const key of this.#byProvider.get(provider) ?? []) {
      if (this.time(key, provider) !== undefined) return
    }
  }

  /** A wall clock may be set back: what then seems to come from far in the future must not stay until that is over. */
  #counts(time: number): boolean {
    return Math.abs(this.#clock.now() - time) <= this.#init.validity
  }

  #dropOldest(provider: string): void {
    const [oldest] = this.#byProvider.get(provider) ?? []
    if (oldest !== undefined) this.delete(oldest, provider)
  }

  /** Costs a look at each member, when all room is taken and not before. */
  #largest(): string {
    let largest = ''
    let most = 0
    for (const [provider, { size }] of this.#byProvider) {
      if (size <= most) continue
      most = size
      largest = provider
    }
    return largest
  }
}

function within<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
