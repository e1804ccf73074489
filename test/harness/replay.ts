import type { IncomingHttpHeaders } from 'node:http'
import { type Clock, systemClock } from '../../node/clock.ts'
import { type Answer, answer, type Framing } from './answer.ts'
import { type Fault, spoil } from './fault.ts'
import { npmKind, npmVariant } from './npm-kinds.ts'
import { present } from './present.ts'
import { TokenBucket } from './rate.ts'
import { canonicalPath, type Recordings } from './recording.ts'
import { ReplayedDocuments, type Validators } from './replayed.ts'
import { send } from './send.ts'
import { type Exchange, LoopbackServer } from './server.ts'
import { type LoggedRequest, Tally } from './tally.ts'

export interface ReplayInit {
  /** What a path stands for, for the counts. Default: npm. */
  readonly kindOf?: (path: string) => string
  /** Which variant of a path the request headers ask for. Default: npm. */
  readonly variantOf?: (headers: IncomingHttpHeaders) => string
  /** May record a path that is missing before it becomes a 404. */
  readonly missing?: (target: string, headers: IncomingHttpHeaders) => Promise<void>
  /** Requests that the log keeps. */
  readonly logged?: number
}

interface Weather {
  readonly matches: (request: LoggedRequest) => boolean
  readonly fault: Fault
  times: number
}

/**
 * An upstream that serves what was recorded: the same bytes under the same path, but that documents name this server
 * wherever they named the recorded one. Its knobs may be turned while it runs.
 */
export class ReplayUpstream {
  readonly recordings: Recordings
  readonly tally: Tally
  /** Ms before each answer. */
  latencyMs = 0
  validators: Validators = 'both'
  framing: Framing = 'length'
  readonly #clock: Clock
  readonly #init: ReplayInit
  readonly #server: LoopbackServer
  readonly #buckets = new Map<number, TokenBucket>()
  readonly #documents: ReplayedDocuments
  readonly #unrecorded = new Set<string>()
  #weather: Weather[] = []
  #shared: TokenBucket | undefined
  #each = 0

  constructor(recordings: Recordings, init: ReplayInit = {}, clock: Clock = systemClock) {
    this.recordings = recordings
    this.#documents = new ReplayedDocuments(recordings)
    this.tally = new Tally(init.logged)
    this.#init = init
    this.#clock = clock
    this.#server = new LoopbackServer((exchange) => this.#answer(exchange))
  }

  /** `http://127.0.0.1:<port>` */
  get origin(): string {
    return this.#server.origin
  }

  /** The registry's base URL, as a client would configure it. */
  get url(): string {
    return this.origin + new URL(this.recordings.base).pathname
  }

  /** Connections accepted since the start. */
  get connections(): number {
    return this.#server.connections
  }

  /** Paths that were asked for and are not recorded, up to a thousand: usually what a test forgot. */
  get unrecorded(): ReadonlySet<string> {
    return this.#unrecorded
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
    this.#shared = bytesPerSecond > 0 ? new TokenBucket(this.#clock, bytesPerSecond) : undefined
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
    const kind = (this.#init.kindOf ?? ((at) => npmKind(at, new URL(this.recordings.base).pathname)))(path)
    const method = request.method ?? 'GET'
    const logged: LoggedRequest = { method, target, path, kind, headers: request.headers, connection, bytes: 0 }
    this.tally.began(logged)
    request.resume()
    try {
      const found = await this.#find(method, target, path, request.headers)
      const faults = this.#weather.filter((weather) => weather.times > 0 && weather.matches(logged))
      for (const weather of faults) weather.times--
      // Faults of the representation come before the Range is cut out of it, those of the response count from its first byte.
      const ready = present(spoil(found, ...faults.map((weather) => weather.fault)), method, request.headers)
      if (this.latencyMs > 0) await this.#clock.sleep(this.latencyMs, signal)
      logged.status = ready.status
      const sent = (bytes: number) => this.tally.sent(logged, bytes)
      await send(request, response, ready, { clock: this.#clock, buckets: this.#bucketsOf(connection), sent, signal })
    } finally {
      this.tally.ended()
    }
  }

  async #find(method: string, target: string, path: string, headers: IncomingHttpHeaders): Promise<Answer> {
    const variant = (this.#init.variantOf ?? npmVariant)(headers)
    if (method !== 'GET' && method !== 'HEAD') return answer(405, '{"error":"only GET and HEAD are replayed"}')
    let recorded = this.recordings.find(path, variant)
    if (!recorded && this.#init.missing) {
      await this.#init.missing(target, headers)
      recorded = this.recordings.find(path, variant)
    }
    if (recorded) return this.#documents.answer(recorded, this.origin, this)
    if (this.#unrecorded.size < 1000) this.#unrecorded.add(path)
    return answer(404, '{"error":"Not found"}', { 'content-type': 'application/json' })
  }

  #bucketsOf(connection: number): TokenBucket[] {
    const buckets = this.#shared ? [this.#shared] : []
    if (this.#each === 0) return buckets
    const own = this.#buckets.get(connection) ?? new TokenBucket(this.#clock, this.#each)
    this.#buckets.set(connection, own)
    return [...buckets, own]
  }
}
