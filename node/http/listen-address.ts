import { type TcpAddress, toHostPort } from '../tcp-address.ts'

/** A TCP address, or the path of a Unix socket. */
export type ListenAddress = TcpAddress | { readonly socket: string }

export function formatAddress(address: ListenAddress): string {
  return 'socket' in address ? address.socket : toHostPort(address)
}

export function sameAddress(a: ListenAddress, b: ListenAddress): boolean {
  return formatAddress(a) === formatAddress(b)
}
