import { WarrenError } from '../errors.ts'
import type { Headers } from '../wire/headers.ts'
import type { UpstreamRequest } from './upstream.ts'

export interface HeadersInit {
  readonly nodeId: string
  /** Of this software. */
  readonly version: string
}

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~\da-z]+$/

/** RFC 9110 section 5.5; above all no CR, LF or NUL, which would start a header or a request of an attacker's choice. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** What concerns one connection, or is this client's own business. */
const OWN = new Set([
  'host',
  'via',
  'connection',
  'proxy-connection',
  'proxy-authorization',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'content-length',
])

/** What another host may learn: `accept*`, ranges, validators and who asks. Everything else may be a credential. */
const HARMLESS = /^(?:accept(?:-.*)?|range|if-.*|user-agent|via)$/

/** Headers as they go out. Rejects with UPSTREAM_REFUSED what could not be sent as one well-formed request. */
export function requestHeaders(request: UpstreamRequest, init: HeadersInit): Headers {
  const headers = new Map([
    ['user-agent', `warren/${init.version}`],
    // Never decoded, so never encoded: digests are of the bytes as they are published.
    ['accept-encoding', 'identity'],
  ])
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    const lower = name.toLowerCase()
    if (!OWN.has(lower)) headers.set(lower, value)
  }
  if (request.range) headers.set('range', `bytes=${request.range.start}-${request.range.end ?? ''}`)
  if (request.range?.ifRange !== undefined) headers.set('if-range', request.range.ifRange)
  const { via } = request.headers ?? {}
  // RFC 9110 section 7.6.3: behind those that it came through, so that a loop over several nodes is seen, too.
  headers.set('via', `${via === undefined ? '' : `${via}, `}1.1 warren-${init.nodeId}`)
  for (const [name, value] of headers) check(name, value)
  return Object.fromEntries(headers)
}

/** Headers for another origin than the one that credentials belong to. */
export function harmlessHeaders(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.test(name)))
}

function check(name: string, value: string): void {
  const quoted = JSON.stringify(name.slice(0, 40))
  if (!TOKEN.test(name))
    throw new WarrenError('UPSTREAM_REFUSED', `request header ${quoted} is not a header name, so nothing was sent`)
  if (!VALUE.test(value)) {
    throw new WarrenError(
      'UPSTREAM_REFUSED',
      `request header ${quoted} has a character that headers cannot carry, so nothing was sent`,
    )
  }
}
