import type { IncomingMessage } from 'node:http'
import type { Answer } from './answer.ts'
import { CountingServer } from './counting-server.ts'
import { type Fault, spoil } from './fault.ts'
import { present } from './present.ts'
import { TokenBucket } from './rate.ts'
import type { LoggedRequest } from './tally.ts'

interface Weather {
  readonly matches: (request: LoggedRequest) => boolean
  readonly fault: Fault
  times: number
}

/** An upstream that can count, fail, be slow and be gone, whatever it answers. Its knobs may be turned while it runs. */
export abstract class UpstreamServer extends CountingServer {
  /** Ms before each answer. */
  latencyMs = 0
  readonly #buckets = new Map<number, TokenBucket>()
  #weather: Weather[] = []
  #shared: TokenBucket | undefined
  #each = 0

  /** The answer to a request in fine weather, with the whole representation: Range and conditions are applied to it later. */
  protected abstract find(request: LoggedRequest): Answer | Promise<Answer>

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

  protected async prepare(logged: LoggedRequest, request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
    request.resume()
    const found = await this.find(logged)
    const faults = this.#weather.filter((weather) => weather.times > 0 && weather.matches(logged))
    for (const weather of faults) weather.times--
    // Faults of the representation come before the Range is cut out of it, those of the response count from its first byte.
    const ready = present(spoil(found, ...faults.map((weather) => weather.fault)), logged.method, request.headers)
    if (this.latencyMs > 0) await this.clock.sleep(this.latencyMs, signal)
    return ready
  }

  protected override bucketsOf(connection: number): TokenBucket[] {
    const buckets = this.#shared ? [this.#shared] : []
    if (this.#each === 0) return buckets
    const own = this.#buckets.get(connection) ?? new TokenBucket(this.clock, this.#each)
    this.#buckets.set(connection, own)
    return [...buckets, own]
  }
}
