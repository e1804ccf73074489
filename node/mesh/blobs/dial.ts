import { once } from 'node:events'
import { connect, type SecureContext, type TLSSocket } from 'node:tls'
import { reasonOf, WarrenError } from '../../errors.ts'
import { parseTcpAddress } from '../../tcp-address.ts'
import type { Gate } from '../gate.ts'
import { admitAsClient } from './admission.ts'
import { DIAL_STAGGER, MAX_ADDRESSES, PROTOCOL } from './constants.ts'

export interface DialComponents {
  readonly gate: Gate
  readonly secureContext: SecureContext
}

/** Somebody to dial. */
export interface Dialled {
  /** Peer id. */
  readonly id: string
  /** `host:port`, IPv6 hosts in brackets; the likeliest first. */
  readonly addresses: readonly string[]
}

export interface Connection {
  readonly socket: TLSSocket
  readonly address: string
}

/**
 * A socket to a member that has proven who it is and was admitted. Addresses are tried in order; one that is silent holds up the
 * next for a moment only, and the first that leads to the member wins.
 *
 * @param limit ms for each address, from connecting to the cards
 *
 * Rejects with the reason of `signal`, UNTRUSTED, or UPSTREAM_UNREACHABLE.
 */
export async function dial(components: DialComponents, peer: Dialled, limit: number, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted()
  const addresses = [...new Set(peer.addresses)].slice(0, MAX_ADDRESSES)
  if (addresses.length === 0)
    throw new WarrenError('UPSTREAM_UNREACHABLE', `${peer.id} hands out no blobs: it names no address`)
  const race = new Race(components, peer.id, limit)
  const onAbort = () => race.end(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await race.run(addresses)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Several attempts to reach one member, of which at most one stays. */
class Race {
  readonly #components: DialComponents
  readonly #peer: string
  readonly #limit: number
  readonly #sockets = new Set<TLSSocket>()
  #settle: { resolve(connection: Connection): void; reject(reason: unknown): void } | undefined
  #waiting: string[] = []
  #timer: NodeJS.Timeout | undefined
  #failure: unknown

  constructor(components: DialComponents, peer: string, limit: number) {
    this.#components = components
    this.#peer = peer
    this.#limit = limit
  }

  run(addresses: readonly string[]): Promise<Connection> {
    this.#waiting = [...addresses]
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#next()
    })
  }

  /** Ends what is under way; no-op once it is decided. */
  end(reason: unknown): void {
    this.#finish()?.reject(reason)
  }

  #next(): void {
    clearTimeout(this.#timer)
    const address = this.#waiting.shift()
    if (address === undefined) return
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#next(), DIAL_STAGGER)
    void this.#try(address)
  }

  async #try(address: string): Promise<void> {
    let socket: TLSSocket | undefined
    try {
      socket = this.#connect(address)
      this.#sockets.add(socket)
      await admitted(socket, this.#components.gate, this.#peer, this.#limit)
      this.#sockets.delete(socket)
      const settle = this.#finish()
      if (settle) settle.resolve({ socket, address })
      else socket.destroy()
    } catch (error) {
      if (socket) this.#sockets.delete(socket)
      this.#failed(address, error)
    }
  }

  #failed(address: string, error: unknown): void {
    // That somebody else is there says more than that nobody is.
    if (!(this.#failure instanceof WarrenError)) this.#failure = error
    if (this.#waiting.length > 0) this.#next()
    else if (this.#sockets.size === 0) this.end(this.#explained(address))
  }

  #explained(address: string): unknown {
    const error = this.#failure
    if (error instanceof WarrenError) return error
    return new WarrenError('UPSTREAM_UNREACHABLE', `no connection to ${this.#peer} at ${address}: ${reasonOf(error)}`, {
      cause: error,
    })
  }

  #connect(address: string): TLSSocket {
    const where = parseTcpAddress(address)
    if (!where) throw new Error('that is no address; one is like 192.0.2.7:7472')
    const socket = connect({
      host: where.host,
      port: where.port,
      secureContext: this.#components.secureContext,
      // Names say nothing here: whom the certificate names is checked by hand.
      servername: '',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [PROTOCOL],
    })
    socket.setNoDelay(true)
    // For good: a reset between two owners of the socket would end the process.
    socket.on('error', () => {})
    return socket
  }

  /** The promise to settle, once. */
  #finish() {
    const settle = this.#settle
    this.#settle = undefined
    this.#waiting = []
    clearTimeout(this.#timer)
    for (const socket of this.#sockets) socket.destroy()
    return settle
  }
}

async function admitted(socket: TLSSocket, gate: Gate, peer: string, limit: number): Promise<void> {
  let late = false
  const timer = setTimeout(() => {
    late = true
    socket.destroy()
  }, limit)
  const waiting = new AbortController()
  const { signal } = waiting
  const closed = once(socket, 'close', { signal }).then(() => {
    throw new Error('the other side closed the connection')
  })
  try {
    await Promise.race([once(socket, 'secureConnect', { signal }), closed])
    await admitAsClient(socket, gate, peer)
  } catch (error) {
    socket.destroy()
    if (late)
      throw new WarrenError('UPSTREAM_UNREACHABLE', `${peer} did not show its card within ${limit} ms`, { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
    closed.catch(() => {})
    waiting.abort()
  }
}
