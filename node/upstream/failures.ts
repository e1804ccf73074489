import { reasonOf, WarrenError } from '../errors.ts'
import { RefusedAddressError } from './address-guard.ts'

/** Why there is no answer. */
export interface Trouble {
  readonly error: WarrenError
  /** The same request may well succeed in a moment. */
  readonly again: boolean
  /** What it tells about the state of the origin. */
  readonly weight: Weight
}

/**
 * What a failure counts for. `shared`: the loss of a connection, which ends all requests on it (HTTP/2), or that of a process,
 * which ends all connections: a hundred of them at once are still one event. `alone`: this resource fails, which says nothing
 * about the others; one broken path must not switch off a healthy host.
 */
type Weight = 'none' | 'alone' | 'shared' | 'full'

/** Ways in which a peer shows that it does not speak HTTP; the parser's errors have a name but not always a code. */
const GARBLED = /^(?:HTTPParserError|HeadersOverflowError|ResponseContentLengthMismatchError|SocketError bad .*)$/

/** Losses of a connection that was there. */
const LOST = /^(?:UND_ERR_SOCKET|UND_ERR_INFO|ECONNRESET|ECONNABORTED|EPIPE|ERR_HTTP2_.*|NGHTTP2_.*)$/

/** A certificate is as wrong a second later. */
const CERTIFICATE = /CERT|SIGNATURE|^ERR_TLS_|ISSUER/

/** What a failure before the response headers amounts to. `peer` is what was spoken to, for the message. */
export function headFailure(error: unknown, peer: string): Trouble {
  const cause = rootOf(error)
  const code = codeOf(cause)
  const reason = reasonOf(cause)
  const trouble = (kind: WarrenError['code'], text: string, again: boolean, weight: Weight = 'full'): Trouble => ({
    error: new WarrenError(kind, `${peer}: ${text}`, { cause: error }),
    again,
    weight,
  })
  if (cause instanceof WarrenError) return { error: cause, again: false, weight: 'none' }
  if (cause instanceof RefusedAddressError) return trouble('UPSTREAM_REFUSED', `not asked, since ${reason}`, false, 'none')
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return trouble('UPSTREAM_TIMEOUT', `no response headers in time (${reason})`, false)
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT')
    return trouble('UPSTREAM_UNREACHABLE', `no connection: ${reason}`, false)
  // From the proxy: it wants to know who we are.
  if (code === 'UND_ERR_INVALID_ARG') return trouble('UPSTREAM_UNREACHABLE', reason, false, 'none')
  if (cause instanceof Error && (GARBLED.test(cause.name) || GARBLED.test(`${cause.name} ${cause.message}`))) {
    return trouble('UPSTREAM_FAILED', `what came is not an HTTP response (${reason})`, false)
  }
  return trouble('UPSTREAM_UNREACHABLE', reason, !CERTIFICATE.test(code), LOST.test(code) ? 'shared' : 'full')
}

/** What a status amounts to that is no answer; undefined for those that are one. */
export function statusFailure(status: number, peer: string, retryAfter: number | undefined): Trouble | undefined {
  const detail = retryAfter === undefined ? {} : { retryAfter }
  const message = `${peer} answered ${status}`
  if (status === 429) return { error: new WarrenError('UPSTREAM_BUSY', message, detail), again: false, weight: 'none' }
  if (status === 408) return { error: new WarrenError('UPSTREAM_FAILED', message, detail), again: true, weight: 'none' }
  if (status < 500) return undefined
  const ill = status === 502 || status === 503 || status === 504
  const weight = ill || retryAfter !== undefined ? 'full' : 'alone'
  return { error: new WarrenError('UPSTREAM_FAILED', message, detail), again: ill && retryAfter === undefined, weight }
}

/** What a fetch rejects with once its client is closed. */
export function stopping(): WarrenError {
  return new WarrenError('DRAINING', 'this node is stopping, so nothing is fetched any more')
}

/** The first error of several addresses that were tried in parallel: the others say the same. */
function rootOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
