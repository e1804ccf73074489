import { constants } from 'node:crypto'
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { Clock } from '../../clock.ts'
import { reasonOf, WarrenError } from '../../errors.ts'
import { type TcpAddress, toHostPort } from '../../tcp-address.ts'
import { ADMISSION_LIMIT, type Admitted, type Gate } from '../gate.ts'
import { admitAsServer } from './admission.ts'
import { MAX_HEAD_BYTES, MAX_QUESTION_BYTES, PROTOCOL } from './constants.ts'
import { Guests } from './guests.ts'
import { HalfOpen } from './half-open.ts'
import type { IdentityCertificate } from './identity-certificate.ts'

export interface BlobListenerComponents {
  readonly gate: Gate
  readonly identity: IdentityCertificate
  readonly clock: Clock
  /** Answers a request of a member. */
  handle(request: IncomingMessage, response: ServerResponse, member: Admitted): void
  /** Somebody at `address` was not let in. */
  onRefused(address: string, reason: unknown): void
  /** Hears of what went wrong outside any connection, such as running out of descriptors. */
  onTrouble(error: Error): void
}

/** Times in ms. */
export interface BlobListenerLimits {
  /** For TLS handshake and cards together. */
  readonly admission: number
  /** Connections that are not admitted yet. */
  readonly halfOpen: number
  /** The same from one address. */
  readonly halfOpenPerAddress: number
  /** Connections of one member. */
  readonly perPeer: number
  /** Connections in all. */
  readonly connections: number
  /** That the head of a request may take. */
  readonly headers: number
  /** Between two looks at that. */
  readonly check: number
  /** After which a connection without a request is closed; longer than the other side's own limit. */
  readonly keepAlive: number
  /** Without one byte moving, after which a connection is given up. */
  readonly stalled: number
  /** That answers under way get when the node stops. */
  readonly drain: number
}

const LISTENER_LIMITS: BlobListenerLimits = {
  admission: ADMISSION_LIMIT,
  halfOpen: 128,
  halfOpenPerAddress: 32,
  perPeer: 64,
  connections: 4096,
  headers: 10_000,
  check: 5_000,
  keepAlive: 75_000,
  stalled: 120_000,
  drain: 5_000,
}

/** Answers that one connection may owe: members ask for one blob after the other, and the next one may come amid the last byte. */
const MAX_OWED = 4

export interface BlobListenerInit {
  readonly listen: TcpAddress
  readonly limits?: Partial<BlobListenerLimits>
}

/** Where members ask for blobs. Nobody else's bytes ever reach an HTTP parser. */
export class BlobListener {
  readonly #components: BlobListenerComponents
  readonly #init: BlobListenerInit
  readonly #limits: BlobListenerLimits
  readonly #server: Server
  readonly #tls: TlsServer
  readonly #http: HttpServer
  readonly #halfOpen: HalfOpen
  readonly #guests: Guests
  #draining = false

  constructor(components: BlobListenerComponents, init: BlobListenerInit) {
    this.#components = components
    this.#init = init
    this.#limits = { ...LISTENER_LIMITS, ...init.limits }
    const { admission, halfOpen, halfOpenPerAddress, perPeer, connections } = this.#limits
    this.#halfOpen = new HalfOpen({ total: halfOpen, perAddress: halfOpenPerAddress, limit: admission })
    this.#guests = new Guests(perPeer)
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket))
    this.#server.maxConnections = connections
    this.#tls = createTlsServer(
      {
        ...components.identity,
        minVersion: 'TLSv1.3',
        requestCert: true,
        // Whom a certificate names is checked by hand: none of them is signed by an authority.
        rejectUnauthorized: false,
        ALPNProtocols: [PROTOCOL],
        // A resumed session would come without the certificate that says whose it is.
        secureOptions: constants.SSL_OP_NO_TICKET,
      },
      (socket) => void this.#admit(socket),
    )
    this.#http = this.#httpServer()
  }

  /** Resolves with the address in use, where port 0 has become a real one. Throws ADDRESS_IN_USE. */
  async open(): Promise<TcpAddress> {
    const { host, port } = this.#init.listen
    await new Promise<void>((resolve, reject) => {
      const onError = (cause: Error) => {
        const message = `cannot listen on ${toHostPort(this.#init.listen)} for the blobs of the mesh: ${reasonOf(cause)}; set mesh.blobs (WARREN_MESH_BLOBS) to a free address`
        reject(new WarrenError('ADDRESS_IN_USE', message, { cause }))
      }
      this.#server.once('error', onError)
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError).on('error', this.#components.onTrouble)
        resolve()
      })
    })
    return { host, port: (this.#server.address() as AddressInfo).port }
  }

  /** Ends the connections of members that are not welcome any more. */
  cut(isCut: (member: Admitted) => boolean): void {
    this.#guests.cut(isCut)
  }

  /** Takes no new connections, lets answers under way finish for a short time, then closes everything. */
  async close(): Promise<void> {
    this.#draining = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#halfOpen.destroyAll()
    this.#guests.destroyIdle()
    const late = setTimeout(() => this.#guests.cut(() => true), this.#limits.drain)
    await closed
    clearTimeout(late)
    this.#http.close()
  }

  #accept(socket: Socket): void {
    // A reset between two owners of the socket would end the process.
    socket.on('error', () => {})
    if (this.#draining || !this.#halfOpen.add(socket)) socket.destroy()
    else this.#tls.emit('connection', socket)
  }

  async #admit(socket: TLSSocket): Promise<void> {
    socket.on('error', () => {})
    const address = socket.remoteAddress ?? 'an address that is gone'
    try {
      const member = await admitAsServer(socket, this.#components.gate)
      this.#halfOpen.admitted(socket)
      if (this.#draining || !this.#guests.add(socket, member)) socket.destroy()
      else this.#http.emit('connection', socket)
    } catch (error) {
      this.#components.onRefused(address, error)
    }
  }

  #httpServer(): HttpServer {
    const { headers, check, keepAlive, stalled } = this.#limits
    const server = createHttpServer(
      {
        optimizeEmptyRequests: true,
        maxHeaderSize: MAX_HEAD_BYTES,
        headersTimeout: headers,
        requestTimeout: headers,
        keepAliveTimeout: keepAlive,
        connectionsCheckingInterval: check,
      },
      (request, response) => this.#take(request, response),
    )
    server.timeout = stalled
    // It is given its connections; limits of time are kept only by a server that listens, as it believes to do now.
    server.emit('listening')
    return server
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const socket = request.socket as TLSSocket
    const guest = this.#guests.memberOf(socket)
    const member = guest && this.#components.gate.current(guest)
    const ended = !member || member.notAfter < this.#components.clock.now()
    if (ended || this.#guests.owes(socket) > MAX_OWED) {
      socket.destroy()
      return
    }
    response.once('close', () => {
      if (this.#guests.paid(socket) === 0 && this.#draining) socket.destroySoon()
    })
    if (this.#draining) response.shouldKeepAlive = false
    if (hasBody(request) && !mayHaveBody(request)) refuseBody(response)
    else this.#components.handle(request, response, member)
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** A question of known length; who answers it reads it. */
function mayHaveBody({ method, headers }: IncomingMessage): boolean {
  if (method !== 'POST' || headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return false
  return Number(headers['content-length']) <= MAX_QUESTION_BYTES
}

/** What is sent is of no use to anybody, and neither read nor waited for. */
function refuseBody(response: ServerResponse): void {
  response.writeHead(400, { connection: 'close', 'content-length': '0' }).end()
}
