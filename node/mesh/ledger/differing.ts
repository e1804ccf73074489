import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'

/** Members that are remembered. */
const MAX_PEERS = 2_000

/**
 * Members that have another ledger than this node, or do not say which, and since when. For moments that is so with everybody; where it
 * lasts, the member holds ops back, or does not take them.
 */
export class Differing {
  readonly #clock: Clock
  readonly #since = new LRUCache<string, number>({ max: MAX_PEERS })

  constructor(components: { readonly clock: Clock }) {
    this.#clock = components.clock
  }

  /** What a comparison with a member came to, after this node has taken what that one gives. */
  compared(peer: string, isSame: boolean): void {
    if (isSame) this.#since.delete(peer)
    else if (!this.#since.has(peer)) this.#since.set(peer, this.#clock.now())
  }

  /** Ms since the epoch; undefined where its ledger was the same at the last look, or was never looked at. */
  since(peer: string): number | undefined {
    return this.#since.peek(peer)
  }

  /** Peer ids. */
  get peers(): string[] {
    return [...this.#since.keys()]
  }
}
