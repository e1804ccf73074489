/** What became of look-ups, since start. */
export interface RouterCounts {
  /** Look-ups that a neighbour listed, that none listed, and blobs that a neighbour listed and did not have. */
  readonly inventory: { readonly hit: number; readonly miss: number; readonly false: number }
  /** Members that were asked on the mere guess that they have it. */
  readonly guess: { readonly right: number; readonly wrong: number }
  /** Look-ups that it named somebody for, or nobody, and those that it was not bothered with: all members had said what they have. */
  readonly dht: { readonly hit: number; readonly miss: number; readonly spared: number }
}

export class RouterCounter {
  readonly inventory = { hit: 0, miss: 0, false: 0 }
  readonly guess = { right: 0, wrong: 0 }
  readonly dht = { hit: 0, miss: 0, spared: 0 }

  snapshot(): RouterCounts {
    return { inventory: { ...this.inventory }, guess: { ...this.guess }, dht: { ...this.dht } }
  }
}
