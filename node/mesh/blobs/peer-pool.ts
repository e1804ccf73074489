import type { SecureContext } from 'node:tls'
import { type buildConnector, Pool } from 'undici'
import type { Gate } from '../gate.ts'
import { KEEP_ALIVE, MAX_HEAD_BYTES, SOCKETS_PER_PEER } from './constants.ts'
import { dial } from './dial.ts'

export interface PeerPoolComponents {
  readonly gate: Gate
  readonly secureContext: SecureContext
}

/** The sockets to one member: each has proven that it leads to this member before a request is sent. */
export class PeerPool {
  readonly id: string
  readonly dispatcher: Pool
  readonly #components: PeerPoolComponents
  readonly #admission: number
  readonly #closed = new AbortController()
  #addresses: readonly string[] = []
  /** The address that led to the member when last dialled. */
  #proven: string | undefined

  /** @param init.admission ms for each address, from connecting to the cards */
  constructor(components: PeerPoolComponents, init: { id: string; admission: number }) {
    this.#components = components
    this.id = init.id
    this.#admission = init.admission
    // The name is for the Host header only: where a socket leads is decided by its certificate. Not https, since it is TLS already.
    this.dispatcher = new Pool('http://blobs', {
      connections: SOCKETS_PER_PEER,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE,
      keepAliveMaxTimeout: KEEP_ALIVE,
      maxHeaderSize: MAX_HEAD_BYTES,
      connect: this.#connect,
    })
  }

  /** Where the member says that it is. */
  set addresses(addresses: readonly string[]) {
    this.#addresses = addresses
  }

  get busy(): boolean {
    const { running, pending, queued } = this.dispatcher.stats
    return running + pending + queued > 0
  }

  /** Makes one connection, for nothing else than to see whether that is possible; resolves with the address that led there. */
  async reach(signal: AbortSignal): Promise<string> {
    const { socket, address } = await this.#dial(AbortSignal.any([signal, this.#closed.signal]))
    socket.destroy()
    return address
  }

  /** Ends all connections, those that are being made included, and whatever is under way on them. */
  destroy(): Promise<void> {
    this.#closed.abort(new Error('the connections to this member are closed'))
    return this.dispatcher.destroy()
  }

  readonly #connect: buildConnector.connector = (_options, callback) => {
    this.#dial(this.#closed.signal).then(
      ({ socket }) => callback(null, socket),
      (error: Error) => callback(error, null),
    )
  }

  async #dial(signal: AbortSignal) {
    const proven = this.#proven
    const likeliest = proven !== undefined && this.#addresses.includes(proven) ? [proven] : []
    const peer = { id: this.id, addresses: [...likeliest, ...this.#addresses] }
    const connection = await dial(this.#components, peer, this.#admission, signal)
    this.#proven = connection.address
    return connection
  }
}
