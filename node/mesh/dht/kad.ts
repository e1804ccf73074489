import type { PeerId, StreamHandler } from '@libp2p/interface'
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
 * Streams of the DHT that one connection may carry: the look-ups that a member may have under way, its announcements, and some
 * that are just closing.
 */
const MAX_INBOUND_STREAMS = 40
const MAX_OUTBOUND_STREAMS = 128
/** Bytes that one may bring here: a request is one message, of a digest and some addresses. kad-dht would wait for 4 MiB. */
const MAX_REQUEST_BYTES = 64 << 10
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
      maxInboundStreams: MAX_INBOUND_STREAMS,
      maxOutboundStreams: MAX_OUTBOUND_STREAMS,
      networkDialTimeout: REQUEST_LIMIT,
    })
    // What it makes has a routing table; the type says so only of the parts of a double DHT.
    return bounded(make(components) as SingleKadDHT)
  }
}

/** The part of kad-dht that its types leave out: what answers one stream. */
interface Answering {
  readonly rpc: { onIncomingStream: StreamHandler }
}

/** Resets streams that bring more than a request. */
function bounded(dht: SingleKadDHT): SingleKadDHT {
  const { rpc } = dht as SingleKadDHT & Answering
  const answer = rpc.onIncomingStream.bind(rpc)
  rpc.onIncomingStream = (stream, connection) => {
    // It listens before it waits for anything. Whoever listens first is given what has come already, so it must be the first.
    const answered = answer(stream, connection)
    let left = MAX_REQUEST_BYTES
    stream.addEventListener('message', ({ data }) => {
      left -= data.byteLength
      if (left < 0) queueMicrotask(() => stream.abort(new Error('this is no request of the DHT')))
    })
    return answered
  }
  return dht
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
