import { LRUCache } from 'lru-cache'

/** Members whose clocks are remembered. */
const MAX_PEERS = 500

/** What the clocks of others show: somebody whose own is wrong would date changes wrongly. Nothing else depends on it. */
export class PeerClocks {
  readonly #isSeed: (peer: string) => boolean
  readonly #ahead = new LRUCache<string, number>({ max: MAX_PEERS })

  constructor(components: { isSeed(peer: string): boolean }) {
    this.#isSeed = components.isSeed
  }

  /** A member's clock shows `theirs` when this node's shows `own`, both in ms since the epoch. */
  told(peer: string, theirs: number, own: number): void {
    this.#ahead.set(peer, own - theirs)
  }

  /**
   * How far this node is ahead of the median of others, in ms; undefined where none has told. One that lies changes little. Where seeds have
   * told only they count: whoever has a ticket can make up members, and would have right dates refused.
   */
  get ahead(): number | undefined {
    const seeds = [...this.#ahead].filter(([peer]) => this.#isSeed(peer))
    const all = (seeds.length > 0 ? seeds : [...this.#ahead]).map(([, ahead]) => ahead).sort((one, other) => one - other)
    const [low, high] = [all[Math.floor((all.length - 1) / 2)], all[Math.floor(all.length / 2)]]
    if (low === undefined || high === undefined) return undefined
    return Math.abs(low) <= Math.abs(high) ? low : high
  }
}
