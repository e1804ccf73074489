import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls'
import { type Body, bufferBody } from '../../../../node/body.ts'
import { type Digest, formatDigest } from '../../../../node/digest.ts'
import { WarrenError } from '../../../../node/errors.ts'
import { BatchService } from '../../../../node/http/batch-service.ts'
import { BlobService } from '../../../../node/http/blob-service.ts'
import { MemberDoor } from '../../../../node/http/member-door.ts'
import { RenderedCache } from '../../../../node/http/rendered.ts'
import { ScratchPool } from '../../../../node/http/scratch-pool.ts'
import { Sender } from '../../../../node/http/sender.ts'
import { admitAsServer } from '../../../../node/mesh/blobs/admission.ts'
import { BlobClient, type BlobClientComponents, type BlobClientLimits } from '../../../../node/mesh/blobs/blob-client.ts'
import { BlobListener, type BlobListenerLimits } from '../../../../node/mesh/blobs/blob-listener.ts'
import { PROTOCOL } from '../../../../node/mesh/blobs/constants.ts'
import { type IdentityCertificate, identityCertificate } from '../../../../node/mesh/blobs/identity-certificate.ts'
import type { Admitted, Gate } from '../../../../node/mesh/gate.ts'
import { SpareBuffers } from '../../../../node/spare-buffers.ts'
import { keyFromSeed, peerIdOf, type SigningKey } from '../../../../node/trust/keys.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { handoutOf } from '../../../harness/handout.ts'
import { using } from '../../http/fixture.ts'

/** Ms since the epoch at which all certificates of members end. */
export const NOT_AFTER = Date.UTC(2030, 0, 1)

/** A gate that lets in whoever shows a card with its own peer id. */
class FakeGate implements Gate {
  readonly #peer: string
  /** How often the own card was asked for. */
  shown = 0
  /** Shown instead of the right card. */
  instead: Buffer | undefined

  constructor(peer: string) {
    this.#peer = peer
  }

  card(): Buffer {
    this.shown++
    return this.instead ?? cardOf(this.#peer)
  }

  admit(peer: string, card: Buffer): Admitted {
    if (!card.equals(cardOf(peer))) throw new WarrenError('UNTRUSTED', `that is no card of ${peer}`)
    return { peer, role: 'member', notAfter: NOT_AFTER, version: '1.0.0', blobs: [] }
  }

  current(member: Admitted): Admitted {
    return member
  }

  farewell(): undefined {}
}

export function cardOf(peer: string): Buffer {
  return Buffer.from(`card of ${peer}`)
}

/** A card as it goes over the wire. */
export function framed(card: Buffer, length = card.length): Buffer {
  return Buffer.concat([Buffer.of(length >> 8, length & 0xff), card])
}

/** Somebody with an identity. */
export interface Party {
  readonly id: string
  readonly key: SigningKey
  readonly gate: FakeGate
  readonly identity: IdentityCertificate
}

/** The same for the same number, but for the certificate. */
export async function party(number: number): Promise<Party> {
  const key = keyFromSeed(Buffer.alloc(32, number))
  const id = peerIdOf(key.publicKey)
  return { id, key, gate: new FakeGate(id), identity: await identityCertificate(key) }
}

export function digestOf(bytes: Buffer): Digest {
  return { algorithm: 'sha256', hex: createHash('sha256').update(bytes).digest('hex') }
}

/** A listener that hands out blobs, and what it saw. */
export class Holder {
  readonly party: Party
  readonly clock = new VirtualClock()
  readonly listener: BlobListener
  /** Peer ids of those who asked, in order. */
  readonly asked: string[] = []
  /** Answers under way. */
  readonly open = new Set<ServerResponse>()
  /** Why somebody was not let in. */
  readonly refused: unknown[] = []
  readonly sent: [peer: string, bytes: number][] = []
  readonly #blobs = new Map<string, Body>()
  readonly #rendered = new RenderedCache({ onTrouble: (error) => this.refused.push(error) }, { bytes: 0 })
  #address = ''

  constructor(holder: Party, limits: Partial<BlobListenerLimits> = {}, port = 0) {
    this.party = holder
    const open = (digest: Digest) => this.#blobs.get(formatDigest(digest))
    const sender = new Sender({ pool: new ScratchPool(), rendered: this.#rendered })
    const door = new MemberDoor({
      services: [
        new BlobService({ handout: handoutOf(open), sender }),
        new BatchService({ shelf: { open }, clock: this.clock, memory: new SpareBuffers({ maxBytes: 1 << 20 }) }),
      ],
      events: { sent: (peer, bytes) => this.sent.push([peer, bytes]), bug: (error) => this.refused.push(error) },
    })
    this.listener = new BlobListener(
      {
        gate: holder.gate,
        identity: holder.identity,
        clock: this.clock,
        handle: (request, response, member) => this.#handle(door, request, response, member),
        onRefused: (_address, reason) => this.refused.push(reason),
        onTrouble: (error) => this.refused.push(error),
      },
      { listen: { host: '127.0.0.1', port }, limits: { drain: 2_000, ...limits } },
    )
  }

  async start(): Promise<this> {
    const { host, port } = await this.listener.open()
    this.#address = `${host}:${port}`
    return this
  }

  get address(): string {
    return this.#address
  }

  get port(): number {
    return Number(this.#address.split(':')[1])
  }

  /** As somebody to ask. */
  get peer() {
    return { id: this.party.id, addresses: [this.#address] }
  }

  hold(bytes: Buffer, body: Body = bufferBody(bytes)): Digest {
    const digest = digestOf(bytes)
    this.#blobs.set(formatDigest(digest), body)
    return digest
  }

  async close(): Promise<void> {
    await this.listener.close()
    await this.#rendered.close()
  }

  #handle(door: MemberDoor, request: IncomingMessage, response: ServerResponse, member: Admitted): void {
    this.asked.push(member.peer)
    this.open.add(response)
    response.once('close', () => this.open.delete(response))
    void door.handle(request, response, member)
  }
}

/** A started holder; closed after the test. */
export async function holder(number = 1, limits: Partial<BlobListenerLimits> = {}): Promise<Holder> {
  return using(await new Holder(await party(number), limits).start())
}

export interface Asker {
  readonly party: Party
  readonly client: BlobClient
  readonly clock: VirtualClock
  /** What came, by member. */
  readonly received: [peer: string, bytes: number][]
}

/** A client; closed after the test, before the holders. */
export async function asker(
  number = 2,
  limits: Partial<BlobClientLimits> = {},
  others: Pick<BlobClientComponents, 'purges'> = {},
): Promise<Asker> {
  const asking = await party(number)
  const received: [string, number][] = []
  const clock = new VirtualClock()
  const { gate, identity } = asking
  const onBytes = (peer: string, bytes: number) => void received.push([peer, bytes])
  const components = { gate, identity, clock, onBytes, ...others }
  const client = using(new BlobClient(components, limits))
  return { party: asking, client, clock, received }
}

/** What somebody saw that a listener may not want. */
export interface Seen {
  readonly socket: TLSSocket
  /** All that came behind the handshake. */
  readonly received: Buffer[]
  /** Resolves when the other side has ended the connection. */
  readonly closed: Promise<void>
}

/** A TLS connection by hand; closed after the test. */
export function stranger(port: number, options: ConnectionOptions): Seen {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: [PROTOCOL], ...options })
  const received: Buffer[] = []
  socket.on('error', () => {})
  socket.on('data', (bytes) => received.push(bytes))
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  using({ close: () => void socket.destroy() })
  return { socket, received, closed }
}

/** A server that does what a test wrote down once it has admitted somebody, and answers each request with raw bytes. */
export interface Scripted {
  /** As somebody to ask. */
  readonly peer: { readonly id: string; readonly addresses: readonly string[] }
  /** Heads of requests, in order. */
  readonly requests: string[]
  /** Connections that got through TLS. */
  readonly connections: TLSSocket[]
  /** All connections. */
  readonly sockets: readonly Socket[]
}

/**
 * @param answer is called with each head of a request
 * @param most connections that it lets in; the others are broken off
 */
export async function scripted(
  as: Party,
  answer: (socket: TLSSocket, head: string) => void,
  most = Number.POSITIVE_INFINITY,
): Promise<Scripted> {
  const requests: string[] = []
  const connections: TLSSocket[] = []
  const options = { ...as.identity, requestCert: true, rejectUnauthorized: false, ALPNProtocols: [PROTOCOL] }
  const server = createServer(options, async (socket) => {
    socket.on('error', () => {})
    if (connections.push(socket) > most) return socket.destroy()
    await admitAsServer(socket, as.gate).catch(() => {})
    let buffered = ''
    socket.on('data', (bytes) => {
      buffered += bytes.toString('latin1')
      const [head, rest] = buffered.split('\r\n\r\n', 2)
      if (head === undefined || rest === undefined) return
      buffered = rest
      requests.push(head)
      answer(socket, head)
    })
  })
  const { address, sockets } = await listening(server)
  return { peer: { id: as.id, addresses: [address] }, requests, connections, sockets }
}

/** Lets a server listen until the test ends, when all of its connections are broken. */
export async function listening(server: Server): Promise<{ address: string; sockets: readonly Socket[] }> {
  const sockets: Socket[] = []
  server.on('connection', (socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  using({
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sockets }
}

export const NEVER = new AbortController().signal

export async function read(body: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(body))
}
