import { isIPv6 } from 'node:net'
import type { MeshAddress } from '../../member-address.ts'
import { type Interfaces, interfaceHosts } from '../../own-addresses.ts'
import { isLinkLocal, isLoopback, isWildcard, type TcpAddress } from '../../tcp-address.ts'

/** What a node knows of itself when it judges where to dial. */
export interface Own {
  readonly peer: string
  readonly listen: readonly TcpAddress[]
  readonly interfaces: Interfaces
}

/**
 * What of the addresses of one member is worth a try, likeliest first. This node itself is never dialled: a ticket may name the
 * machine on which it is used, and the address of a bridge for containers is the same on many machines. Loopback addresses
 * are those of another machine, unless that is this one or nothing else is known.
 */
export function dialable(addresses: readonly MeshAddress[], own: Own): MeshAddress[] {
  const worth = addresses.filter((address) => !needsInterface(address) && !isWildcard(address) && !isSelf(address, own))
  const near = worth.filter(isLoopback)
  const far = worth.filter((address) => !isLoopback(address))
  if (far.length === 0) return near
  const mine = new Set(interfaceHosts(own.interfaces).map(({ host }) => host))
  return far.some(({ host }) => mine.has(host)) ? [...near, ...far] : far
}

/** Without the name of an interface nobody can dial a link-local IPv6 address; the system knows the way to IPv4 ones. */
function needsInterface(address: MeshAddress): boolean {
  return isIPv6(address.host) && isLinkLocal(address)
}

function isSelf(address: MeshAddress, { peer: self, listen, interfaces }: Own): boolean {
  const { host, port, peer } = address
  if (peer === self) return true
  const isHere = isLoopback(address) || interfaceHosts(interfaces).some((mine) => mine.host === host)
  return listen.some((mine) => mine.port === port && (mine.host === host || (isWildcard(mine) && isHere)))
}
