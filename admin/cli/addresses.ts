import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { isWildcard } from '../../node/config/address.ts'
import { parseMemberAddress, toMultiaddr } from '../../node/config/multiaddr.ts'
import type { Config } from '../../node/config/schema.ts'
import { UsageError } from './exit-codes.ts'

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/** Link-local addresses mean another machine on every link (RFC 4291 section 2.5.6, RFC 3927). */
const LINK_LOCAL = /^(?:fe[89ab]|169\.254\.)/i

/** The multiaddrs under which other machines may find this node; none while its port is not fixed. */
export function ownAddresses(mesh: Config['mesh'], peer: string, interfaces: Interfaces = networkInterfaces()): string[] {
  const { host, port } = mesh.listen
  if (port === 0) return []
  const announced = mesh.announce.length > 0 ? mesh.announce : undefined
  const hosts = announced ?? (isWildcard({ host }) ? hostsOf(interfaces, host) : [host])
  return hosts.map((one) => toMultiaddr({ host: one, port }, peer))
}

/** The multiaddr that somebody gave with `--address`. Throws UsageError. */
export function memberAddress(text: string, peer?: string): string {
  const address = parseMemberAddress(text, peer)
  if (address !== undefined) return address
  throw new UsageError(
    `--address: ${JSON.stringify(text)} must be host:port, such as seed.example.test:7471, or a multiaddr, such as /dns4/seed.example.test/tcp/7471`,
  )
}

/**
 * IPv4 first: most networks have it. A node that listens on 0.0.0.0 has no other. Loopback addresses only where nothing else is,
 * for several nodes on one machine.
 */
function hostsOf(interfaces: Interfaces, wildcard: string): string[] {
  const all = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ address, family }) => !LINK_LOCAL.test(address) && (family === 'IPv4' || wildcard !== '0.0.0.0'))
    .sort((one, other) => one.family.localeCompare(other.family))
  const outer = all.filter(({ internal }) => !internal)
  return (outer.length > 0 ? outer : all).map(({ address }) => address)
}
