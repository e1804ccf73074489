import ipaddr from 'ipaddr.js'

/**
 * From where an address can be reached: everywhere, in this network, on this machine; `forbidden` is what no download ever
 * comes from (link-local with the clouds' metadata services, multicast, reserved and translated ranges).
 */
export type Reach = 'public' | 'private' | 'loopback' | 'forbidden'

const ORDER: readonly Reach[] = ['public', 'private', 'loopback', 'forbidden']

/** RFC 1918, 4193, 6598, 3879. */
const PRIVATE_RANGES = new Set(['private', 'uniqueLocal', 'carrierGradeNat', 'deprecatedSiteLocal'])

/** Metadata services that hand out a machine's credentials and do not sit in link-local ranges. */
const METADATA = new Set(['100.100.100.200', '168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254', 'fd00:42::42'])

/**
 * RFC 2544 and RFC 5737: VPN clients and closed networks answer every name with an address from here, the upstream's own included,
 * and lead it on themselves. Nobody else has one.
 */
const STAND_INS = ['198.18.0.0/15', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'].map((cidr) => ipaddr.parseCIDR(cidr))

/** RFC 6052: in networks with IPv6 only, public IPv4 hosts get such addresses. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96')

/** RFC 4291 section 2.4: everything outside is special, known to a library or not. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3')

export function reachOf(address: string): Reach {
  // A zone ('fe80::1%eth0') is for link-local addresses only.
  if (!ipaddr.isValid(address) || address.includes('%')) return 'forbidden'
  const parsed = ipaddr.parse(address)
  if (METADATA.has(parsed.toString())) return 'forbidden'
  return parsed instanceof ipaddr.IPv6 ? reachOfIPv6(parsed) : reachOfIPv4(parsed)
}

/** Whether an address of reach `reach` is allowed where `limit` is. Forbidden ones never are. */
export function reaches(reach: Reach, limit: Reach): boolean {
  return reach !== 'forbidden' && ORDER.indexOf(reach) <= ORDER.indexOf(limit)
}

/**
 * What a host with these addresses entitles others to: no more than its most public one, or a registry could open this machine
 * to its redirects by adding 127.0.0.1 to its name. A forbidden address entitles to nothing.
 */
export function entitlement(all: readonly Reach[]): Reach {
  const useful = all.filter((reach) => reach !== 'forbidden')
  return useful.length === 0 ? 'public' : useful.reduce((a, b) => (ORDER.indexOf(a) < ORDER.indexOf(b) ? a : b))
}

function reachOfIPv4(address: ipaddr.IPv4): Reach {
  if (STAND_INS.some((range) => address.match(range))) return 'private'
  return reachOfRange(address.range())
}

function reachOfIPv6(address: ipaddr.IPv6): Reach {
  if (address.isIPv4MappedAddress()) return reachOf(address.toIPv4Address().toString())
  if (address.match(NAT64)) return reachOf(address.toByteArray().slice(12).join('.'))
  const reach = reachOfRange(address.range())
  return reach === 'public' && !address.match(GLOBAL_UNICAST) ? 'forbidden' : reach
}

function reachOfRange(range: string): Reach {
  if (range === 'unicast') return 'public'
  if (range === 'loopback') return 'loopback'
  return PRIVATE_RANGES.has(range) ? 'private' : 'forbidden'
}
