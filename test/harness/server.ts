import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** Ms that an idle connection stays, longer than any client keeps one, so that only clients end them (protocols of CI run 60 s). */
const KEEP_ALIVE_MS = 75_000

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Number of the connection, from 1. */
  readonly connection: number
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal
}

export type Handler = (exchange: Exchange) => Promise<void>

/**
 * An HTTP server on a free port, of loopback if nothing else is said, that can be gone and come back. What its handler throws, other
 * than that the client left, is the harness's own fault: `stop` rejects with it.
 */
export class LoopbackServer {
  readonly #handler: Handler
  readonly #connections = new WeakMap<Socket, number>()
  readonly #sockets = new Set<Socket>()
  readonly #faults: unknown[] = []
  #server: Server | undefined
  #host = '127.0.0.1'
  #port = 0
  #opened = 0

  constructor(handler: Handler) {
    this.#handler = handler
  }

  /** `http://<host>:<port>`, the same after `gone` and `back`. */
  get origin(): string {
    if (!this.#port) throw new Error('the server has no address before it is started')
    return `http://${this.#host}:${this.#port}`
  }

  /** Connections that were accepted since the start. */
  get connections(): number {
    return this.#opened
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size
  }

  /** @param host an IPv4 address of this machine */
  async start(host = this.#host): Promise<void> {
    if (this.#server) return
    this.#host = host
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 })
    server.on('connection', (socket) => this.#accept(socket))
    server.on('request', (request, response) => void this.#serve(request, response))
    this.#server = server
    server.listen(this.#port, host)
    try {
      await once(server, 'listening')
    } catch (error) {
      this.#server = undefined
      throw error
    }
    this.#port = (server.address() as AddressInfo).port
  }

  /** Breaks every connection and refuses new ones; the port is kept in mind. */
  async gone(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.resetAndDestroy()
    await closed
  }

  /** Listens on the same port again. */
  async back(): Promise<void> {
    await this.start()
  }

  /** Breaks open connections without refusing new ones. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async stop(): Promise<void> {
    await this.gone()
    const faults = this.#faults.splice(0)
    if (faults.length > 0) throw new AggregateError(faults, `${faults.length} requests failed inside the harness: ${faults[0]}`)
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    this.#connections.set(socket, ++this.#opened)
    // Resets are part of the game; without a listener each would end the process.
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController()
    response.on('close', () => left.abort())
    response.on('error', () => left.abort())
    const connection = this.#connections.get(request.socket) ?? 0
    try {
      await this.#handler({ request, response, connection, signal: left.signal })
    } catch (error) {
      if (!left.signal.aborted) this.#faults.push(error)
      request.socket.destroy()
    }
  }
}
