import { formatAddress, type ListenAddress } from './http/server.ts'

/** Base URL of a listener, without a trailing slash; of a socket `unix:` and its path. */
export function urlOf(address: ListenAddress): string {
  return 'socket' in address ? `unix:${address.socket}` : `http://${formatAddress(address)}`
}
