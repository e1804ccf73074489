import { WarrenError } from '../errors.ts'
import type { WireRequest, WireResponse } from '../wire/exchange.ts'
import { refused } from './address-guard.ts'
import { MAX_REDIRECTS } from './constants.ts'
import { harmlessHeaders } from './headers.ts'
import { upstreamUrl } from './urls.ts'

/** RFC 9110 section 15.4; 304 is an answer, 300 asks a person. */
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * Sends a request and, unless `mode` is `manual`, what it is redirected to. Rejects with UPSTREAM_REFUSED for a redirect that
 * must not be followed, and with UPSTREAM_FAILED for one that cannot be.
 */
export async function followRedirects(
  first: WireRequest,
  send: (request: WireRequest) => Promise<WireResponse>,
  mode: 'follow' | 'manual' = 'follow',
): Promise<{ response: WireResponse; url: URL }> {
  const seen = new Set<string>()
  for (let request = first; ; ) {
    const response = await send(request)
    if (mode === 'manual' || !REDIRECTS.has(response.status)) return { response, url: request.url }
    response.body.discard()
    seen.add(request.url.href)
    const next = redirected(request, response)
    if (seen.has(next.url.href)) throw refused(next.url, 'its redirects go round in a circle')
    if (seen.size > MAX_REDIRECTS) throw refused(next.url, `more than ${MAX_REDIRECTS} redirects lead there`)
    request = next
  }
}

function redirected(request: WireRequest, { status, headers }: WireResponse): WireRequest {
  const { origin, protocol } = request.url
  if (request.method === 'POST')
    throw new WarrenError('UPSTREAM_FAILED', `${origin} answered a POST with the redirect ${status}`)
  const location = headers.location
  if (location === undefined)
    throw new WarrenError('UPSTREAM_FAILED', `${origin} answered ${status} without saying where to go`)
  const url = upstreamUrl(location, request.url)
  if (protocol === 'https:' && url.protocol !== 'https:') throw refused(url, `${origin} redirects there from https to http`)
  const method = status === 303 && request.method !== 'HEAD' ? 'GET' : request.method
  // Kept off for the rest of the chain: a later hop back does not get them again.
  return { method, url, headers: url.origin === origin ? request.headers : harmlessHeaders(request.headers) }
}
