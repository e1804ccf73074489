import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

/** A TCP address to listen on. */
export interface TcpAddress {
  /** IPv4 or IPv6 address (no brackets) or host name. */
  readonly host: string
  /** 0 asks the system for a free one. */
  readonly port: number
}

/** Where to listen: TCP, or a Unix socket by its absolute path. */
export type Address = TcpAddress | { readonly socket: string }

const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/i
const WITH_PORT = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether `text` is an IP address or a DNS name (RFC 1123 section 2.1). */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  const labels = text.split('.')
  // A last label of digits only is a mistyped IPv4 address: the WHATWG URL standard reads it as one, too.
  return text.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '')
}

/** Reads `host:port`, an IPv6 host in brackets. */
export function parseTcpAddress(text: string): TcpAddress | undefined {
  const [, six, other, digits] = WITH_PORT.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) return undefined
  if (six !== undefined) return isIPv6(six) && !six.includes('%') ? { host: six, port } : undefined
  return other !== undefined && isHost(other) ? { host: other, port } : undefined
}

/** Reads `host:port` or `unix:/absolute/path`. */
export function parseAddress(text: string): Address | undefined {
  if (!text.startsWith('unix:')) return parseTcpAddress(text)
  const socket = text.slice('unix:'.length)
  // sun_path holds 108 bytes on Linux and 104 elsewhere, the closing NUL included; longer paths are cut off silently.
  return socket.startsWith('/') && !socket.includes('\0') && Buffer.byteLength(socket) < 104 ? { socket } : undefined
}

/** The spelling that `parseAddress` reads; for TCP also the host part of a URL. */
export function formatAddress(address: Address): string {
  if ('socket' in address) return `unix:${address.socket}`
  return `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`
}

export function isLoopback({ host }: TcpAddress): boolean {
  if (host === 'localhost') return true
  return isIP(host) !== 0 && loopback.check(host, isIPv4(host) ? 'ipv4' : 'ipv6')
}

/** Whether it stands for all addresses of the machine. */
export function isWildcard({ host }: Pick<TcpAddress, 'host'>): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host)
}

/** A network in CIDR notation (RFC 4632 section 3.1); a single address becomes a network of one. */
export function parseNetwork(text: string): string | undefined {
  const [ip = '', bits, ...rest] = text.split('/')
  const widest = { 0: -1, 4: 32, 6: 128 }[isIP(ip)] ?? -1
  if (rest.length > 0 || widest < 0 || ip.includes('%')) return undefined
  if (bits === undefined) return `${ip}/${widest}`
  return /^\d{1,3}$/.test(bits) && Number(bits) <= widest ? `${ip}/${Number(bits)}` : undefined
}
