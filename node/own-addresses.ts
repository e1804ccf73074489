import { isIPv4, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { isLinkLocal, isWildcard, type TcpAddress } from './tcp-address.ts'

/** What `os.networkInterfaces()` returns. */
export type Interfaces = Readonly<Record<string, readonly Pick<NetworkInterfaceInfo, 'address' | 'internal'>[] | undefined>>

export interface OwnAddressesInit {
  readonly listen: TcpAddress
  /** Hosts by which others reach this node; those of its interfaces when empty. */
  readonly announce: readonly string[]
  readonly interfaces: Interfaces
}

/**
 * Where a node tells others that it is: what it was told to say; else what it listens on, which for all addresses of the machine
 * means those of its interfaces. Nowhere while its port is not fixed.
 */
export function ownAddresses({ listen, announce, interfaces }: OwnAddressesInit): TcpAddress[] {
  const { host, port } = listen
  if (port === 0) return []
  const hosts = announce.length > 0 ? announce : isWildcard(listen) ? reachableHosts(interfaces, host) : [host]
  return hosts.map((one) => ({ host: one, port }))
}

/** The IP addresses of the interfaces, without the names of those. */
export function interfaceHosts(interfaces: Interfaces): { host: string; internal: boolean }[] {
  return Object.values(interfaces)
    .flatMap((each) => each ?? [])
    .map(({ address, internal }) => ({ host: address.replace(/%.*$/, ''), internal }))
}

/**
 * IPv4 first: most networks have it. A node that listens on 0.0.0.0 has no other. Loopback addresses only where nothing else is,
 * for several nodes on one machine.
 */
function reachableHosts(interfaces: Interfaces, wildcard: string): string[] {
  const all = interfaceHosts(interfaces)
    .filter((one) => (isIPv4(one.host) || isIPv6(wildcard)) && !isLinkLocal(one))
    .sort((one, other) => Number(isIPv6(one.host)) - Number(isIPv6(other.host)))
  const outer = all.filter(({ internal }) => !internal)
  return [...new Set((outer.length > 0 ? outer : all).map(({ host }) => host))]
}
