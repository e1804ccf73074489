import type { IncomingMessage } from 'node:http'
import { type Authority, originOf, parseAuthority } from './authority.ts'

/** One pair of RFC 7239 section 4; the value may be quoted, since a port brings a colon. */
const PAIR = /[ \t]*([a-z]+)=(?:"([^"\\]*)"|([^\s;,"]*))[ \t]*(;|,|$)/iy

/** Segments that may stand in a prefix; a dot segment would lead a client out of the mount. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*$/

const PORT = /^(?:[1-9]\d{0,4})?$/

/**
 * The base URL that a proxy says its client used: `Forwarded` (RFC 7239), else the X-Forwarded family; the first value of each
 * is the client's own. Undefined when they say nothing, or anything that could not be a plain http(s) URL.
 */
export function forwardedBase(
  request: Pick<IncomingMessage, 'headers'>,
  scheme: 'http' | 'https',
  own: Authority,
): string | undefined {
  const first = (name: string) => text(request, name).split(',', 1)[0]?.trim() ?? ''
  const standard = firstElement(text(request, 'forwarded'))
  const proto = (standard.get('proto') || first('x-forwarded-proto') || scheme).toLowerCase()
  const name = standard.get('host') || first('x-forwarded-host')
  const prefix = first('x-forwarded-prefix').replace(/\/+$/, '')
  const authority = name === '' ? own : parseAuthority(name)
  const port = first('x-forwarded-port')
  if ((proto !== 'http' && proto !== 'https') || !authority || !PREFIX.test(prefix) || !PORT.test(port)) return undefined
  // A port that is part of the name is the more exact one.
  const told = authority.port ?? (port === '' ? undefined : Number(port))
  if (told !== undefined && told > 65_535) return undefined
  return originOf(proto, { host: authority.host, port: told }) + prefix
}

function text(request: Pick<IncomingMessage, 'headers'>, name: string): string {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}

function firstElement(header: string): Map<string, string> {
  const pairs = new Map<string, string>()
  PAIR.lastIndex = 0
  for (;;) {
    const match = PAIR.exec(header)
    if (!match) return pairs
    const [, name = '', quoted, plain] = match
    pairs.set(name.toLowerCase(), quoted ?? plain ?? '')
    if (match[4] !== ';') return pairs
  }
}
