import type { Digest } from '../digest.ts'
import type { DhtLookup } from './dht/lookup.ts'
import type { PeerBook } from './peer-book.ts'

/** Members that are asked on the mere guess that they have it; each wrong guess costs both sides a small request. */
const GUESSES = 2

export interface RouterComponents {
  readonly book: PeerBook
  readonly lookup: DhtLookup
}

/**
 * Who may have a blob. A machine that had the last artifacts of an installation very likely has the next one, so it is asked
 * straight away; everything else is looked up in the DHT, where finding one costs a hundred times as much and missing one more.
 */
export class Router {
  readonly #components: RouterComponents

  constructor(components: RouterComponents) {
    this.#components = components
  }

  /** Peer ids, likeliest first, each once; ends when nobody else is known. */
  async *locate(digest: Digest, signal: AbortSignal): AsyncGenerator<string, void> {
    const { book, lookup } = this.#components
    const given = new Set<string>()
    for (const id of book.warm(GUESSES)) {
      given.add(id)
      yield id
    }
    for await (const id of lookup.find(digest, signal)) {
      if (given.has(id)) continue
      given.add(id)
      yield id
    }
  }
}
