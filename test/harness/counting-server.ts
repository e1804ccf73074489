import type { IncomingMessage } from 'node:http'
import { type Clock, systemClock } from '../../node/clock.ts'
import type { Answer } from './answer.ts'
import type { TokenBucket } from './rate.ts'
import { canonicalPath } from './recording.ts'
import { send } from './send.ts'
import { type Exchange, LoopbackServer } from './server.ts'
import { type LoggedRequest, Tally } from './tally.ts'

/** A server that can count and be gone, whatever it answers. */
export abstract class CountingServer {
  readonly tally: Tally
  protected readonly clock: Clock
  readonly #server: LoopbackServer

  /** @param logged requests that the log keeps */
  constructor(clock: Clock = systemClock, logged?: number) {
    this.tally = new Tally(logged)
    this.clock = clock
    this.#server = new LoopbackServer((exchange) => this.#answer(exchange))
  }

  /** What a request stands for, for the counts. */
  protected abstract kindOf(path: string, method: string): string

  /** What goes out: 304, 206 and faults included. Called for each request as soon as it came; it is for this to read the request's body. */
  protected abstract prepare(logged: LoggedRequest, request: IncomingMessage, signal: AbortSignal): Promise<Answer>

  /** What limits the body on its way over a connection. */
  protected bucketsOf(_connection: number): readonly TokenBucket[] {
    return []
  }

  /** `http://<host>:<port>` */
  get origin(): string {
    return this.#server.origin
  }

  /** Connections accepted since the start. */
  get connections(): number {
    return this.#server.connections
  }

  /** @param host an IPv4 address of this machine, where not loopback's */
  async start(host?: string): Promise<this> {
    await this.#server.start(host)
    return this
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }

  /** Breaks all connections and refuses new ones until `back`, which listens on the same port. */
  gone(): Promise<void> {
    return this.#server.gone()
  }

  back(): Promise<void> {
    return this.#server.back()
  }

  async #answer({ request, response, connection, signal }: Exchange): Promise<void> {
    const target = request.url ?? '/'
    const path = canonicalPath(target)
    const method = request.method ?? 'GET'
    const kind = this.kindOf(path, method)
    const logged: LoggedRequest = { method, target, path, kind, headers: request.headers, connection, bytes: 0 }
    this.tally.began(logged)
    try {
      const ready = await this.prepare(logged, request, signal)
      logged.status = ready.status
      const sent = (bytes: number) => this.tally.sent(logged, bytes)
      await send(request, response, ready, { clock: this.clock, buckets: this.bucketsOf(connection), sent, signal })
    } finally {
      this.tally.ended()
    }
  }
}
