import { isIP } from 'node:net'
import { parseTcpAddress, type TcpAddress, toHostPort } from '../tcp-address.ts'

/** Where to listen: TCP, or a Unix socket by its absolute path. */
export type Address = TcpAddress | { readonly socket: string }

/** Reads `host:port` or `unix:/absolute/path`. */
export function parseAddress(text: string): Address | undefined {
  if (!text.startsWith('unix:')) return parseTcpAddress(text)
  const socket = text.slice('unix:'.length)
  // sun_path holds 108 bytes on Linux and 104 elsewhere, the closing NUL included; longer paths are cut off silently.
  return socket.startsWith('/') && !socket.includes('\0') && Buffer.byteLength(socket) < 104 ? { socket } : undefined
}

/** The spelling that `parseAddress` reads; for TCP also the host part of a URL. */
export function formatAddress(address: Address): string {
  return 'socket' in address ? `unix:${address.socket}` : toHostPort(address)
}

/** A network in CIDR notation (RFC 4632 section 3.1); a single address becomes a network of one. */
export function parseNetwork(text: string): string | undefined {
  const [ip = '', bits, ...rest] = text.split('/')
  const widest = { 0: -1, 4: 32, 6: 128 }[isIP(ip)] ?? -1
  if (rest.length > 0 || widest < 0 || ip.includes('%')) return undefined
  if (bits === undefined) return `${ip}/${widest}`
  return /^\d{1,3}$/.test(bits) && Number(bits) <= widest ? `${ip}/${Number(bits)}` : undefined
}
