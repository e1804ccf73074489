import { NotFoundError } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { BaseDatastore } from 'datastore-core'
import { Key, type KeyQuery, type Pair, type Query } from 'interface-datastore'
import { LRUCache } from 'lru-cache'
import { varint } from 'multiformats'
import { base32 } from 'multiformats/bases/base32'
import type { Clock } from '../../clock.ts'
import type { Digest } from '../../digest.ts'
import type { Shelf } from '../shelf.ts'
import { digestOfMultihash, multihashOf } from './multihash.ts'
import { ProviderRecords, type ProviderRecordsInit } from './provider-records.ts'

export interface ProviderStoreComponents {
  /** Peer id of this node. */
  readonly self: string
  readonly shelf: Pick<Shelf, 'has'>
  readonly clock: Clock
}

/** What kad-dht puts before its own keys. */
export const DHT_PREFIX = '/dht'
/** Ms that a provider record counts: two announcements, so that one may be lost. */
export const RECORD_VALIDITY = 20 * 60_000

const PROVIDERS = `${DHT_PREFIX}/provider/`
const PEERS = '/peers/'
/** Providers of one key in an answer: as many as kad-dht looks for (its K). More make a reply larger and nobody faster. */
const MOST_PROVIDERS = 20
/** What libp2p remembers of peers. Other members name them in their replies, as many as they like. */
const MOST_PEERS = 20_000
const MOST_PEER_BYTES = 32 << 20
const MAX_PEER_BYTES = 16 << 10

const DEFAULTS: ProviderRecordsInit = { validity: RECORD_VALIDITY, perProvider: 20_000, total: 500_000 }

/** A provider record as kad-dht names it. */
interface Named {
  readonly digest: Digest
  /** The multihash without envelope, in base32. */
  readonly key: string
  readonly provider: string
}

/**
 * The datastore of libp2p. kad-dht keeps provider records as entries `/dht/provider/<multihash>/<peer id>` and trusts that they
 * are few, young and of known peers; here they are kept apart, with quotas, and only what may be handed out is found.
 * What this node provides itself is no entry but what stands on its shelf.
 */
export class ProviderStore extends BaseDatastore {
  /**
   * Whether libp2p knows the peer. It answers with addresses, and one provider without an entry in its peer store costs the
   * whole reply. Until there is a peer store nobody is known.
   */
  isKnown: (peer: string) => boolean | Promise<boolean> = () => false
  readonly #self: string
  readonly #selfKey: string
  readonly #shelf: Pick<Shelf, 'has'>
  readonly #clock: Clock
  readonly #records: ProviderRecords
  /** What libp2p knows of this node. A flood of other peers must not push it out, or nobody finds us. */
  readonly #own = new Map<string, Uint8Array>()
  readonly #others = new LRUCache<string, Uint8Array>({
    max: MOST_PEERS,
    maxSize: MOST_PEER_BYTES,
    maxEntrySize: MAX_PEER_BYTES,
    sizeCalculation: entrySize,
  })

  constructor(components: ProviderStoreComponents, init: Partial<ProviderRecordsInit> = {}) {
    super()
    this.#self = components.self
    this.#selfKey = `${PEERS}${peerIdFromString(components.self).toCID()}`
    this.#shelf = components.shelf
    this.#clock = components.clock
    this.#records = new ProviderRecords(components, { ...DEFAULTS, ...init })
  }

  /** Provider records of others that are kept. */
  get records(): number {
    return this.#records.size
  }

  override put(key: Key, value: Uint8Array): Key {
    const name = key.toString()
    if (!name.startsWith(PROVIDERS)) {
      const map = this.#map(name)
      // The cache would drop what it has in favour of nothing: whoever names a peer with many addresses would make us forget it.
      if (map === this.#own || entrySize(value, name) <= MAX_PEER_BYTES) map.set(name, value)
      return key
    }
    const record = named(name)
    if (record && record.provider !== this.#self) this.#records.put(record.key, record.provider)
    return key
  }

  override get(key: Key): Uint8Array {
    const name = key.toString()
    const value = name.startsWith(PROVIDERS) ? this.#time(named(name)) : this.#map(name).get(name)
    if (!value) throw new NotFoundError(`there is no ${name}`)
    return value
  }

  override has(key: Key): boolean {
    const name = key.toString()
    return name.startsWith(PROVIDERS) ? this.#time(named(name)) !== undefined : this.#map(name).has(name)
  }

  override delete(key: Key): void {
    const name = key.toString()
    if (!name.startsWith(PROVIDERS)) {
      this.#map(name).delete(name)
      return
    }
    const record = named(name)
    if (record) this.#records.delete(record.key, record.provider)
  }

  /**
   * Provider records are found key by key. Only kad-dht's round over all of them asks for more: it would expire them and provide
   * anew what is ours. It finds none, and what has expired goes.
   */
  override async *_all(query: Query): AsyncGenerator<Pair> {
    const prefix = query.prefix ?? '/'
    if (prefix.startsWith(PROVIDERS)) {
      yield* this.#providers(prefix.slice(PROVIDERS.length))
      return
    }
    if (PROVIDERS.startsWith(prefix)) this.#records.expire()
    for (const map of [this.#own, this.#others]) for (const [name, value] of map.entries()) yield { key: new Key(name), value }
  }

  override async *_allKeys(query: KeyQuery): AsyncGenerator<Key> {
    const { prefix } = query
    for await (const { key } of this._all(prefix === undefined ? {} : { prefix })) yield key
  }

  async *#providers(rest: string): AsyncGenerator<Pair> {
    const [asked = ''] = rest.split('/', 1)
    const digest = digestOf(asked)
    if (!digest) return
    const own: [string, number][] = this.#shelf.has(digest) ? [[this.#self, this.#clock.now()]] : []
    let left = MOST_PROVIDERS
    for (const [provider, time] of [...own, ...this.#records.of(keyOf(digest))]) {
      if (!(await this.isKnown(provider))) continue
      yield { key: new Key(`${PROVIDERS}${asked}/${provider}`), value: encoded(time) }
      if (--left === 0) return
    }
  }

  #time(record: Named | undefined): Uint8Array | undefined {
    if (!record) return undefined
    const { digest, key, provider } = record
    if (provider === this.#self) return this.#shelf.has(digest) ? encoded(this.#clock.now()) : undefined
    const time = this.#records.time(key, provider)
    return time === undefined ? undefined : encoded(time)
  }

  #map(name: string): Map<string, Uint8Array> | LRUCache<string, Uint8Array> {
    return name === this.#selfKey ? this.#own : this.#others
  }
}

/** Undefined for what is no digest: nobody here asks for such a key, so nobody needs to keep it. */
function named(name: string): Named | undefined {
  const [multihash = '', provider = ''] = name.slice(PROVIDERS.length).split('/')
  const digest = digestOf(multihash)
  return digest && { digest, key: keyOf(digest), provider }
}

function digestOf(multihash: string): Digest | undefined {
  try {
    return digestOfMultihash(base32.baseDecode(multihash))
  } catch {
    return undefined
  }
}

function keyOf(digest: Digest): string {
  return base32.baseEncode(multihashOf(digest))
}

function entrySize(value: Uint8Array, key: string): number {
  return value.length + key.length
}

function encoded(time: number): Uint8Array {
  return varint.encodeTo(time, new Uint8Array(varint.encodingLength(time)))
}
