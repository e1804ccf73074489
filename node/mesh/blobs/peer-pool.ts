import type { SecureContext, TLSSocket } from 'node:tls'
import { type buildConnector, Client, Dispatcher } from 'undici'
import type { Gate } from '../gate.ts'
import { DIALS_PER_PEER, KEEP_ALIVE, MAX_HEAD_BYTES, SOCKETS_PER_PEER } from './constants.ts'
import { dial } from './dial.ts'

export interface PeerPoolComponents {
  readonly gate: Gate
  readonly secureContext: SecureContext
}

interface Waiting {
  readonly options: Dispatcher.DispatchOptions
  readonly handler: Dispatcher.DispatchHandler
}

/**
 * The sockets to one member: each has proven that it leads to this member before a request is sent. A request takes whichever is free
 * first and waits for no handshake of its own: with undici's pool a job that begins with hundreds of requests makes as many connections
 * as it may, which on a busy machine take longer than what they are for.
 */
export class PeerPool extends Dispatcher {
  readonly id: string
  readonly #components: PeerPoolComponents
  readonly #admission: number
  readonly #closed = new AbortController()
  readonly #clients = new Map<Client, TLSSocket>()
  /** Last comes who was used last: the others are closed in time when they are not needed. */
  readonly #free: Client[] = []
  readonly #waiting: Waiting[] = []
  #dialling = 0
  /** Set when no connection could be made, until one that is there has answered. */
  #refused = false
  #addresses: readonly string[] = []
  /** The address that led to the member when last dialled. */
  #proven: string | undefined

  /** @param init.admission ms for each address, from connecting to the cards */
  constructor(components: PeerPoolComponents, init: { id: string; admission: number }) {
    super()
    this.#components = components
    this.id = init.id
    this.#admission = init.admission
  }

  /** Where the member says that it is. */
  set addresses(addresses: readonly string[]) {
    this.#addresses = addresses
  }

  /** Requests that have been sent and are not answered to the end. */
  get running(): number {
    return this.#clients.size - this.#free.length
  }

  get busy(): boolean {
    return this.running + this.#waiting.length + this.#dialling > 0
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.#closed.signal.throwIfAborted()
    this.#waiting.push({ options, handler })
    this.#serve()
    return true
  }

  /** Makes one connection, for nothing else than to see whether that is possible; resolves with the address that led there. */
  async reach(signal: AbortSignal): Promise<string> {
    const { socket, address } = await this.#dial(AbortSignal.any([signal, this.#closed.signal]))
    socket.destroy()
    return address
  }

  /** Ends all connections, those that are being made included, and whatever is under way on them. */
  override async destroy(): Promise<void> {
    const reason = new Error('the connections to this member are closed')
    this.#closed.abort(reason)
    this.#fail(reason)
    const clients = [...this.#clients]
    this.#clients.clear()
    const ends = clients.map(async ([client, socket]) => {
      await client.destroy(reason)
      // One that had nothing to send yet does not know its socket.
      socket.destroy()
    })
    await Promise.all(ends)
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const client = this.#free.pop()
      if (!client) break
      const { options, handler } = this.#waiting.shift() as Waiting
      client.dispatch(options, handler)
    }
    const mayDial = !this.#refused || this.#clients.size === 0
    while (
      mayDial &&
      this.#dialling < Math.min(DIALS_PER_PEER, this.#waiting.length) &&
      this.#clients.size + this.#dialling < SOCKETS_PER_PEER
    )
      void this.#extend()
  }

  async #extend(): Promise<void> {
    this.#dialling++
    try {
      const { socket } = await this.#dial(this.#closed.signal)
      this.#dialling--
      this.#add(socket)
    } catch (error) {
      this.#dialling--
      this.#refused = true
      if (this.#clients.size + this.#dialling === 0) this.#fail(error)
    }
  }

  #add(socket: TLSSocket): void {
    let isNew = true
    const connect: buildConnector.connector = (_options, callback) => {
      // What undici asks for when the other side has closed the socket in the very moment in which a request was given to it.
      const made = isNew ? Promise.resolve({ socket }) : this.#dial(this.#closed.signal)
      isNew = false
      made.then(
        (connection) => callback(null, connection.socket),
        (error: Error) => callback(error, null),
      )
    }
    // The name is for the Host header only: where a socket leads is decided by its certificate. Not https, since it is TLS already.
    const client = new Client('http://blobs', {
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE,
      keepAliveMaxTimeout: KEEP_ALIVE,
      maxHeaderSize: MAX_HEAD_BYTES,
      connect,
    })
    this.#clients.set(client, socket)
    client.on('drain', () => this.#freed(client))
    const drop = () => this.#drop(client)
    client.on('disconnect', drop).on('connectionError', drop)
    // Nobody may be waiting any more, and the other side waits for a request for a few seconds only.
    socket.once('close', () => isNew && drop())
    this.#freed(client)
  }

  #freed(client: Client): void {
    if (!this.#clients.has(client)) return
    this.#refused = false
    this.#free.push(client)
    this.#serve()
  }

  #drop(client: Client): void {
    if (!this.#clients.delete(client)) return
    const at = this.#free.indexOf(client)
    if (at >= 0) this.#free.splice(at, 1)
    // With a request that it was given and could not send yet, it connects once more.
    client.close().catch(() => {})
    this.#serve()
  }

  async #dial(signal: AbortSignal) {
    const proven = this.#proven
    const likeliest = proven !== undefined && this.#addresses.includes(proven) ? [proven] : []
    const peer = { id: this.id, addresses: [...likeliest, ...this.#addresses] }
    const connection = await dial(this.#components, peer, this.#admission, signal)
    this.#proven = connection.address
    return connection
  }

  /** Nobody is left who could serve those that wait. */
  #fail(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    for (const { handler } of this.#waiting.splice(0)) handler.onResponseError?.(never(error), error)
  }
}

/** In place of the connection of a request that never got one. */
function never(reason: Error): Dispatcher.DispatchController {
  return { aborted: true, paused: false, reason, abort() {}, pause() {}, resume() {} }
}
