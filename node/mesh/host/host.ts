import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { type Identify, type IdentifyPush, identify, identifyPush } from '@libp2p/identify'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { SingleKadDHT } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Clock } from '../../clock.ts'
import { WarrenError } from '../../errors.ts'
import { toMultiaddr } from '../../member-address.ts'
import { ownAddresses } from '../../own-addresses.ts'
import { isWildcard, type TcpAddress, toHostPort } from '../../tcp-address.ts'
import type { NodeKey } from '../../trust/node-key.ts'
import { KEEP_ADDRESSES, kadService } from '../dht/kad.ts'
import type { ProviderStore } from '../dht/provider-store.ts'
import type { Gate } from '../gate.ts'
import type { PeerBook } from '../peer-book.ts'
import { DialBudget } from './dial-budget.ts'
import { guardedTcp } from './dial-guard.ts'
import { CONNECTION_LIMITS, LIVENESS, MAX_CONNECTIONS_EACH } from './limits.ts'
import { livelyYamux, roundTripOf } from './lively-yamux.ts'
import { memberEncrypter } from './member-encrypter.ts'

/** Ms in which changes of what this node speaks are gathered, a second by default: until they are told nobody finds its blobs. */
const PUSH_DEBOUNCE = 100

export interface HostComponents {
  readonly key: NodeKey
  readonly gate: Gate
  readonly store: ProviderStore
  readonly book: PeerBook
  readonly clock: Clock
}

export interface HostInit {
  /** The mesh secret. */
  readonly secret: Buffer
  readonly listen: TcpAddress
  /** Hosts by which others reach this node; those of its interfaces when empty. */
  readonly announce: readonly string[]
  /** Whether it keeps DHT records for others from the start. */
  readonly server: boolean
  readonly version: string
  readonly discovery: readonly NonNullable<Libp2pOptions['peerDiscovery']>[number][]
}

type Services = { dht: SingleKadDHT; identify: Identify; identifyPush: IdentifyPush; ping: Ping }

/** What carries the control plane: libp2p with nothing on it that a stranger could talk to. */
export class Host implements AsyncDisposable {
  readonly libp2p: Libp2p<Services>
  readonly #book: PeerBook
  readonly #budget: DialBudget
  readonly #listen: TcpAddress

  private constructor(libp2p: Libp2p<Services>, { book, budget }: { book: PeerBook; budget: DialBudget }, listen: TcpAddress) {
    this.libp2p = libp2p
    this.#book = book
    this.#budget = budget
    this.#listen = listen
    libp2p.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    libp2p.addEventListener('connection:close', ({ detail }) => book.closed(detail.remotePeer.toString()))
  }

  /** A host that does not listen yet, so that whoever wants to hear of its first connection can be there. */
  static async create(components: HostComponents, init: HostInit): Promise<Host> {
    const { key, gate, store, book, clock } = components
    const budget = new DialBudget({ clock, isKnown: (peer) => book.isKnown(peer) })
    const libp2p = await createLibp2p<Services>({
      start: false,
      privateKey: privateKeyFromRaw(Buffer.concat([key.seed, Buffer.from(key.publicKey, 'base64url')])),
      nodeInfo: { name: 'warren', version: init.version },
      addresses: {
        listen: listeningMultiaddrs(init.listen),
        announceFilter: (all) => announcedMultiaddrs(all, init, key.peerId),
      },
      transports: [guardedTcp()],
      connectionEncrypters: [memberEncrypter({ secret: init.secret, gate, onAdmitted: (admitted) => book.admitted(admitted) })],
      streamMuxers: [livelyYamux(LIVENESS)],
      peerDiscovery: [...init.discovery],
      connectionManager: CONNECTION_LIMITS,
      connectionGater: budget.gater,
      connectionMonitor: { enabled: false },
      datastore: store,
      peerStore: KEEP_ADDRESSES,
      services: {
        identify: identify({ protocolPrefix: 'warren' }),
        // Members that are connected already hear of it when this node begins to keep DHT records; else they would never ask it.
        identifyPush: identifyPush({ protocolPrefix: 'warren', debounce: PUSH_DEBOUNCE }),
        ping: ping({ protocolPrefix: 'warren' }),
        dht: kadService({ store, server: init.server }),
      },
    })
    return new Host(libp2p, { book, budget }, init.listen)
  }

  /** Throws ADDRESS_IN_USE when it cannot listen. */
  async start(): Promise<void> {
    try {
      await this.libp2p.start()
    } catch (cause) {
      const where = toHostPort(this.#listen)
      throw new WarrenError(
        'ADDRESS_IN_USE',
        `cannot listen for members on ${where}: another process uses it, or it is no address of this machine; set mesh.listen (WARREN_MESH_LISTEN) to another one`,
        { cause },
      )
    }
  }

  /** Connects to whoever is at an address. Rejects when nobody is, or a stranger. */
  async dial(address: string, signal: AbortSignal): Promise<Connection> {
    return this.#budget.choose(address, () => this.libp2p.dial(multiaddr(address), { signal }))
  }

  /** Connects to a peer, wherever the DHT knows it to be. */
  async meet(peer: string, signal: AbortSignal): Promise<Connection> {
    return this.libp2p.dial(peerIdFromString(peer), { signal })
  }

  /** Where others are told to find it. */
  get multiaddrs(): string[] {
    return this.libp2p.getMultiaddrs().map(String)
  }

  /** Where it really listens. */
  get listening(): string[] {
    const port = portOf(this.libp2p.getMultiaddrs())
    return port === 0 ? [] : [toMultiaddr({ host: this.#listen.host, port })]
  }

  /** Takes over round trips that libp2p measures, and hangs up on members whose certificate has ended. */
  survey(now: number): void {
    for (const connection of this.libp2p.getConnections()) {
      const id = connection.remotePeer.toString()
      const rtt = roundTripOf(connection)
      if (rtt !== undefined) this.#book.measured(id, rtt)
      if ((this.#book.get(id)?.notAfter ?? 0) < now) connection.abort(new Error('the certificate of this member has ended'))
    }
  }

  /** Ends all connections with a member. */
  hangUp(peer: string, reason: string): void {
    for (const connection of this.libp2p.getConnections(peerIdFromString(peer))) connection.abort(new Error(reason))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.libp2p.stop()
  }

  #opened(connection: Connection): void {
    // Between its card and this moment the member was revoked.
    if (!this.#book.isKnown(connection.remotePeer.toString())) connection.abort(new Error('nobody vouches for this member'))
    this.#book.opened(connection.remotePeer.toString(), connection.remoteAddr.toString())
    const all = this.libp2p.getConnections(connection.remotePeer)
    // The oldest go: behind them there may be nobody any more, when a member comes back.
    for (const one of all.slice(0, -MAX_CONNECTIONS_EACH)) one.abort(new Error('one member has too many connections'))
  }
}

/** libp2p has `::` for IPv6 alone, while all others, and what members are told, take it for both families (RFC 3493 section 5.3). */
function listeningMultiaddrs(listen: TcpAddress): string[] {
  const isBoth = isWildcard(listen) && isIPv6(listen.host) && listen.port !== 0
  return [listen, ...(isBoth ? [{ ...listen, host: '0.0.0.0' }] : [])].map((one) => toMultiaddr(one))
}

/** What others are told: `listening` only says which port it has become. With the peer id, without which mDNS tells nothing. */
function announcedMultiaddrs(listening: readonly Multiaddr[], { listen, announce }: HostInit, peer: string): Multiaddr[] {
  const own = { listen: { host: listen.host, port: portOf(listening) }, announce, interfaces: networkInterfaces() }
  return ownAddresses(own).map((address) => multiaddr(toMultiaddr({ ...address, peer })))
}

/** All of its addresses have the same one; 0 while it does not listen. */
function portOf([first]: readonly Multiaddr[]): number {
  return Number(first?.getComponents().find(({ name }) => name === 'tcp')?.value ?? 0)
}
