import { lstatSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { reasonOf, WarrenError } from '../errors.ts'
import { Connections } from './connections.ts'
import { type AtHand, ExpressLane } from './express-lane.ts'
import { formatAddress, type ListenAddress } from './listen-address.ts'
import { Turns } from './turns.ts'

/** All in ms. */
export interface Timeouts {
  /** That the header of a request may take: a client that drips it in holds a connection, not the node. */
  readonly headers: number
  /** That a whole request may take, upload included. Responses have no such limit. */
  readonly request: number
  /** Between two looks at the two above. */
  readonly check: number
  /** After which a kept-alive connection without a request is closed; longer than any client's own limit (pip, npm). */
  readonly keepAlive: number
  /** Without one byte moving, after which a connection is given up, in the middle of a response too. */
  readonly stalled: number
  /** That answers under way get when the node stops. */
  readonly drain: number
}

export const TIMEOUTS: Timeouts = {
  headers: 15_000,
  request: 120_000,
  check: 5_000,
  keepAlive: 75_000,
  stalled: 600_000,
  drain: 25_000,
}

/** Connections of one listener: more than a large CI fleet opens, fewer than descriptors that a service may have. */
const MAX_CONNECTIONS = 20_000

/** A tunnel is not what a mirror is for. */
const NO_TUNNEL = 'HTTP/1.1 405 Method Not Allowed\r\nallow: GET, HEAD\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'

export interface ListenerComponents {
  handle(request: IncomingMessage, response: ServerResponse): void
  /** As `ExpressLane` has it. */
  isPlain(request: IncomingMessage): boolean
  /** As `ExpressLane` has it. */
  atHand(target: string, headers: IncomingHttpHeaders, socket: Socket): AtHand | undefined
  /** Hears of what went wrong outside any request, such as running out of descriptors. */
  onTrouble(error: Error): void
}

/** One address that is listened on. */
export class Listener {
  readonly #components: ListenerComponents
  readonly #timeouts: Timeouts
  readonly #server: Server
  readonly #connections: Connections
  #draining = false

  constructor(components: ListenerComponents, timeouts: Timeouts) {
    const { headers, request, check, keepAlive } = timeouts
    this.#components = components
    this.#timeouts = timeouts
    const turns = new Turns(components.handle)
    const express = new ExpressLane(
      {
        isPlain: (request) => !this.#draining && components.isPlain(request),
        // While it stops, each answer has to say that it is the last one.
        atHand: (target, own, socket) => (this.#draining ? undefined : components.atHand(target, own, socket)),
        isIdle: (socket) => this.#connections.isIdle(socket),
      },
      { keepAlive },
    )
    this.#server = createServer(
      {
        keepAlive: true,
        noDelay: true,
        // Most requests have no body: without the events of a stream each of them costs a tenth less.
        optimizeEmptyRequests: true,
        headersTimeout: headers,
        requestTimeout: request,
        keepAliveTimeout: keepAlive,
        connectionsCheckingInterval: check,
      },
      (incoming, response) => {
        this.#connections.carries(response, incoming.socket)
        express.saw(incoming)
        if (this.#draining) response.shouldKeepAlive = false
        turns.take(incoming, response)
      },
    )
    this.#server.timeout = timeouts.stalled
    this.#server.maxConnections = MAX_CONNECTIONS
    this.#server.on('connect', (_request, socket: Socket) => {
      // Amid the answer to an earlier request the refusal would be taken for a part of it.
      if (this.#connections.isIdle(socket)) refuseTunnel(socket)
      else socket.destroy()
    })
    this.#connections = new Connections(this.#server)
    this.#server.on('connection', (socket) => express.watch(socket))
  }

  get connections(): number {
    return this.#connections.count
  }

  /** Resolves with the address in use, where port 0 has become a real one. Throws ADDRESS_IN_USE. */
  async open(address: ListenAddress): Promise<ListenAddress> {
    try {
      await this.#listen(address)
    } catch (error) {
      if (!(await isLeftOver(address, error))) throw listenError(address, error)
      await this.#listen(address).catch((again: unknown) => Promise.reject(listenError(address, again)))
    }
    this.#server.on('error', this.#components.onTrouble)
    if ('socket' in address) return address
    return { host: address.host, port: (this.#server.address() as AddressInfo).port }
  }

  /** Takes no new connections, lets answers under way finish, then closes everything. */
  async close(): Promise<void> {
    this.#draining = true
    await this.#connections.drain(this.#timeouts.drain)
    this.#server.off('error', this.#components.onTrouble)
  }

  #listen(address: ListenAddress): Promise<void> {
    const server = this.#server
    return new Promise((resolve, reject) => {
      const onListening = () => {
        server.off('error', onError)
        resolve()
      }
      const onError = (error: Error) => {
        server.off('listening', onListening)
        reject(error)
      }
      server.once('error', onError)
      server.once('listening', onListening)
      if ('socket' in address) server.listen(address.socket)
      else server.listen(address.port, address.host)
    })
  }
}

function refuseTunnel(socket: Socket): void {
  // Node took its own listeners off: without one a reset would end the process.
  socket.on('error', () => {})
  socket.end(NO_TUNNEL)
  socket.destroySoon()
}

/** Whether a Unix socket is only the file of a process that was killed; it is taken away then. */
async function isLeftOver(address: ListenAddress, error: unknown): Promise<boolean> {
  if (!('socket' in address) || codeOf(error) !== 'EADDRINUSE') return false
  // Linux refuses to connect to any file that is no socket, as it does to one without a listener: it may be somebody's work.
  if (!lstatSync(address.socket, { throwIfNoEntry: false })?.isSocket()) return false
  const refused = await new Promise<boolean>((resolve) => {
    const probe = connect(address.socket)
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (reason) => resolve(codeOf(reason) === 'ECONNREFUSED'))
  })
  if (refused) rmSync(address.socket, { force: true })
  return refused
}

function listenError(address: ListenAddress, error: unknown): WarrenError {
  const where = formatAddress(address)
  const isSocket = 'socket' in address
  if (codeOf(error) !== 'EADDRINUSE') {
    const right = isSocket ? 'choose a path in a folder that exists and may be written' : 'choose an address of this machine'
    return new WarrenError('ADDRESS_IN_USE', `cannot listen on ${where}: ${reasonOf(error)}; ${right}`, { cause: error })
  }
  const right = isSocket ? 'another path' : 'another address with --listen (or --admin-listen)'
  return new WarrenError('ADDRESS_IN_USE', `${where} is taken by another process: stop that one, or choose ${right}`, {
    cause: error,
  })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
