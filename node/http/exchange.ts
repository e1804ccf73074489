import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Mirror, Planned } from '../../protocols/protocol.ts'
import type { Finder, Found, GetOptions } from '../cache/found.ts'
import { comingThrough, type Plan } from '../cache/plan.ts'
import { isAbsence, isRefusal, isWarrenError } from '../errors.ts'
import { inRequest, requestIdOf } from '../request-id.ts'
import type { BaseUrl } from './base-url.ts'
import { untilClientLeaves } from './client-left.ts'
import type { Composer } from './composer.ts'
import type { Asked } from './sender.ts'
import { nodesIn } from './via.ts'

/** Ms that finding a document once more may take; it was there a moment ago. */
const REOPEN_TIMEOUT = 60_000

export interface ExchangeComponents {
  readonly cache: Finder
  readonly composer: Composer
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
  #signal: AbortSignal | undefined
  #again: ((options: GetOptions) => Found | Promise<Found>) | undefined

  constructor(request: IncomingMessage, response: ServerResponse, components: ExchangeComponents) {
    this.request = request
    this.response = response
    this.#components = components
    this.head = request.method === 'HEAD'
    this.revalidate = wantsConfirmation(request.headers)
  }

  /** Aborted when the client leaves; made only if somebody waits on it. */
  get signal(): AbortSignal {
    this.#signal ??= untilClientLeaves(this.response)
    return this.#signal
  }

  get requestId(): string {
    return requestIdOf(this.request)
  }

  /** What a route wants, in the form in which it goes out. */
  find(route: Planned): Found | Promise<Found> {
    this.#again = (options) => this.#find(route, options)
    return this.#find(route, this)
  }

  #find(route: Planned, options: GetOptions): Found | Promise<Found> {
    const { plans } = route
    if (this.#components.composer.concerns(route)) return this.#compose(route, options)
    return plans.length === 1 ? this.#get(plans[0], options) : this.#firstOf(route, options)
  }

  async #compose(route: Planned, options: GetOptions): Promise<Found> {
    // Of a form that is made here, the length is known only from its bytes.
    const whole: GetOptions = { signal: options.signal, ...(options.revalidate ? { revalidate: true } : {}) }
    // A policy may have to ask for more than the plans.
    return inRequest(this.requestId, async () => {
      const founds = route.all ? await this.#allOf(route.plans, whole) : [await this.#firstOf(route, whole)]
      return this.#components.composer.compose(route, founds, options.signal)
    })
  }

  /**
   * Plans in order; the next one only when this one's upstream has no such thing. While that is in trouble its last word counts, for
   * what is here from another one.
   */
  async #firstOf({ plans, beside = plans }: Planned, options: GetOptions): Promise<Found> {
    let trouble: unknown
    for (let i = 0; ; i++) {
      const plan = plans[i] as Plan
      const other = beside[i] ?? plan
      const isLast = i + 1 >= plans.length
      try {
        if (isLast || other === plan) return await this.#get(plan, options)
        const { body } = await this.#get(other, { signal: options.signal, requestId: this.requestId, head: true })
        body.close()
      } catch (error) {
        const isHere = () => beside.slice(i + 1).some((one) => this.#components.cache.holds(one))
        if (!isAbsence(error)) {
          if (!this.#mayPassOver(other, error) || !isHere()) throw error
          trouble ??= error
        } else if (isLast) throw trouble ?? error
        continue
      }
      return this.#get(plan, options)
    }
  }

  /**
   * What all upstreams have. One that is in trouble is trouble for the whole: without it something would seem not to exist. Unless its
   * last word was that it has nothing.
   */
  async #allOf(plans: Planned['plans'], options: GetOptions): Promise<Found[]> {
    const settled = await Promise.allSettled(plans.map(async (plan) => this.#get(plan, options)))
    const founds = settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    const failures = settled.flatMap((one, at) =>
      one.status === 'rejected' ? [{ reason: one.reason as unknown, plan: plans[at] as Plan }] : [],
    )
    const isGroup = new Set(plans.map(({ base }) => base)).size > 1
    const troubles = failures.filter(({ reason }) => !isAbsence(reason))
    const counting = troubles.find(({ plan, reason }) => !isGroup || !this.#mayPassOver(plan, reason))
    if (!counting && founds.length > 0) return founds
    for (const { body } of founds) body.close()
    throw (counting ?? troubles[0] ?? failures[0])?.reason
  }

  #mayPassOver(plan: Plan, error: unknown): boolean {
    return isUpstreamTrouble(error) && this.#components.cache.lacked(plan)
  }

  #get(plan: Plan, options: GetOptions): Found | Promise<Found> {
    return this.#components.cache.get(comingThrough(nodesIn(this.request.headers.via), plan), options)
  }

  base(): string {
    return this.#components.baseUrl.of(this.request) + this.#components.mirror.path
  }

  async reopen(): Promise<Found | undefined> {
    try {
      return await this.#again?.({ signal: AbortSignal.timeout(REOPEN_TIMEOUT), requestId: this.requestId })
    } catch {
      return undefined
    }
  }
}

/** Whether a client asks for nothing that upstream has not just confirmed (RFC 9111 section 5.2.1). */
export function wantsConfirmation({ 'cache-control': control, pragma }: IncomingHttpHeaders): boolean {
  return control === undefined ? pragma === 'no-cache' : /(?:^|[\s,])(?:no-cache|max-age=0)(?:[\s,]|$)/i.test(control)
}

/** Whatever is said or not said at the other end, but «no». */
function isUpstreamTrouble(error: unknown): boolean {
  return isWarrenError(error) && error.code.startsWith('UPSTREAM_') && !isRefusal(error)
}
