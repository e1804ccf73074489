import type { Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'

/** Ms between looks for connections whose last answer is out. */
const SWEEP_INTERVAL = 50

/**
 * The connections of one listener and what each is doing. Node's own `closeIdleConnections` takes a connection for idle once
 * `end` was called, when most of a large answer may still be on its way to a slow client.
 */
export class Connections {
  readonly #server: Server
  readonly #latest = new Map<Socket, ServerResponse | undefined>()

  constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      this.#latest.set(socket, undefined)
      socket.once('close', () => this.#latest.delete(socket))
    })
  }

  get count(): number {
    return this.#latest.size
  }

  /** Tells that a connection is to carry an answer. Answers go out in order: the latest is the last to be finished. */
  carries(response: ServerResponse, socket: Socket): void {
    this.#latest.set(socket, response)
  }

  /** Whether a connection owes no answer. */
  isIdle(socket: Socket): boolean {
    const response = this.#latest.get(socket)
    return response === undefined || response.writableFinished
  }

  /** Takes no new connections, lets answers under way finish for at most `limit` ms, then closes everything. */
  async drain(limit: number): Promise<void> {
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.#server, () => resolve()))
    this.#sweep()
    const sweep = setInterval(() => this.#sweep(), SWEEP_INTERVAL)
    const late = setTimeout(() => this.#closeAll(), limit)
    try {
      await closed
    } finally {
      clearInterval(sweep)
      clearTimeout(late)
      // Ends Node's own timer, which looks for requests that take too long.
      this.#server.close()
    }
  }

  #sweep(): void {
    for (const socket of this.#latest.keys()) {
      // What went out past any response object may still be on its way.
      if (this.isIdle(socket) && socket.writableLength === 0) socket.destroy()
    }
  }

  #closeAll(): void {
    for (const socket of this.#latest.keys()) socket.destroy()
  }
}
