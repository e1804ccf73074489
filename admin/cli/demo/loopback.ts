import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An HTTP server on a free port of this machine, that nobody else can reach. */
export class Loopback {
  readonly #server: Server
  #closed = false

  constructor(listener: RequestListener) {
    this.#server = createServer(listener)
  }

  /** `http://127.0.0.1:<port>`, once it has started. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async start(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    // Whoever closed it meanwhile found nothing to close.
    if (this.#closed) await this.close()
  }

  async close(): Promise<void> {
    this.#closed = true
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = new Loopback(() => {})
  await server.start()
  const { port } = new URL(server.origin)
  await server.close()
  return Number(port)
}
