import type { PeerId } from '@libp2p/interface'
import { type KadDHT, type KadDHTComponents, kadDHT, type SingleKadDHT } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Digest } from '../../digest.ts'
import { cidOf } from './multihash.ts'
import { DHT_PREFIX, type ProviderStore, RECORD_VALIDITY } from './provider-store.ts'

/** Only members speak it, so it need not be spoken as the public DHT does. */
export const KAD_PROTOCOL = '/warren/kad/1.0.0'

export interface KadInit {
  /** The datastore that libp2p got. */
  readonly store: ProviderStore
  /** Whether this node keeps records for others. */
  readonly server: boolean
}

/**
 * Streams of the DHT that one connection may carry: the look-ups that a member may have under way, its announcements, and as
 * many again that are just closing.
 */
const MAX_STREAMS = 128
/** Ms between kad-dht's rounds over the records; here they drop what has expired. */
const EXPIRY_INTERVAL = 60_000
/** Bounds in ms for one request, dial included; between them kad-dht adapts to what it sees. */
const REQUEST_LIMIT = { minTimeout: 2_000, maxTimeout: 5_000 }

/**
 * What libp2p's `peerStore` must be set to. It forgets an address an hour after it first saw it, also of a peer that is connected,
 * and whoever has none is left out of replies until it is told anew.
 */
export const KEEP_ADDRESSES = { maxAddressAge: Number.POSITIVE_INFINITY } as const

function refuse(): never {
  throw new Error('this DHT keeps no values')
}

/** kad-dht as members use it: for provider records in a private network, and nothing else. */
export function kadService(init: KadInit): (components: KadDHTComponents) => SingleKadDHT {
  const { server, store } = init
  return (components) => {
    const { addressManager, peerId, peerStore } = components
    store.isKnown = (peer) => peerStore.has(peerIdFromString(peer))
    const make = kadDHT({
      protocol: KAD_PROTOCOL,
      datastorePrefix: DHT_PREFIX,
      clientMode: !server,
      // The default would drop private addresses, which are all that a LAN has. The own ones reach the peer store late.
      peerInfoMapper: (peer) => (peer.id.equals(peerId) ? { ...peer, multiaddrs: addressManager.getAddresses() } : peer),
      // The first node of a mesh answers at once, and no look-up waits for a first self-query.
      allowQueryWithZeroPeers: true,
      reprovide: { validity: RECORD_VALIDITY, threshold: RECORD_VALIDITY / 2, interval: EXPIRY_INTERVAL },
      // Public keys are the only values that it takes on its own (PUT_VALUE); all other kinds have no validator and are refused.
      validators: { pk: refuse },
      maxInboundStreams: MAX_STREAMS,
      maxOutboundStreams: MAX_STREAMS,
      networkDialTimeout: REQUEST_LIMIT,
    })
    // What it makes has a routing table; the type says so only of the parts of a double DHT.
    return make(components) as SingleKadDHT
  }
}

/** Tells the servers closest to the digest that this node has it. Resolves also when nobody could be told. */
export async function provide(dht: Pick<KadDHT, 'provide'>, digest: Digest, signal: AbortSignal): Promise<void> {
  for await (const _ of dht.provide(cidOf(digest), { signal }));
}

/** The part of kad-dht's routing table that its types leave out. */
interface Table {
  remove(peer: PeerId): Promise<void>
}

/**
 * Asks a member no more that is gone. kad-dht itself drops nobody before a bucket is full, and asks the twenty closest, whether
 * they are there or not: after some churn, those that are there would not be among them. Who comes back is added anew.
 */
export async function drop(dht: SingleKadDHT, peer: PeerId): Promise<void> {
  await (dht.routingTable as SingleKadDHT['routingTable'] & Table).remove(peer)
}
