import { LRUCache } from 'lru-cache'

/** Members whose clocks are remembered. */
const MAX_PEERS = 500

/** What the clocks of others show: somebody whose own is wrong would date changes wrongly. Nothing else depends on it. */
export class PeerClocks {
  readonly #ahead = new LRUCache<string, number>({ max: MAX_PEERS })

  /** A member's clock shows `theirs` when this node's shows `own`, both in ms since the epoch. */
  told(peer: string, theirs: number, own: number): void {
    this.#ahead.set(peer, own - theirs)
  }

  /** How far this node is ahead of the median of others, in ms; undefined where none has told. One that lies changes little. */
  get ahead(): number | undefined {
    const all = [...this.#ahead.values()].sort((one, other) => one - other)
    return all[Math.floor((all.length - 1) / 2)]
  }
}
