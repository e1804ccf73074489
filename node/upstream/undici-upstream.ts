import type { LookupFunction } from 'node:net'
import { LRUCache } from 'lru-cache'
import { type Clock, systemClock } from '../clock.ts'
import type { WireRequest, WireResponse } from '../wire/exchange.ts'
import { AddressGuard, PublicBase } from './address-guard.ts'
import { withAttempts } from './attempts.ts'
import { Authorizer } from './authorizer.ts'
import { Budgets } from './budget.ts'
import {
  CONCURRENCY,
  CONNECT_TIMEOUT,
  HEADERS_TIMEOUT,
  IDLE_TIMEOUT,
  MAX_ATTEMPTS,
  PATIENCE,
  QUEUE_LIMIT,
} from './constants.ts'
import { type CredentialEntry, Credentials } from './credentials.ts'
import { stopping } from './failures.ts'
import { harmlessHeaders, requestHeaders } from './headers.ts'
import { HostGates } from './host-gates.ts'
import { Pools } from './pools.ts'
import { type Env, ProxyTable } from './proxy.ts'
import { followRedirects } from './redirects.ts'
import { Sender } from './sender.ts'
import { TokenService } from './token-service.ts'
import { Tokens } from './tokens.ts'
import type { Budget, HostHealth, Upstream, UpstreamRequest, UpstreamResponse } from './upstream.ts'
import { upstreamUrl } from './urls.ts'

export interface UndiciUpstreamComponents {
  readonly clock?: Clock
  /** In [0, 1). */
  readonly random?: () => number
  readonly lookup?: LookupFunction
}

export interface UndiciUpstreamInit {
  /** Goes out in `Via`, by which a node knows its own requests. */
  readonly nodeId: string
  /** Of this software, for `User-Agent`. */
  readonly version: string
  /** Ms to get a connection. */
  readonly connectTimeout?: number
  /** Ms from the sent request to the response headers. */
  readonly headersTimeout?: number
  /** Ms of silence in a body while its reader waits. */
  readonly idleTimeout?: number
  /** Requests in flight per origin. */
  readonly concurrency?: number
  /** Requests waiting per origin. */
  readonly queue?: number
  /** Ms that a request waits for an origin that asked for a pause. */
  readonly patience?: number
  /** Certificates (PEM) of further authorities that are trusted beside the usual ones. */
  readonly ca?: readonly string[]
  /** Those that are trusted at one origin only; what it gives may change. */
  readonly caOf?: (origin: string) => readonly string[]
  /** Where proxies are named (`HTTPS_PROXY` and so on); none by default. */
  readonly env?: Env
  /** What is shown to upstreams and their token services, by origin; the first one for an origin counts. */
  readonly credentials?: readonly CredentialEntry[]
}

/** Base URLs of which the origin is remembered: clients name some of them. */
const MAX_ORIGINS = 1_000

/** Fetches from registries over HTTP/1.1 and HTTP/2. */
export class UndiciUpstream implements Upstream {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #init: UndiciUpstreamInit
  readonly #pools: Pools
  readonly #gates: HostGates
  readonly #budgets: Budgets
  readonly #credentials: Credentials
  /** By base URL: asked several times for each artifact. */
  readonly #origins = new LRUCache<string, string>({ max: MAX_ORIGINS })
  readonly #tokens: Tokens
  readonly #authorizer: Authorizer
  readonly #sender: Sender
  readonly #lives = new Set<AbortController>()
  #closed: Promise<void> | undefined

  /** Throws CONFIG_INVALID for a proxy that is no http(s) URL and for a certificate that is none. */
  constructor(components: UndiciUpstreamComponents, init: UndiciUpstreamInit) {
    const { clock = systemClock, random = Math.random, lookup } = components
    const { concurrency = CONCURRENCY, queue = QUEUE_LIMIT, patience = PATIENCE, connectTimeout = CONNECT_TIMEOUT } = init
    const guard = new AddressGuard(lookup ? { lookup } : {})
    const proxies = new ProxyTable(init.env ?? {})
    this.#clock = clock
    this.#random = random
    this.#init = init
    this.#budgets = new Budgets({ clock })
    this.#credentials = new Credentials(init.credentials ?? [])
    this.#gates = new HostGates({ clock, random }, { concurrency, queue, patience })
    const { ca = [], caOf } = init
    this.#pools = new Pools({ guard, proxies }, { connectTimeout, connections: concurrency, ca, ...(caOf ? { caOf } : {}) })
    this.#sender = new Sender(
      { clock, guard, pools: this.#pools, gates: this.#gates, budgets: this.#budgets },
      { connect: connectTimeout, headers: init.headersTimeout ?? HEADERS_TIMEOUT, idle: init.idleTimeout ?? IDLE_TIMEOUT },
    )
    const service = new TokenService({ clock, send: (...asked) => this.#askTokenService(...asked) }, init)
    this.#tokens = new Tokens({ clock, service })
    this.#authorizer = new Authorizer({ credentials: this.#credentials, tokens: this.#tokens })
  }

  async fetch(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    signal.throwIfAborted()
    if (this.#closed) throw stopping()
    const written = upstreamUrl(request.base)
    const base = request.publicOnly ? new PublicBase(written) : written
    const first = this.#firstHop(request, base)
    const { life, end } = this.#begin(signal)
    try {
      const send = (hop: WireRequest) => this.#attempts(hop, base, life)
      let isOwn = true
      const sendHop = (hop: WireRequest) => {
        // Once a redirect has led elsewhere, a further one back gets no credentials any more.
        isOwn &&= hop.url.origin === base.origin
        return isOwn ? this.#authorizer.send(hop, { base, scope: request.scope }, send, life) : send(hop)
      }
      const { response, url } = await followRedirects(first, sendHop, request.redirect)
      const { status, headers, body } = response
      body.whenOver(end)
      return { status, headers, url: url.href, body, destroy: () => body.destroy() }
    } catch (error) {
      end()
      throw error
    }
  }

  health(): HostHealth[] {
    return this.#gates.health().map((host) => {
      const budget = this.#budgets.of(host.origin)
      return budget ? { ...host, budget } : host
    })
  }

  isPrivate(base: string): boolean {
    const entry = this.#credentials.of(this.#originOf(base))
    return entry !== undefined && !entry.share
  }

  budget(base: string): Budget | undefined {
    return this.#budgets.of(this.#originOf(base))
  }

  #originOf(base: string): string {
    const known = this.#origins.get(base)
    if (known !== undefined) return known
    const { origin } = upstreamUrl(base)
    this.#origins.set(base, origin)
    return origin
  }

  /** Idempotent. Whatever is under way rejects with DRAINING. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const life of this.#lives) life.abort(stopping())
    this.#tokens.close(stopping())
    await this.#pools.destroy()
  }

  #attempts(hop: WireRequest, base: URL, signal: AbortSignal): Promise<WireResponse> {
    const max = hop.method === 'POST' ? 1 : MAX_ATTEMPTS
    const components = { clock: this.#clock, random: this.#random }
    return withAttempts(() => this.#sender.send(hop, base, signal), max, components, signal)
  }

  async #askTokenService(request: WireRequest, base: URL, signal: AbortSignal): Promise<WireResponse> {
    return (await followRedirects(request, (hop) => this.#attempts(hop, base, signal))).response
  }

  #firstHop(request: UpstreamRequest, base: URL): WireRequest {
    const { method, body } = request
    const url = upstreamUrl(request.url)
    const headers = requestHeaders(request, this.#init)
    return { method, url, body, headers: url.origin === base.origin ? headers : harmlessHeaders(headers) }
  }

  /** The life of one fetch, from its start to the end of its body; ended by the caller's signal and by `close`. */
  #begin(signal: AbortSignal): { life: AbortSignal; end: () => void } {
    const life = new AbortController()
    const onAbort = () => life.abort(signal.reason)
    const end = () => {
      signal.removeEventListener('abort', onAbort)
      this.#lives.delete(life)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#lives.add(life)
    return { life: life.signal, end }
  }
}
