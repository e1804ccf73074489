import type { Clock } from '../clock.ts'
import { exchange, type WireRequest, type WireResponse } from '../wire/exchange.ts'
import { abortable } from './abortable.ts'
import type { AddressGuard } from './address-guard.ts'
import type { Budgets } from './budget.ts'
import { headFailure, statusFailure, type Trouble } from './failures.ts'
import type { Pass } from './host-gate.ts'
import type { HostGates } from './host-gates.ts'
import type { Pools } from './pools.ts'
import { parseRetryAfter } from './retry-after.ts'

export interface SenderComponents {
  readonly clock: Clock
  readonly guard: AddressGuard
  readonly pools: Pools
  readonly gates: HostGates
  readonly budgets: Budgets
}

export interface SenderInit {
  /** Ms to get a connection. */
  readonly connect: number
  /** Ms from the sent request to the response headers. */
  readonly headers: number
  /** Ms of silence in a body. */
  readonly idle: number
}

/** Sends one request once: past the address guard, through the gate of its origin, over the wire. */
export class Sender {
  readonly #components: SenderComponents
  readonly #init: SenderInit

  constructor(components: SenderComponents, init: SenderInit) {
    this.#components = components
    this.#init = init
  }

  /** Resolves with an answer or with what went wrong; rejects when the request was not sent, or was aborted. */
  async send(request: WireRequest, base: URL, signal: AbortSignal): Promise<WireResponse | Trouble> {
    const { guard, pools, gates, budgets } = this.#components
    const { url } = request
    const proxy = pools.proxyFor(url)
    const limit = await abortable(guard.limit(url, base, proxy !== undefined), signal)
    const peer = proxy ? `${url.origin} (through the proxy at ${proxy.host})` : url.origin
    const pass = await gates.of(url.origin).enter(signal)
    try {
      const result = await exchange(pools.dispatcher(url, limit), request, { ...this.#init, peer }, signal)
      if ('body' in result) {
        budgets.learn(url.origin, result.headers)
        return this.#judge(result, peer, pass)
      }
      const trouble = headFailure(result.failure, peer)
      if (trouble.weight !== 'none') pass.failed(trouble.error.message, { shared: trouble.weight === 'shared' })
      pass.leave()
      return trouble
    } catch (error) {
      pass.leave()
      throw error
    }
  }

  #judge(response: WireResponse, peer: string, pass: Pass): WireResponse | Trouble {
    const { status, headers, body } = response
    // The place is taken until the last byte: what bounds the load on upstream is bodies, not headers.
    body.whenOver(() => pass.leave())
    const asked = parseRetryAfter(headers['retry-after'], this.#components.clock.now())
    const retryAfter = status === 429 ? pass.busy(`answered ${status}`, asked) : asked
    const trouble = statusFailure(status, peer, retryAfter)
    if (!trouble) {
      pass.answered()
      return response
    }
    const alone = trouble.weight === 'alone'
    if (trouble.weight !== 'none') pass.failed(trouble.error.message, { retryAfter: status === 503 ? asked : undefined, alone })
    else if (status !== 429) pass.answered()
    body.discard()
    return trouble
  }
}
