import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p, PeerId, ServiceMap } from '@libp2p/interface'
import type { SingleKadDHT } from '@libp2p/kad-dht'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { Datastore } from 'interface-datastore'
import { createLibp2p } from 'libp2p'
import { type Clock, systemClock } from '../../../../node/clock.ts'
import { type Digest, formatDigest } from '../../../../node/digest.ts'
import { KAD_PROTOCOL, KEEP_ADDRESSES, kadService, provide } from '../../../../node/mesh/dht/kad.ts'
import { DhtLookup, type DhtLookupInit } from '../../../../node/mesh/dht/lookup.ts'
import type { ProviderRecordsInit } from '../../../../node/mesh/dht/provider-records.ts'
import { ProviderStore } from '../../../../node/mesh/dht/provider-store.ts'
import { eventually } from '../../../harness/wait.ts'

export interface KadNodeInit {
  readonly server?: boolean
  readonly clock?: Clock
  readonly lookup?: DhtLookupInit
  readonly records?: Partial<ProviderRecordsInit>
  /** Leaves the peer store as libp2p sets it. */
  readonly forgetful?: boolean
  /** What libp2p gets instead of the node's own store. */
  readonly datastore?: Datastore
}

interface Services extends ServiceMap {
  ping: Ping
  dht: SingleKadDHT
}

/** One libp2p host with the DHT as members run it, without the gate: who gets in is not what is tested here. */
export class KadNode {
  readonly host: Libp2p<Services>
  readonly store: ProviderStore
  readonly lookup: DhtLookup
  readonly #held: Set<string>

  private constructor(host: Libp2p<Services>, store: ProviderStore, held: Set<string>, init: KadNodeInit) {
    this.host = host
    this.store = store
    this.#held = held
    this.lookup = new DhtLookup(
      { dht: this.dht, book: { isNear: () => false }, self: this.id, clock: init.clock ?? systemClock },
      init.lookup,
    )
  }

  static async start(init: KadNodeInit = {}): Promise<KadNode> {
    const { server = true, clock = systemClock } = init
    const privateKey = await generateKeyPair('Ed25519')
    const held = new Set<string>()
    const shelf = { has: (digest: Digest) => held.has(formatDigest(digest)) }
    const store = new ProviderStore({ self: peerIdFromPrivateKey(privateKey).toString(), shelf, clock }, init.records)
    const host = await createLibp2p<Services>({
      privateKey,
      datastore: init.datastore ?? store,
      ...(init.forgetful ? {} : { peerStore: KEEP_ADDRESSES }),
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify(), ping: ping(), dht: kadService({ store, server }) },
    })
    return new KadNode(host, store, held, init)
  }

  get id(): string {
    return this.host.peerId.toString()
  }

  get dht(): SingleKadDHT {
    return this.host.services.dht
  }

  hold(digest: Digest): void {
    this.#held.add(formatDigest(digest))
  }

  evict(digest: Digest): void {
    this.#held.delete(formatDigest(digest))
  }

  /** Both sides know each other afterwards, a server also as one to ask. */
  async meet(other: KadNode): Promise<void> {
    await this.host.dial(other.host.getMultiaddrs())
    for (const [one, another] of [
      [this, other],
      [other, this],
    ] as const) {
      await eventually('both know each other', async () => one.host.peerStore.has(another.host.peerId))
      if (another.dht.getMode() === 'server') await eventually('a server is asked', () => one.#asks(another))
    }
  }

  provide(digest: Digest, signal = new AbortController().signal): Promise<void> {
    return provide(this.dht, digest, signal)
  }

  async find(digest: Digest, signal = new AbortController().signal): Promise<string[]> {
    const found: string[] = []
    for await (const peer of this.lookup.find(digest, signal)) found.push(peer)
    return found
  }

  /** From now on it takes the streams of the DHT and says nothing; resolves with the first that comes. */
  async fallSilent(): Promise<{ asked: Promise<void> }> {
    const asked = Promise.withResolvers<void>()
    await this.host.unhandle(KAD_PROTOCOL)
    await this.host.handle(KAD_PROTOCOL, () => asked.resolve())
    return { asked: asked.promise }
  }

  /** Streams of the DHT that are open here, at either end. */
  get streams(): number {
    return this.host.getConnections().flatMap(({ streams }) => streams.filter(({ protocol }) => protocol === KAD_PROTOCOL))
      .length
  }

  async stop(): Promise<void> {
    await this.host.stop()
  }

  /** By its type the routing table only has a size. */
  async #asks(other: KadNode): Promise<boolean> {
    const table = this.dht.routingTable as unknown as { find(peer: PeerId): Promise<PeerId | undefined> }
    return (await table.find(other.host.peerId)) !== undefined
  }
}
