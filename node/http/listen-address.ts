/** A TCP address, or the path of a Unix socket. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly socket: string }

export function formatAddress(address: ListenAddress): string {
  if ('socket' in address) return address.socket
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

export function sameAddress(a: ListenAddress, b: ListenAddress): boolean {
  return formatAddress(a) === formatAddress(b)
}
