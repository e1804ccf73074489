import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

/** Where to listen, or where somebody listens. */
export interface TcpAddress {
  /** IPv4 or IPv6 address (no brackets) or host name. */
  readonly host: string
  /** To listen on, 0 asks the system for a free one. */
  readonly port: number
}

type Host = Pick<TcpAddress, 'host'>

/** Looser than RFC 1123 section 2.1, which has no underscores, while container runtimes give such names. */
const LABEL = /^(?!-)[\w-]{1,63}(?<!-)$/
const WITH_PORT = /^(?:\[([^[\]]{1,64})\]|([^:[\]]{1,253})):(\d{1,5})$/

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4')
linkLocal.addSubnet('fe80::', 10, 'ipv6')

/** Whether `text` is an IP address or a DNS name. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  const labels = text.split('.')
  // A last label of digits only is a mistyped IPv4 address: the WHATWG URL standard reads it as one, too.
  return text.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '')
}

/** An IPv6 address with the name of an interface means something on one machine only. */
export function isPlainIPv6(host: string): boolean {
  return isIPv6(host) && !host.includes('%')
}

/** Reads `host:port`, an IPv6 host in brackets; an IPv4 address may be in them too, since manifests do not know which it will be. */
export function parseTcpAddress(text: string): TcpAddress | undefined {
  const [, six, other = '', digits] = WITH_PORT.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return undefined
  if (six !== undefined) return isIPv4(six) || isPlainIPv6(six) ? { host: six, port } : undefined
  return isHost(other) ? { host: other, port } : undefined
}

/** The spelling that `parseTcpAddress` reads; also the host part of a URL. */
export function toHostPort({ host, port }: TcpAddress): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

export function isLoopback({ host }: Host): boolean {
  return host === 'localhost' || isIn(loopback, host)
}

/** Whether it means another machine on every link (RFC 3927, RFC 4291 section 2.5.6). */
export function isLinkLocal({ host }: Host): boolean {
  return isIn(linkLocal, host)
}

/** Whether it stands for all addresses of the machine. */
export function isWildcard({ host }: Host): boolean {
  return host === '0.0.0.0' || (isIPv6(host) && /^[0:]+$/.test(host))
}

function isIn(list: BlockList, host: string): boolean {
  return isIP(host) !== 0 && list.check(host, isIPv4(host) ? 'ipv4' : 'ipv6')
}
