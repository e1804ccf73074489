import type { IncomingMessage, ServerResponse } from 'node:http'
import { WarrenError } from '../errors.ts'
import type { Door } from './door.ts'
import { type ListenAddress, sameAddress } from './listen-address.ts'
import { Listener, TIMEOUTS, type Timeouts } from './listener.ts'
import { sendFixed } from './refusal.ts'
import { settleTarget } from './target.ts'

export { formatAddress, type ListenAddress } from './listen-address.ts'

/** What belongs to the admin listener, and to nobody elsewhere. */
const ADMIN = /^\/admin(?:[/?]|$)/
const HEALTH = /^\/(?:healthz|readyz)(?:\?|$)/

/**
 * Handles what belongs to the admin listener; false when the path is none of its. A request without a body has ended before
 * this is called, and emits nothing more: that the client left is told by `close` of the response.
 */
export type AdminHandler = (request: IncomingMessage, response: ServerResponse) => boolean

export interface HttpServerComponents {
  readonly door: Pick<Door, 'handle' | 'isPlain' | 'atHand'>
  readonly admin: AdminHandler
  /** What the listener for metrics is for. */
  metrics?(request: IncomingMessage, response: ServerResponse): void
  /** Hears of a request for what belongs to the admin listener at another one, where it is refused. */
  onStray?(request: IncomingMessage): void
  /** Hears of what went wrong outside any request, such as running out of descriptors. */
  onTrouble?(error: Error): void
}

export interface HttpServerInit {
  readonly listen: readonly ListenAddress[]
  readonly adminListen: ListenAddress
  readonly metricsListen?: ListenAddress | undefined
  readonly timeouts?: Partial<Timeouts>
}

/** The addresses in use. */
export interface Listening {
  readonly listen: ListenAddress[]
  readonly admin: ListenAddress
  readonly metrics?: ListenAddress
}

/** The listeners of a node: mirrors and health on all of them, administration on one; and one for metrics alone, where that is wanted. */
export class HttpServer {
  readonly #components: HttpServerComponents
  readonly #init: HttpServerInit
  readonly #listeners: Listener[] = []
  #draining = false
  #listening: Listening | undefined
  #starting: Promise<Listening> | undefined
  #stopping: Promise<void> | undefined

  constructor(components: HttpServerComponents, init: HttpServerInit) {
    this.#components = components
    this.#init = init
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Open connections. */
  get connections(): number {
    return this.#listeners.reduce((sum, listener) => sum + listener.connections, 0)
  }

  /** The addresses in use; none before `start` has resolved. */
  get listening(): Listening | undefined {
    return this.#listening
  }

  /** Resolves with the addresses in use. Throws ADDRESS_IN_USE, and then nothing is left open. Idempotent. */
  start(): Promise<Listening> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /** Takes no new connections, lets answers under way finish, then closes everything. Idempotent. */
  stop(): Promise<void> {
    this.#draining = true
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #start(): Promise<Listening> {
    const { listen, adminListen, metricsListen } = this.#init
    const shared = listen.findIndex((address) => sameAddress(address, adminListen))
    try {
      const bound: ListenAddress[] = []
      for (const [i, address] of listen.entries()) bound.push(await this.#open(address, i === shared ? 'admin' : 'mirrors'))
      const admin = bound[shared] ?? (await this.#open(adminListen, 'admin'))
      const metrics = metricsListen && (await this.#open(metricsListen, 'metrics'))
      this.#listening = { listen: bound, admin, ...(metrics && { metrics }) }
      return this.#listening
    } catch (error) {
      this.#draining = true
      await this.#closeAll()
      throw error
    }
  }

  async #stop(): Promise<void> {
    // What is being opened now is closed by `#start`, which sees that the node is stopping.
    await this.#starting?.catch(() => {})
    await this.#closeAll()
  }

  async #closeAll(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()))
  }

  async #open(address: ListenAddress, about: 'mirrors' | 'admin' | 'metrics'): Promise<ListenAddress> {
    if (this.#draining) throw new WarrenError('DRAINING', 'this node is stopping, so it does not begin to listen')
    const { door, metrics } = this.#components
    const listener = new Listener(
      {
        handle: (request, response) =>
          about === 'metrics' ? metrics?.(request, response) : this.#route(request, response, about === 'admin'),
        isPlain: (request) => about !== 'metrics' && door.isPlain(request),
        atHand: (target, headers, socket) => door.atHand(target, headers, socket),
        onTrouble: (error) => this.#components.onTrouble?.(error),
      },
      { ...TIMEOUTS, ...this.#init.timeouts },
    )
    const bound = await listener.open(address)
    this.#listeners.push(listener)
    return bound
  }

  #route(request: IncomingMessage, response: ServerResponse, admin: boolean): void {
    settleTarget(request)
    const { url = '/' } = request
    if (HEALTH.test(url)) this.#sendHealth(url.startsWith('/readyz'), request, response)
    else if (!admin || !this.#enterAdmin(request, response)) {
      if (!admin && ADMIN.test(url)) this.#components.onStray?.(request)
      void this.#components.door.handle(request, response)
    }
  }

  #enterAdmin(request: IncomingMessage, response: ServerResponse): boolean {
    // A content type without content: whoever reads the body to check it would wait for the end of a stream that has ended.
    if (request.destroyed && request.headers['content-type'] !== undefined) delete request.headers['content-type']
    return this.#components.admin(request, response)
  }

  /** `/healthz`: the process is up. `/readyz`: it wants to be given work. */
  #sendHealth(ready: boolean, request: IncomingMessage, response: ServerResponse): void {
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
    const reply = (status: number, body: string, more = {}) =>
      sendFixed(request, response, { status, headers: { ...headers, ...more }, body })
    if (request.method !== 'GET' && request.method !== 'HEAD') reply(405, 'ask with GET or HEAD\n', { allow: 'GET, HEAD' })
    else if (ready) reply(this.#draining ? 503 : 200, this.#draining ? 'draining\n' : 'ready\n')
    else reply(200, 'up\n')
  }
}
