import { WarrenError } from '../errors.ts'
import { type BodySource, WireBody } from '../wire/body.ts'
import { abortable } from './abortable.ts'
import { IDLE_TIMEOUT } from './constants.ts'
import { statusFailure, stopping } from './failures.ts'
import { parseRetryAfter } from './retry-after.ts'
import type { Budget, HostHealth, Upstream, UpstreamRequest, UpstreamResponse } from './upstream.ts'

/** What a scripted upstream answers. */
export interface MemoryAnswer {
  /** 200 by default. */
  readonly status?: number
  /** Lower-case names. `content-length` is added unless `chunked`. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  /** Without `content-length`. */
  readonly chunked?: boolean
  /** Breaks off after so many bytes. */
  readonly cutAt?: number
  /** Goes silent after so many bytes. */
  readonly stallAt?: number
  /** Bytes that arrive at a time. */
  readonly chunk?: number
}

/** May throw a WarrenError, as an upstream does that cannot be reached. */
export type MemoryScript = (request: UpstreamRequest, signal: AbortSignal) => MemoryAnswer | Promise<MemoryAnswer>

export interface MemoryUpstreamInit {
  /** Ms of silence in a body while its reader waits. */
  readonly idleTimeout?: number
}

/** Bytes that a socket yields at a time. */
const CHUNK = 64 * 1024

/** An upstream without a network: same promises about bodies and statuses, one attempt a fetch, no redirects. */
export class MemoryUpstream implements Upstream {
  /** Everything that was asked, in order. */
  readonly requests: UpstreamRequest[] = []
  /** Base URLs that are asked with credentials. */
  readonly privateBases = new Set<string>()
  /** What is still granted, by base URL. */
  readonly budgets = new Map<string, Budget>()
  readonly #script: MemoryScript
  readonly #idle: number
  readonly #bodies = new Set<WireBody>()
  #closed = false

  constructor(script: MemoryScript, init: MemoryUpstreamInit = {}) {
    this.#script = script
    this.#idle = init.idleTimeout ?? IDLE_TIMEOUT
  }

  async fetch(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    signal.throwIfAborted()
    if (this.#closed) throw stopping()
    this.requests.push(request)
    const answer = await abortable(Promise.resolve(this.#script(request, signal)), signal)
    if (this.#closed) throw stopping()
    const { status = 200 } = answer
    const headers = headersOf(answer)
    const trouble = statusFailure(status, new URL(request.url).origin, parseRetryAfter(headers['retry-after'], Date.now()))
    if (trouble) throw trouble.error
    const body = this.#body(request, answer, headers, signal)
    return { status, headers, url: request.url, body, destroy: () => body.destroy() }
  }

  /** How often something was asked. */
  count(url: string): number {
    return this.requests.filter((request) => request.url === url).length
  }

  isPrivate(base: string): boolean {
    return this.privateBases.has(base)
  }

  budget(base: string): Budget | undefined {
    return this.budgets.get(base)
  }

  health(): HostHealth[] {
    const origins = new Map<string, number>()
    for (const { url } of this.requests) {
      const { origin } = new URL(url)
      origins.set(origin, (origins.get(origin) ?? 0) + 1)
    }
    const calm = { state: 'closed', until: 0, queued: 0, failures: 0 } as const
    return [...origins].map(([origin, requests]) => ({ ...calm, origin, requests, inFlight: this.#bodies.size }))
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const body of this.#bodies) body.destroy(stopping())
  }

  #body(
    request: UpstreamRequest,
    answer: MemoryAnswer,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): WireBody {
    const peer = new URL(request.url).origin
    const empty = request.method === 'HEAD' || answer.status === 204 || answer.status === 304
    const length = empty ? undefined : headers['content-length']
    const source = new MemorySource(empty ? { ...answer, body: '' } : answer, peer)
    const body = new WireBody(source, { peer, size: length === undefined ? undefined : Number(length), idle: this.#idle })
    const onAbort = () => body.destroy(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#bodies.add(body)
    body.whenOver(() => {
      signal.removeEventListener('abort', onAbort)
      this.#bodies.delete(body)
    })
    source.start(body)
    return body
  }
}

class MemorySource implements BodySource {
  readonly #answer: MemoryAnswer
  readonly #bytes: Buffer
  readonly #peer: string
  #body: WireBody | undefined
  #position = 0
  #flowing = false

  constructor(answer: MemoryAnswer, peer: string) {
    this.#answer = answer
    this.#bytes = Buffer.from(answer.body ?? '')
    this.#peer = peer
  }

  start(body: WireBody): void {
    this.#body = body
    this.resume()
  }

  pause(): void {
    this.#flowing = false
  }

  resume(): void {
    this.#flowing = true
    setImmediate(() => this.#flow())
  }

  abort(): void {
    this.#body = undefined
  }

  #flow(): void {
    const { cutAt, stallAt, chunk = CHUNK } = this.#answer
    const stop = Math.min(cutAt ?? Number.POSITIVE_INFINITY, stallAt ?? Number.POSITIVE_INFINITY, this.#bytes.length)
    while (this.#flowing && this.#body && this.#position < stop) {
      const end = Math.min(this.#position + chunk, stop)
      const part = this.#bytes.subarray(this.#position, end)
      this.#position = end
      this.#body.push(part)
    }
    if (!this.#flowing || this.#position < stop || stop === stallAt) return
    const body = this.#body
    this.#body = undefined
    if (stop === cutAt) body?.fail(new WarrenError('UPSTREAM_CUT', `${this.#peer} broke off in the middle of a body`))
    else body?.end()
  }
}

function headersOf({ headers = {}, body = '', chunked, status }: MemoryAnswer): Readonly<Record<string, string>> {
  if (chunked || status === 204 || status === 304 || 'content-length' in headers) return headers
  return { ...headers, 'content-length': String(Buffer.byteLength(body)) }
}
