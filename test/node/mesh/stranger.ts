import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { ConnectionEncrypter, Libp2p, MessageStream, SecuredConnection } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { LedgerState } from '../../../node/ledger/state.ts'
import { ProviderStore } from '../../../node/mesh/dht/provider-store.ts'
import { guardedTcp } from '../../../node/mesh/host/dial-guard.ts'
import { Host } from '../../../node/mesh/host/host.ts'
import { MemberGate } from '../../../node/mesh/member-gate.ts'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import type { TcpAddress } from '../../../node/tcp-address.ts'
import { generateKey, peerIdOf } from '../../../node/trust/keys.ts'
import type { Membership } from '../../../node/trust/membership.ts'
import type { NodeKey } from '../../../node/trust/node-key.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { MemoryShelf } from '../../harness/memory-shelf.ts'

export const VERSION = '0.0.0-test'
/** A protocol that the honest host speaks. */
const SPOKEN = '/test/spoken/1.0.0'

export function newKey(): NodeKey {
  const key = generateKey()
  return Object.assign(key, { peerId: peerIdOf(key.publicKey) })
}

/** The TCP port in the first of some multiaddrs. */
export function portOf(multiaddrs: readonly string[]): number {
  return Number(/\/tcp\/(\d+)/.exec(multiaddrs[0] ?? '')?.[1])
}

/** The libp2p side of an honest member, and all that strangers might make of it. */
export class HonestHost {
  readonly host: Host
  readonly book: PeerBook
  readonly port: number
  /** What happened that only a member may cause. */
  readonly events: readonly string[]

  private constructor(host: Host, book: PeerBook, events: readonly string[]) {
    this.host = host
    this.book = book
    this.events = events
    this.port = portOf(host.multiaddrs)
  }

  static async open(
    key: NodeKey,
    membership: Membership,
    now: number,
    listen: TcpAddress = { host: '127.0.0.1', port: 0 },
  ): Promise<HonestHost> {
    const clock = new VirtualClock(now)
    const book = new PeerBook({ clock })
    const gate = new MemberGate(
      { clock, state: new LedgerState(membership) },
      { membership, self: key.peerId, version: VERSION },
    )
    gate.blobs = ['192.0.2.99:7472']
    const store = new ProviderStore({ self: key.peerId, shelf: new MemoryShelf(), clock })
    const host = await Host.create(
      { key, gate, store, book, clock },
      {
        secret: Buffer.from(membership.secret, 'base64url'),
        listen,
        announce: [],
        server: true,
        version: VERSION,
        discovery: [],
      },
    )
    const events: string[] = []
    for (const event of ['connection:open', 'peer:connect', 'peer:identify', 'peer:discovery'] as const) {
      host.libp2p.addEventListener(event, () => void events.push(event))
    }
    await host.libp2p.handle(SPOKEN, () => void events.push('stream'))
    await host.start()
    return new HonestHost(host, book, events)
  }

  /** Peer ids in libp2p's own memory, but its own. */
  async remembered(): Promise<string[]> {
    const all = await this.host.libp2p.peerStore.all()
    return all.map(({ id }) => id.toString()).filter((id) => id !== this.host.libp2p.peerId.toString())
  }

  async close(): Promise<void> {
    await this.host[Symbol.asyncDispose]()
  }
}

/** Stands before a member's port, passes all on but the stranger's leaving, and keeps what the member said. */
export class Relay {
  readonly address: string
  readonly port: number
  /** Resolves when the member has ended the connection. */
  readonly left: Promise<void>
  readonly #server: Server
  readonly #sockets: Socket[] = []
  readonly #said: Buffer[] = []

  private constructor(server: Server, target: number) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.address = `/ip4/127.0.0.1/tcp/${this.port}`
    this.left = once(server, 'connection').then(async ([accepted]) => {
      const stranger: Socket = accepted
      const member = connect({ host: '127.0.0.1', port: target })
      this.#sockets.push(stranger, member)
      for (const socket of this.#sockets) socket.on('error', () => {})
      stranger.on('data', (bytes) => member.write(bytes))
      member.on('data', (bytes: Buffer) => {
        this.#said.push(bytes)
        stranger.write(bytes)
      })
      await new Promise((resolve) => member.once('close', resolve))
      stranger.destroy()
    })
  }

  static async open(target: number): Promise<Relay> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Relay(server, target)
  }

  /** All that the member sent, as latin1. */
  get said(): string {
    return Buffer.concat(this.#said).toString('latin1')
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** What the handshake of noise may carry; its type leaves out one of them. */
interface Extensions {
  readonly streamMuxers: string[]
  readonly webtransportCerthashes: unknown[]
}

/** What a stranger does once the handshake is done; what it resolves with is what its libp2p goes on with. */
export type Script = (connection: MessageStream) => Promise<MessageStream> | MessageStream

export function cardOf(key: NodeKey, membership: Membership, now: number): Buffer {
  const init = { membership, self: key.peerId, version: VERSION }
  return new MemberGate({ clock: new VirtualClock(now), state: new LedgerState(membership) }, init).card()
}

/** Shows a card, reads the other one, and goes on. */
export function asMember(card: Buffer): Script {
  return async (connection) => {
    const cards = lpStream(connection)
    await cards.write(card)
    await cards.read()
    return cards.unwrap()
  }
}

export interface StrangerInit {
  readonly secret: string
  readonly key?: NodeKey
  readonly script: Script
  readonly listen?: boolean
}

/** A libp2p node that is no member: it speaks noise with any secret, and then does whatever a test wants. */
export class Stranger implements AsyncDisposable {
  readonly libp2p: Libp2p
  /** What it learnt in each handshake that it completed. */
  readonly learnt: { peer: string; muxers: string[]; hashes: unknown[] }[] = []
  readonly #decrypted: Uint8Array[] = []

  private constructor(libp2p: Libp2p) {
    this.libp2p = libp2p
  }

  static async open({ secret, key = newKey(), script, listen = false }: StrangerInit): Promise<Stranger> {
    const prologueBytes = Buffer.concat([Buffer.from('warren mesh v1\n'), Buffer.from(secret, 'base64url')])
    const over = async (secured: SecuredConnection): Promise<SecuredConnection> => {
      const { streamMuxers, webtransportCerthashes } = secured.remoteExtensions as Extensions
      stranger.learnt.push({ peer: String(secured.remotePeer), muxers: streamMuxers, hashes: webtransportCerthashes })
      secured.connection.addEventListener('message', ({ data }) => stranger.#decrypted.push(data.subarray()))
      return { ...secured, connection: await script(secured.connection) }
    }
    const encrypter = (components: Parameters<ReturnType<typeof noise>>[0]): ConnectionEncrypter => {
      const inner = noise({ prologueBytes })(components)
      return {
        protocol: inner.protocol,
        secureInbound: async (connection, options) => over(await inner.secureInbound(connection, options)),
        secureOutbound: async (connection, options) => over(await inner.secureOutbound(connection, options)),
      }
    }
    const libp2p = await createLibp2p({
      privateKey: privateKeyFromRaw(Buffer.concat([key.seed, Buffer.from(key.publicKey, 'base64url')])),
      addresses: { listen: listen ? ['/ip4/127.0.0.1/tcp/0'] : [] },
      transports: [guardedTcp()],
      connectionEncrypters: [encrypter],
      streamMuxers: [yamux()],
    })
    const stranger = new Stranger(libp2p)
    return stranger
  }

  /** All that came behind the handshake, and that it could read. */
  get decrypted(): Buffer {
    return Buffer.concat(this.#decrypted)
  }

  get address(): string {
    return String(this.libp2p.getMultiaddrs()[0])
  }

  /** Dials, and tries to speak with whoever is there. Whether it could. */
  async knock(address: string): Promise<boolean> {
    try {
      const connection = await this.libp2p.dial(multiaddr(address))
      await connection.newStream([SPOKEN, '/warren/id/1.0.0', '/warren/kad/1.0.0'])
      return true
    } catch {
      return false
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.libp2p.stop()
  }
}
