import type { KadDHT } from '@libp2p/kad-dht'
import type { Clock } from '../../clock.ts'
import { type Digest, formatDigest } from '../../digest.ts'
import { nearFirst, type PeerBook } from '../peer-book.ts'
import { MissMemory } from './miss-memory.ts'
import { cidOf } from './multihash.ts'

export interface DhtLookupComponents {
  readonly dht: Pick<KadDHT, 'findProviders'>
  readonly book: Pick<PeerBook, 'isNear'>
  /** Peer id of this node, which is never an answer. */
  readonly self: string
  readonly clock: Clock
}

export interface DhtLookupInit {
  /** Ms that a query may take; 5 000 by default. */
  readonly limit?: number
  /** Queries under way at once; 32 by default. */
  readonly concurrency?: number
}

/** Ms that «nobody has it» is remembered: long enough for the retries of a client, short enough for a first fetch elsewhere. */
const MISS_MEMORY = 500

/** One query, for all who ask for the same digest meanwhile. */
interface Query {
  readonly found: string[]
  readonly stop: AbortController
  readers: number
  over: boolean
  /** Resolves when there is more to read, or nothing more to come. */
  news: PromiseWithResolvers<void>
}

/**
 * Asks the DHT who has a blob. A cold install asks for a thousand keys that nobody has, so a miss must cost little: beyond the
 * bounds there is no answer rather than a late one, since upstream is asked meanwhile anyway.
 */
export class DhtLookup {
  readonly #components: DhtLookupComponents
  readonly #limit: number
  readonly #concurrency: number
  readonly #misses: MissMemory
  readonly #queries = new Map<string, Query>()
  #running = 0

  constructor(components: DhtLookupComponents, { limit = 5_000, concurrency = 32 }: DhtLookupInit = {}) {
    this.#components = components
    this.#limit = limit
    this.#concurrency = concurrency
    this.#misses = new MissMemory(components.clock, MISS_MEMORY)
  }

  /** Queries under way. */
  get running(): number {
    return this.#running
  }

  /**
   * Peer ids as they come, of those that come together the near ones first, each once. Throws the signal's reason when that is aborted;
   * troubles of the DHT just end it.
   */
  async *find(digest: Digest, signal: AbortSignal): AsyncGenerator<string, void> {
    signal.throwIfAborted()
    const name = formatDigest(digest)
    const query = this.#queries.get(name) ?? this.#begin(name, digest)
    if (!query) return
    const wake = () => tell(query)
    signal.addEventListener('abort', wake, { once: true })
    query.readers++
    try {
      for (let read = 0; ; ) {
        const peer = query.found[read]
        if (peer !== undefined) {
          read++
          yield peer
        } else if (query.over) return
        else await query.news.promise
        signal.throwIfAborted()
      }
    } finally {
      signal.removeEventListener('abort', wake)
      if (--query.readers === 0) this.#end(name, query)
    }
  }

  /** Somebody has it now: what was remembered or is being asked no longer counts. */
  forget(digest: Digest): void {
    const name = formatDigest(digest)
    this.#misses.forget(name)
    this.#queries.delete(name)
  }

  #begin(name: string, digest: Digest): Query | undefined {
    if (this.#running >= this.#concurrency || this.#misses.has(name)) return undefined
    const query: Query = {
      found: [],
      stop: new AbortController(),
      readers: 0,
      over: false,
      news: Promise.withResolvers(),
    }
    this.#queries.set(name, query)
    void this.#run(name, digest, query)
    return query
  }

  async #run(name: string, digest: Digest, query: Query): Promise<void> {
    const { dht, book, self, clock } = this.#components
    const { signal } = query.stop
    clock.sleep(this.#limit, signal).then(
      () => this.#conclude(name, query),
      () => {},
    )
    this.#running++
    try {
      for await (const event of dht.findProviders(cidOf(digest), { signal })) {
        if (event.name !== 'PROVIDER') continue
        const peers = event.providers.map(({ id }) => id.toString())
        const news = peers.filter((peer) => peer !== self && !query.found.includes(peer))
        query.found.push(...news.sort((one, other) => nearFirst(book, one, other)))
        tell(query)
      }
      this.#conclude(name, query)
    } catch {
      this.#end(name, query)
    } finally {
      this.#running--
    }
  }

  /** It went as far as it was meant to go. */
  #conclude(name: string, query: Query): void {
    if (query.found.length === 0 && this.#queries.get(name) === query) this.#misses.add(name)
    this.#end(name, query)
  }

  #end(name: string, query: Query): void {
    if (this.#queries.get(name) === query) this.#queries.delete(name)
    query.over = true
    query.stop.abort()
    tell(query)
  }
}

function tell(query: Query): void {
  query.news.resolve()
  query.news = Promise.withResolvers()
}
