import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import type { Clock } from '../clock.ts'
import { isWarrenError, WarrenError } from '../errors.ts'
import { parseAuthority } from './authority.ts'
import { sendError, sendFixed } from './refusal.ts'

/** Ms for which one page is for all who ask: whoever gets here could have the node count for nothing else. */
const SHARED_FOR = 1_000

export interface MetricsDoorComponents {
  /** Counts in the text format of Prometheus. */
  page(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Throws FOREIGN_HOST for a request under a name that is not this node's. */
  checkHost(request: IncomingMessage): void
  /** Hears of what no code expected. */
  bug(error: unknown, path: string): void
  readonly clock: Pick<Clock, 'now'>
}

/** Answers `/metrics` to whoever gets to the listener that is for it (`admin.metrics`), and knows nothing else. */
export class MetricsDoor {
  readonly #components: MetricsDoorComponents
  #shared: { readonly at: number; readonly page: ReturnType<MetricsDoorComponents['page']> } | undefined

  constructor(components: MetricsDoorComponents) {
    this.#components = components
  }

  /** Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '/', method } = request
    try {
      this.#check(request)
      if (!/^\/metrics(?:\?|$)/.test(url)) throw new WarrenError('NOT_FOUND', 'there is nothing here but /metrics')
      if (method !== 'GET' && method !== 'HEAD') throw new WarrenError('METHOD_NOT_ALLOWED', 'ask with GET or HEAD')
      const { contentType, text } = await this.#page()
      const headers = { 'content-type': contentType, 'cache-control': 'no-store' }
      sendFixed(request, response, { status: 200, headers, body: text })
    } catch (thrown) {
      if (!isWarrenError(thrown)) this.#components.bug(thrown, url)
      const text = 'this node failed to answer; its log says why'
      sendError(request, response, isWarrenError(thrown) ? thrown : new WarrenError('INTERNAL', text, { cause: thrown }))
    }
  }

  /** A page of the web that has its own name lead here (DNS rebinding) cannot have it be an address; a pod may be called by one that it does not know. */
  #check(request: IncomingMessage): void {
    const host = parseAuthority(request.headers.host ?? '')?.host
    if (host === undefined || isIP(host) === 0) this.#components.checkHost(request)
  }

  #page(): ReturnType<MetricsDoorComponents['page']> {
    const now = this.#components.clock.now()
    const age = now - (this.#shared?.at ?? Number.NEGATIVE_INFINITY)
    if (this.#shared && age >= 0 && age < SHARED_FOR) return this.#shared.page
    const page = this.#components.page()
    this.#shared = { at: now, page }
    return page
  }
}
