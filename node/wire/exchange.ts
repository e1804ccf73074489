import type { Dispatcher } from 'undici'
import { passedThrough } from '../collector.ts'
import { reasonOf, WarrenError } from '../errors.ts'
import { type BodySource, WireBody } from './body.ts'
import { CONNECT_SLACK, MOST_INTERIMS } from './constants.ts'
import { type Headers, responseHeaders } from './headers.ts'

export interface WireRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: URL
  readonly headers: Headers
  readonly body?: Buffer | undefined
}

export interface WireResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: WireBody
}

export interface ExchangeInit {
  /** What is spoken to, for messages. */
  readonly peer: string
  /** Ms to get a connection. */
  readonly connect: number
  /** Ms from the sent request to the response headers. */
  readonly headers: number
  /**
   * Ms in which there has to be some sign of life, if not set `headers`: an interim answer (1xx; RFC 9110 section 15.2), each of which
   * gives `headers` ms more, or the answer itself.
   */
  readonly sign?: number
  /** Ms of silence in a body. */
  readonly idle: number
}

/** Why there is no response: an error of the dispatcher, of its connector, or one whose `code` names the limit that was passed. */
export interface NoResponse {
  readonly failure: unknown
}

/** Sends one request once. Resolves with a response of any status, or with what went wrong; rejects only when aborted. */
export function exchange(
  dispatcher: Dispatcher,
  request: WireRequest,
  init: ExchangeInit,
  signal: AbortSignal,
): Promise<WireResponse | NoResponse> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    new Exchange(request, init, signal, { resolve, reject }).start(dispatcher)
  })
}

interface Settle {
  resolve(result: WireResponse | NoResponse): void
  reject(reason: unknown): void
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: WireRequest
  readonly #init: ExchangeInit
  readonly #signal: AbortSignal
  readonly #onAbort = () => this.#abort(this.#signal.reason)
  #settle: Settle | undefined
  #controller: Dispatcher.DispatchController | undefined
  /** Runs until there is a connection, and then anew until the final status. */
  #timer: NodeJS.Timeout | undefined
  #body: WireBody | undefined
  #interims = 0
  /** Set when nobody waits any more, so that a request which is still in a queue is never sent. */
  #given: Error | undefined

  constructor(request: WireRequest, init: ExchangeInit, signal: AbortSignal, settle: Settle) {
    this.#request = request
    this.#init = init
    this.#signal = signal
    this.#settle = settle
  }

  start(dispatcher: Dispatcher): void {
    const { url, method, headers, body } = this.#request
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
    // The client's own timeout counts for one connection, while this request may wait behind others that are being made.
    const { connect } = this.#init
    this.#timer = setTimeout(() => this.#expire('UND_ERR_CONNECT_TIMEOUT', connect), connect + CONNECT_SLACK)
    const options = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers,
      body: body ?? null,
      // The client's own would begin anew with each 1xx, of which a hostile server sends an endless row.
      headersTimeout: 0,
      // The body keeps its own time, which stops while its reader is busy.
      bodyTimeout: 0,
    }
    try {
      dispatcher.dispatch(options, this)
    } catch (error) {
      this.#failHead(error)
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    clearTimeout(this.#timer)
    this.#controller = controller
    if (this.#given) {
      controller.abort(this.#given)
      return
    }
    this.#awaitHead(this.#init.sign ?? this.#init.headers)
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, parsed: Record<string, unknown>): void {
    if (!this.#settle) return
    if (status < 200) {
      // A hostile server sends an endless row of them.
      if (this.#init.sign === undefined || this.#interims++ >= MOST_INTERIMS) return
      clearTimeout(this.#timer)
      this.#awaitHead(this.#init.headers)
      return
    }
    clearTimeout(this.#timer)
    const headers = responseHeaders(controller.rawHeaders ?? parsed)
    const body = new WireBody(controller as BodySource, {
      peer: this.#init.peer,
      size: this.#expectedSize(status, headers),
      idle: this.#init.idle,
    })
    this.#body = body
    body.whenOver(() => this.#signal.removeEventListener('abort', this.#onAbort))
    this.#settle.resolve({ status, headers, body })
    this.#settle = undefined
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.push(chunk)
    passedThrough(chunk.length)
  }

  onResponseEnd(): void {
    this.#body?.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#body) this.#body.fail(bodyFailure(error, this.#init.peer))
    else this.#failHead(error)
  }

  #awaitHead(limit: number): void {
    // After a stall of this process timers come before sockets: an answer that has arrived meanwhile gets its turn first.
    this.#timer = setTimeout(() => setImmediate(() => this.#expire('UND_ERR_HEADERS_TIMEOUT', limit)), limit)
  }

  #expectedSize(status: number, headers: Headers): number | undefined {
    if (this.#request.method === 'HEAD' || status === 204 || status === 304) return undefined
    const length = headers['content-length']
    return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined
  }

  #abort(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error('aborted', { cause: reason })
    if (this.#body) this.#body.destroy(reason)
    else this.#giveUp(error)?.reject(reason)
  }

  #expire(code: 'UND_ERR_CONNECT_TIMEOUT' | 'UND_ERR_HEADERS_TIMEOUT', limit: number): void {
    this.#failHead(Object.assign(new Error(`none within ${limit} ms`), { code }))
  }

  #failHead(error: unknown): void {
    this.#giveUp(error instanceof Error ? error : new Error(String(error)))?.resolve({ failure: error })
  }

  /** Ends what is under way before the headers; the caller settles with what it is given, once. */
  #giveUp(error: Error): Settle | undefined {
    const settle = this.#settle
    if (!settle) return undefined
    this.#settle = undefined
    this.#given = error
    clearTimeout(this.#timer)
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#controller?.abort(error)
    return settle
  }
}

/** What a failure amid a body amounts to. */
function bodyFailure(error: unknown, peer: string): WarrenError {
  if (error instanceof WarrenError) return error
  return new WarrenError('UPSTREAM_CUT', `${peer} broke off in the middle of a body (${reasonOf(error)})`, { cause: error })
}
