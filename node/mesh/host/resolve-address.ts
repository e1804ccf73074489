import type { LookupAddress } from 'node:dns'
import { isIP, isIPv4 } from 'node:net'
import type { MeshAddress } from '../../member-address.ts'
import { isPlainIPv6 } from '../../tcp-address.ts'
import { shuffled } from './shuffled.ts'

/** `dns.lookup` with `all`: the system's own way, which knows hosts files and search domains. */
export type Lookup = (host: string, options: { all: true; family: 0 | 4 | 6 }) => Promise<readonly LookupAddress[]>

/** Addresses of one name that are dialled: a name with more of them is a list of members, any of which will do. */
const MAX_RESOLVED = 16

/**
 * The IP addresses behind an address, at most 16 of them, in an order of chance, so that not every node dials the same member
 * first. Rejects with what the resolver says.
 */
export async function resolveAddress(
  address: MeshAddress,
  { lookup, random }: { lookup: Lookup; random(): number },
): Promise<MeshAddress[]> {
  const { host, port, peer, family = 0 } = address
  if (isIP(host) !== 0) return [address]
  const found = await lookup(host, { all: true, family })
  const hosts = [...new Set(found.map((one) => one.address))].filter((ip) => isIPv4(ip) || isPlainIPv6(ip))
  return shuffled(hosts, random)
    .slice(0, MAX_RESOLVED)
    .map((ip) => ({ host: ip, port, ...(peer && { peer }) }))
}
