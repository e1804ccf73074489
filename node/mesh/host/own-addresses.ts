import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { type MeshAddress, toHostPort } from './addresses.ts'

/** What `os.networkInterfaces()` returns. */
export type Interfaces = Readonly<Record<string, readonly Pick<NetworkInterfaceInfo, 'address' | 'internal'>[] | undefined>>

type HostPort = Pick<MeshAddress, 'host' | 'port'>

/** What a node knows of itself when it judges where to dial. */
export interface Own {
  readonly peer: string
  readonly listen: readonly HostPort[]
  readonly interfaces: Interfaces
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Without the name of an interface, which means something on one machine only, nobody can dial them. */
const linkLocal = new BlockList()
linkLocal.addSubnet('fe80::', 10, 'ipv6')

/** Answered by whoever hands out addresses when there is nobody to do so: hardly ever the way to a member. */
const selfAssigned = new BlockList()
selfAssigned.addSubnet('169.254.0.0', 16, 'ipv4')

/**
 * What of the addresses of one member is worth a try, likeliest first. This node itself is never dialled: a ticket may name the
 * machine on which it is used, and the address of a bridge for containers is the same on many machines. Loopback addresses
 * are those of another machine, unless that is this one or nothing else is known.
 */
export function dialable(addresses: readonly MeshAddress[], own: Own): MeshAddress[] {
  const worth = addresses.filter((address) => !inside(linkLocal, address) && !isWildcard(address) && !isSelf(address, own))
  const near = worth.filter((address) => inside(loopback, address))
  const far = worth.filter((address) => !inside(loopback, address))
  if (far.length === 0) return near
  const mine = new Set(hostsOf(own.interfaces).map(({ address }) => address))
  return far.some(({ host }) => mine.has(host)) ? [...near, ...far] : far
}

/**
 * Where a node tells others that it is, as `host:port`: what it was told to say; else what it listens on, which for all
 * addresses of the machine means those of its interfaces, loopback only when there is no other.
 */
export function announced(init: { listen: HostPort; announce: readonly string[]; interfaces: Interfaces }): string[] {
  const { host, port } = init.listen
  return announcedHosts(host, init.announce, init.interfaces).map((one) => toHostPort({ host: one, port }))
}

function announcedHosts(listen: string, announce: readonly string[], interfaces: Interfaces): readonly string[] {
  if (announce.length > 0) return announce
  if (!isWildcard({ host: listen })) return [listen]
  const all = hostsOf(interfaces).filter(({ address }) => {
    const kind = { host: address }
    return (isIPv4(address) || isIPv6(listen)) && !inside(linkLocal, kind) && !inside(selfAssigned, kind)
  })
  const external = all.filter(({ internal }) => !internal)
  return [...new Set((external.length > 0 ? external : all).map(({ address }) => address))]
}

function isSelf({ host, port, peer }: MeshAddress, { peer: self, listen, interfaces }: Own): boolean {
  if (peer === self) return true
  const isHere = inside(loopback, { host }) || hostsOf(interfaces).some(({ address }) => address === host)
  return listen.some((mine) => mine.port === port && (mine.host === host || (isWildcard(mine) && isHere)))
}

function hostsOf(interfaces: Interfaces) {
  return Object.values(interfaces)
    .flatMap((each) => each ?? [])
    .map(({ address, internal }) => ({ address: address.replace(/%.*$/, ''), internal }))
}

function isWildcard({ host }: Pick<MeshAddress, 'host'>): boolean {
  return host === '0.0.0.0' || (isIPv6(host) && /^[0:]+$/.test(host))
}

function inside(list: BlockList, { host }: Pick<MeshAddress, 'host'>): boolean {
  return isIPv4(host) ? list.check(host, 'ipv4') : isIPv6(host) && list.check(host, 'ipv6')
}
