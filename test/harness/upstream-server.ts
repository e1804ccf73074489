import { type Clock, systemClock } from '../../node/clock.ts'
import type { Answer } from './answer.ts'
import { type Fault, spoil } from './fault.ts'
import { present } from './present.ts'
import { TokenBucket } from './rate.ts'
import { canonicalPath } from './recording.ts'
import { send } from './send.ts'
import { type Exchange, LoopbackServer } from './server.ts'
import { type LoggedRequest, Tally } from './tally.ts'

interface Weather {
  readonly matches: (request: LoggedRequest) => boolean
  readonly fault: Fault
  times: number
}

/** An upstream that can count, fail, be slow and be gone, whatever it answers. Its knobs may be turned while it runs. */
export abstract class UpstreamServer {
  readonly tally: Tally
  /** Ms before each answer. */
  latencyMs = 0
  protected readonly clock: Clock
  readonly #server: LoopbackServer
  readonly #buckets = new Map<number, TokenBucket>()
  #weather: Weather[] = []
  #shared: TokenBucket | undefined
  #each = 0

  /** @param logged requests that the log keeps */
  constructor(clock: Clock = systemClock, logged?: number) {
    this.tally = new Tally(logged)
    this.clock = clock
    this.#server = new LoopbackServer((exchange) => this.#answer(exchange))
  }

  /** What a request stands for, for the counts. */
  protected abstract kindOf(path: string, method: string): string

  /** The answer to a request in fine weather, with the whole representation: Range and conditions are applied to it later. */
  protected abstract find(request: LoggedRequest): Answer | Promise<Answer>

  /** `http://127.0.0.1:<port>` */
  get origin(): string {
    return this.#server.origin
  }

  /** Connections accepted since the start. */
  get connections(): number {
    return this.#server.connections
  }

  async start(): Promise<this> {
    await this.#server.start()
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

  /** Limits body bytes a second: of all connections together, and of each. 0 lifts a limit. */
  limit(bytesPerSecond: number, each = 0): void {
    this.#shared = bytesPerSecond > 0 ? new TokenBucket(this.clock, bytesPerSecond) : undefined
    this.#each = each
    this.#buckets.clear()
  }

  /**
   * Spoils the answers to matching requests, at most `times` of them. A RegExp is tried on the canonical path. Several that
   * match are all applied, the oldest first. Returns what takes the fault away again.
   */
  fail(pattern: RegExp | ((request: LoggedRequest) => boolean), fault: Fault, times = Infinity): () => void {
    const matches = pattern instanceof RegExp ? (request: LoggedRequest) => pattern.test(request.path) : pattern
    const weather = { matches, fault, times }
    this.#weather.push(weather)
    return () => {
      this.#weather = this.#weather.filter((other) => other !== weather)
    }
  }

  /** Takes all faults away. */
  heal(): void {
    this.#weather = []
  }

  async #answer({ request, response, connection, signal }: Exchange): Promise<void> {
    const target = request.url ?? '/'
    const path = canonicalPath(target)
    const method = request.method ?? 'GET'
    const kind = this.kindOf(path, method)
    const logged: LoggedRequest = { method, target, path, kind, headers: request.headers, connection, bytes: 0 }
    this.tally.began(logged)
    request.resume()
    try {
      const found = await this.find(logged)
      const faults = this.#weather.filter((weather) => weather.times > 0 && weather.matches(logged))
      for (const weather of faults) weather.times--
      // Faults of the representation come before the Range is cut out of it, those of the response count from its first byte.
      const ready = present(spoil(found, ...faults.map((weather) => weather.fault)), method, request.headers)
      if (this.latencyMs > 0) await this.clock.sleep(this.latencyMs, signal)
      logged.status = ready.status
      const sent = (bytes: number) => this.tally.sent(logged, bytes)
      await send(request, response, ready, { clock: this.clock, buckets: this.#bucketsOf(connection), sent, signal })
    } finally {
      this.tally.ended()
    }
  }

  #bucketsOf(connection: number): TokenBucket[] {
    const buckets = this.#shared ? [this.#shared] : []
    if (this.#each === 0) return buckets
    const own = this.#buckets.get(connection) ?? new TokenBucket(this.clock, this.#each)
    this.#buckets.set(connection, own)
    return [...buckets, own]
  }
}
