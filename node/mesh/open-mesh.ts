import { networkInterfaces } from 'node:os'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Digest } from '../digest.ts'
import { reasonOf } from '../errors.ts'
import { Ledger } from '../ledger/ledger.ts'
import { ownAddresses } from '../own-addresses.ts'
import { type TcpAddress, toHostPort } from '../tcp-address.ts'
import type { Membership } from '../trust/membership.ts'
import { MeshFolder } from '../trust/mesh-folder.ts'
import type { NodeKey } from '../trust/node-key.ts'
import { BlobClient } from './blobs/blob-client.ts'
import { BlobListener, type BlobListenerComponents } from './blobs/blob-listener.ts'
import { identityCertificate } from './blobs/identity-certificate.ts'
import { Announcer } from './dht/announcer.ts'
import { drop, provide } from './dht/kad.ts'
import { DhtLookup } from './dht/lookup.ts'
import { ProviderStore } from './dht/provider-store.ts'
import { HeadStart } from './head-start.ts'
import { Discovery } from './host/discovery.ts'
import { Host } from './host/host.ts'
import { answerIntroductions, askIntroductions } from './host/introductions.ts'
import { mdnsDiscovery, mdnsTag } from './host/mdns.ts'
import { answerReach, askReach } from './host/reach.ts'
import { RememberedPeers } from './host/remembered-peers.ts'
import { shuffled } from './host/shuffled.ts'
import { NEIGHBOURS } from './inventory/constants.ts'
import { InventoryExchange } from './inventory/exchange.ts'
import { Acknowledgements } from './ledger/acknowledgements.ts'
import { OwnStanding } from './ledger/own-standing.ts'
import { type LedgerEffects, SharedLedger } from './ledger/shared-ledger.ts'
import { Libp2pMesh } from './libp2p-mesh.ts'
import { MemberGate } from './member-gate.ts'
import { PeerBook } from './peer-book.ts'
import { Router } from './router.ts'
import { Seeds } from './seeds.ts'
import type { Shelf } from './shelf.ts'
import { SmallBlobs } from './small-blobs.ts'
import { LARGE_BYTES } from './swarm/constants.ts'
import { Upkeep } from './upkeep.ts'

export interface MeshComponents {
  readonly key: NodeKey
  readonly membership: Membership
  readonly shelf: Shelf
  readonly clock: Clock
  readonly log: Logger
  /** Makes what answers members' requests. */
  answering(mesh: Answering): BlobListenerComponents['handle']
  /** By what the seeds are chosen that a key belongs to; by itself if left out. */
  home?(key: string): string
  /** What the ledger of the mesh means to the rest of the node; nothing if left out. */
  readonly effects?: LedgerEffects
  /** What keeps pins on the seeds of a mesh, from when it is open until it closes. */
  readonly pins?: { start(seeds: Seeds): void; stop(): Promise<void> }
  /** What asks the seeds of a mesh what this node may evict, from when it is open until it closes. */
  readonly permanence?: { joined(seeds: Seeds): void; left(): Promise<void> } | undefined
}

/** What those who answer members have to know of the mesh. */
export interface Answering {
  /** A member may become a seed while it runs. */
  isSeed(): boolean
  /** So many bytes of body went to that member. */
  sent(peer: string, bytes: number): void
  /** Whether others can ask a member for blobs now. */
  usable(peer: string): boolean
  /**
   * What this node has purged, as `purgeMark` has it. Undefined where it may have been away when something was: then it serves nobody,
   * until a seed has said that it knows all.
   */
  purges(): string | undefined
}

export interface MeshInit {
  readonly listen: TcpAddress
  readonly blobs: TcpAddress
  /** Hosts by which others reach this node; those of its interfaces when empty. */
  readonly announce: readonly string[]
  /** Addresses of members to begin with, besides those of the ticket. */
  readonly bootstrap: readonly string[]
  /** Where this node is. */
  readonly zone?: string | undefined
  /** Whether this node is here for one job, so that others forget it when it goes. */
  readonly ephemeral?: boolean
  /** Whose word about names counts. */
  readonly names: 'seeds' | 'members'
  readonly mdns: boolean
  readonly dht: 'auto' | 'server' | 'client'
  /** Folder of the node's data. */
  readonly data: string
  readonly version: string
}

/** As many servers as a look-up asks in any case (K of kad-dht): among so few, each tells by itself what it has. */
const ASKED_ALL = 20

const UNREACHABLE =
  'no member can reach the blob port of this node (mesh.blobs), so it takes blobs and hands none out; open the port, or set mesh.announce'

/**
 * Opens the mesh that a node is a member of, leaf to root; it goes on looking for others by itself. Throws UNTRUSTED when the
 * own certificate has ended or was revoked, ADDRESS_IN_USE when it cannot listen.
 */
export async function openMesh(components: MeshComponents, init: MeshInit): Promise<Libp2pMesh> {
  await using opening = new AsyncDisposableStack()
  const life = new AbortController()
  opening.defer(() => life.abort(new Error('the mesh is closed')))
  const { key, membership, clock, log } = components
  const { peerId: self } = key
  const book = new PeerBook({ clock }, init)
  const folder = new MeshFolder(init.data)
  const { adminKey } = membership
  const ledger = new Ledger({ onTrouble: (message) => log.warn(message) }, { folder: folder.path, adminKey })
  const { state } = ledger
  const gate = new MemberGate(
    { clock, state, onFarewell: (op) => shared.heard(op) },
    { membership, self, version: init.version, zone: init.zone, ephemeral: init.ephemeral },
  )
  const own = new OwnStanding({ gate, state, folder, clock, log }, { self })
  const secret = Buffer.from(membership.secret, 'base64url')
  const isServer = init.dht === 'server' || (init.dht === 'auto' && own.role === 'seed')

  let settled: Pick<SharedLedger, 'isSettled' | 'purges'> = { isSettled: false, purges: undefined }
  const identity = await identityCertificate(key)
  const handle = components.answering({
    isSeed: () => own.role === 'seed',
    sent: (peer, bytes) => book.moved(peer, 'out', bytes),
    usable: (peer) => book.usable(peer),
    purges: () => (settled.isSettled ? settled.purges : undefined),
  })
  const onTrouble = (error: Error) => log.warn(`the blob listener is in trouble: ${reasonOf(error)}`)
  const onRefused = (address: string, reason: unknown) => log.debug({ address }, `not let in: ${reasonOf(reason)}`)
  const listener = new BlobListener({ gate, identity, clock, handle, onRefused, onTrouble }, { listen: init.blobs })
  opening.defer(() => listener.close())
  const blobs = await listener.open()
  gate.blobs = ownAddresses({ ...init, listen: blobs, interfaces: networkInterfaces() }).map(toHostPort)
  const client = opening.adopt(
    new BlobClient({
      gate,
      identity,
      clock,
      onBytes: (peer, bytes) => book.moved(peer, 'in', bytes),
      purges: { mark: () => settled.purges ?? '', agree: (peer) => shared.agree(peer) },
    }),
    (part) => part.close(),
  )

  // What nobody can fetch is of no use to anybody who looks for it. Where a seed is fetching it, the crowd that wants it comes together.
  const has = (digest: Digest) =>
    components.shelf.has(digest) || (own.role === 'seed' && (components.shelf.partial(digest)?.size ?? 0) > LARGE_BYTES)
  const shelf = { has: (digest: Digest) => upkeep.reachable !== false && settled.isSettled && has(digest) }
  const store = new ProviderStore({ self, shelf, clock })
  const host = opening.use(
    await Host.create(
      { key, gate, store, book, clock },
      {
        ...init,
        secret,
        server: isServer,
        discovery: init.mdns ? [mdnsDiscovery({ tag: mdnsTag(secret), log })] : [],
      },
    ),
  )
  const { dht } = host.libp2p.services
  const exchange = new InventoryExchange({ libp2p: host.libp2p, book, shelf: components.shelf, clock })
  const remembered = new RememberedPeers({ clock, log }, { folder: folder.path })
  const discovery = new Discovery(
    {
      dial: async (address, signal) => void (await host.dial(address, signal)),
      introductions: async (signal) => {
        const [one] = shuffled(host.libp2p.getConnections(), Math.random)
        return one ? askIntroductions(one, signal) : []
      },
      connected: () => book.connected,
      listening: () => host.listening,
      remembered,
      isPassing: (peer) => book.isPassing(peer),
      clock,
      log,
    },
    { addresses: [...membership.addresses, ...init.bootstrap], self, neighbours: NEIGHBOURS },
  )
  const check = (peer: string, signal: AbortSignal) =>
    client.reach({ id: peer, addresses: book.blobsOf(peer) }, signal).then(
      () => true,
      () => false,
    )
  const announcer = new Announcer(
    {
      provide: (digest, signal) => provide(dht, digest, signal),
      shelf: { has: shelf.has, holdings: () => components.shelf.holdings() },
      clock,
    },
    {
      needed: () => {
        // Whoever is connected hears of everything anyway.
        if (discovery.unmet === 0 && exchange.tellsAll) return false
        return dht.getMode() === 'client' || dht.routingTable.size > ASKED_ALL
      },
    },
  )
  const effects = components.effects ?? { apply: async () => {}, freed: () => [], isPurging: false }
  const acks = new Acknowledgements(
    {
      ledger,
      key,
      clock,
      chain: () => gate.membership.chain,
      freed: () => effects.freed(),
      judge: (chain, peer) => gate.roleOf(chain, peer),
    },
    { self },
  )
  const offer = () => {
    announcer.enabled = upkeep.reachable === true && shared.isSettled
    exchange.own.offered = upkeep.reachable !== false && shared.isSettled
  }
  const shared: SharedLedger = new SharedLedger({
    ledger,
    acks,
    effects,
    onSettled: offer,
    own,
    gate,
    book,
    folder,
    clock,
    log,
    libp2p: host.libp2p,
    cutBlobs: (peer) => client.forget(peer),
    cutSockets: (isCut) => listener.cut(isCut),
    hangUp: (peer) => host.hangUp(peer, 'this member was revoked'),
    onSeed: () => {
      if (init.dht === 'auto') void dht.setMode('server')
    },
  })
  settled = shared
  const upkeep = new Upkeep(
    {
      clock,
      book,
      askReach: (signal) => askReach(host.libp2p.getConnections(), signal),
      survey: () => {
        host.survey(clock.now())
        exchange.survey()
        shared.survey()
        offer()
      },
      servers: () => dht.routingTable.size,
      becomeServer: () => dht.setMode('server'),
      onReachable: (reachable) => {
        offer()
        if (!reachable) log.warn(UNREACHABLE)
      },
    },
    { serving: isServer || init.dht === 'client' },
  )

  host.libp2p.addEventListener('connection:open', ({ detail: { remotePeer, remoteAddr, direction } }) => {
    discovery.connectedTo(remotePeer.toString(), direction === 'outbound' ? remoteAddr.toString() : undefined)
    upkeep.met()
  })
  // Not 'peer:disconnect': libp2p tells of that before the book has heard that the connection is closed.
  host.libp2p.addEventListener('connection:close', ({ detail: { remotePeer } }) => {
    const peer = remotePeer.toString()
    if (book.isConnected(peer)) return
    if (book.isKnown(peer)) discovery.lost(peer)
    else {
      discovery.forgotten(peer)
      void host.libp2p.peerStore.delete(remotePeer).catch(() => {})
    }
    // While everything is being closed there is no table any more.
    void drop(dht, remotePeer).catch(() => {})
  })
  host.libp2p.addEventListener('peer:identify', ({ detail: { peerId, listenAddrs, connection } }) => {
    book.listening(peerId.toString(), listenAddrs.map(String))
    discovery.told(peerId.toString(), listenAddrs.map(String))
    shared.met(peerId.toString())
    void askIntroductions(connection, life.signal).then((members) => {
      for (const { id, addresses } of members) discovery.found(id, addresses)
    })
  })
  host.libp2p.addEventListener('peer:discovery', ({ detail: { id, multiaddrs } }) => {
    discovery.found(id.toString(), multiaddrs.map(String))
  })
  await answerReach(host.libp2p, check)
  await answerIntroductions(host.libp2p, (peer) => book.get(peer)?.addresses ?? [])
  await exchange.start()
  opening.defer(() => exchange.stop())
  await host.start()
  for (const part of [shared, discovery, announcer, upkeep]) {
    opening.defer(() => part.stop())
    await part.start()
  }
  const { pins, permanence } = components
  const seeds = new Seeds({ book, client }, { self, isSeed: () => own.role === 'seed' })
  opening.defer(() => pins?.stop())
  pins?.start(seeds)
  opening.defer(() => permanence?.left())
  permanence?.joined(seeds)
  const parts = opening.move()
  const lookup = new DhtLookup({ dht, book, self, clock })
  const { inventories, own: inventory } = exchange
  const router = new Router({ book, lookup, inventories, unmet: () => discovery.unmet })
  return new Libp2pMesh(
    {
      book,
      client,
      clock,
      headStart: new HeadStart(),
      lookup,
      inventories,
      inventory,
      router,
      small: new SmallBlobs({ book, client, clock, router }),
      announcer,
      meet: (peer, signal) => host.meet(peer, signal),
      status: () => ({
        listen: host.multiaddrs,
        blobs: toHostPort(blobs),
        reachable: upkeep.reachable ?? null,
        trouble: own.trouble ?? discovery.trouble ?? null,
        role: own.role,
        notAfter: own.notAfter,
      }),
      isSeed: () => own.role === 'seed',
      home: components.home ?? ((key) => key),
      membership: () => gate.membership,
      ledger: {
        ledger,
        relay: (text, check) => shared.relay(text, check),
        gather: () => shared.gather(),
        appliedBy: (hash) => acks.appliedBy(hash),
        freedBy: (hash) => acks.freedBy(hash),
        get isConfirmed() {
          return shared.isConfirmed
        },
        differsSince: (peer) => shared.differsSince(peer),
        get clockAhead() {
          return shared.clockAhead
        },
      },
      refresh: () => shared.refresh(),
      close: () => parts.disposeAsync(),
    },
    { id: membership.mesh, self, names: init.names, zone: init.zone },
  )
}
