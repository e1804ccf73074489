import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Mirror } from '../../protocols/protocol.ts'
import type { Found, GetOptions } from '../cache/found.ts'
import { comingThrough, type Plan } from '../cache/plan.ts'
import { isWarrenError } from '../errors.ts'
import type { BaseUrl } from './base-url.ts'
import { ClientLeft } from './client-left.ts'
import type { Asked } from './sender.ts'

/** Ms that finding a document once more may take; it was there a moment ago. */
const REOPEN_TIMEOUT = 60_000

/** What is seen of the cache here. */
export interface Finder {
  get(plan: Plan, options: GetOptions): Found | Promise<Found>
  /**
   * The artifact of a key, if it is small, cannot change, and can be had at once; nothing is fetched for it. One that is `needy`
   * only while all that it names can be had.
   */
  atHand(key: string, needy: boolean): Found | undefined
}

export interface ExchangeComponents {
  readonly cache: Finder
  readonly baseUrl: BaseUrl
  readonly mirror: Mirror
}

/** One request for something that the cache may have, and what it asks of the cache. */
export class Exchange implements GetOptions, Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly revalidate: boolean
  readonly head: boolean
  readonly #components: ExchangeComponents
  #controller: AbortController | undefined
  #plan: Plan | undefined

  constructor(request: IncomingMessage, response: ServerResponse, components: ExchangeComponents) {
    this.request = request
    this.response = response
    this.#components = components
    this.head = request.method === 'HEAD'
    const { 'cache-control': control, pragma } = request.headers
    this.revalidate =
      control === undefined ? pragma === 'no-cache' : /(?:^|[\s,])(?:no-cache|max-age=0)(?:[\s,]|$)/i.test(control)
  }

  /** Aborted when the client leaves; made only if somebody waits on it. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController()
      this.#controller = controller
      if (this.response.destroyed) controller.abort(new ClientLeft())
      else
        this.response.once('close', () => {
          if (!this.response.writableFinished) controller.abort(new ClientLeft())
        })
    }
    return this.#controller.signal
  }

  /** Plans in order; the next one only when this one's upstream has no such thing. */
  find(plans: readonly [Plan, ...Plan[]]): Found | Promise<Found> {
    const only = comingThrough(this.request.headers.via, plans[0])
    this.#plan = only
    return plans.length === 1 ? this.#components.cache.get(only, this) : this.#firstOf(plans)
  }

  async #firstOf(plans: readonly [Plan, ...Plan[]]): Promise<Found> {
    for (let i = 0; ; i++) {
      const plan = comingThrough(this.request.headers.via, plans[i] as Plan)
      try {
        this.#plan = plan
        return await this.#components.cache.get(plan, this)
      } catch (error) {
        if (i + 1 >= plans.length || !isWarrenError(error, 'UPSTREAM_ABSENT', 'UPSTREAM_GONE')) throw error
      }
    }
  }

  base(): string {
    return this.#components.baseUrl.of(this.request) + this.#components.mirror.path
  }

  async reopen(): Promise<Found | undefined> {
    try {
      return this.#plan && (await this.#components.cache.get(this.#plan, { signal: AbortSignal.timeout(REOPEN_TIMEOUT) }))
    } catch {
      return undefined
    }
  }
}
