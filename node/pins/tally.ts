import type { Delivery } from './courier.ts'

/** How many pins belong on a seed, and how many of them are known to be there. */
export interface SeedCount {
  wanted: number
  held: number
  /** Why the last one that is not there is not. */
  reason: string | undefined
}

/** Counts where the pins are that this node has. */
export class Tally {
  /** The seeds of which it tells. */
  readonly live: readonly string[]
  readonly seeds: ReadonlyMap<string, SeedCount>
  /** Pins, and those of them that are on all seeds that they belong to. */
  wanted = 0
  held = 0

  constructor(live: readonly string[]) {
    this.live = live
    this.seeds = new Map(live.map((seed) => [seed, { wanted: 0, held: 0, reason: undefined }]))
  }

  /** A pin is wanted on these seeds. */
  add(seeds: readonly string[]): void {
    this.wanted++
    for (const seed of seeds) this.#bump(seed, 'wanted')
  }

  note(seed: string, delivery: Delivery): void {
    if (delivery.isThere) this.#bump(seed, 'held')
    else {
      const count = this.seeds.get(seed)
      if (count) count.reason = delivery.reason
    }
  }

  #bump(seed: string, what: 'wanted' | 'held'): void {
    const count = this.seeds.get(seed)
    if (count) count[what]++
  }
}
