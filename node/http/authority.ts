import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Host and port as they stand in `Host`, in an absolute target or in a `Forwarded` header (RFC 3986 section 3.2). */
export interface Authority {
  /** Lower case, without a trailing dot; addresses in their one spelling, without brackets. */
  readonly host: string
  readonly port: number | undefined
}

/** Longest text that is looked at: a DNS name has 253 characters, a port six with its colon. */
const MAX_LENGTH = 260

const SHAPE = /^(?:\[([0-9a-f:.]+)\]|((?:[a-z0-9_-]+\.)*[a-z0-9_-]+\.?))(?::(\d{0,5}))?$/i

/** Undefined for everything that is not plainly a host: user names, zones, numbers that only look like an address. */
export function parseAuthority(text: string): Authority | undefined {
  const match = text.length <= MAX_LENGTH ? SHAPE.exec(text) : null
  if (!match) return undefined
  const [, six, name = '', digits] = match
  const port = digits ? Number(digits) : undefined
  if (port !== undefined && (port > 65_535 || port === 0)) return undefined
  // `::127.0.0.1` (RFC 4291 section 2.5.5.1, deprecated) is another address to URL parsers than to ipaddr.js, which maps it.
  if (six !== undefined) return isIPv6(six) && !/^::\d+\./.test(six) ? { host: canonicalHost(six), port } : undefined
  const host = canonicalHost(name)
  // What ends in a number is an address to every URL parser; one that is spelt oddly (`127.1`, `0x7f.1`) is a trick.
  if (/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(host) && !isIPv4(host)) return undefined
  return { host, port }
}

/** One spelling for each name or address; an IPv4 address inside an IPv6 one is that IPv4 address. */
export function canonicalHost(host: string): string {
  const name = host.toLowerCase().replace(/\.$/, '')
  return isIPv4(name) || isIPv6(name) ? ipaddr.process(name).toString() : name
}

/** `http://host[:port]` as a URL has it: IPv6 in brackets, the scheme's own port left out. */
export function originOf(scheme: 'http' | 'https', { host, port }: Authority): string {
  const usual = scheme === 'https' ? 443 : 80
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === undefined || port === usual ? '' : `:${port}`}`
}
