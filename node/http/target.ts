import type { IncomingMessage } from 'node:http'

const ABSOLUTE = /^(https?):\/\/([^/?#]*)(.*)$/i

/**
 * Brings a target in absolute form, as clients send it that take us for their proxy, into the usual form: its authority stands
 * above the `Host` header (RFC 9112 section 3.2.2), and everything that follows looks at one place only. A target of the other
 * scheme stays as it is, and so leads nowhere (RFC 9110 section 7.4).
 */
export function settleTarget(request: IncomingMessage): void {
  if (request.url?.startsWith('/')) return
  const [, scheme, authority, rest] = ABSOLUTE.exec(request.url ?? '') ?? []
  if (scheme?.toLowerCase() !== ('encrypted' in request.socket ? 'https' : 'http')) return
  request.headers.host = authority
  request.url = rest?.startsWith('/') ? rest : `/${rest ?? ''}`
}

/** The query with its question mark, or empty. */
export function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?')
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at) }
}
