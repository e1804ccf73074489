import type { LookupAddress } from 'node:dns'
import { isIPv4, isIPv6 } from 'node:net'

/** Where a member is, as a person or another member said it. */
export interface MeshAddress {
  /** IP address (no brackets) or DNS name. */
  readonly host: string
  readonly port: number
  /** Peer id that has to be there. */
  readonly peer?: string
  /** The only kind of IP address that the name is to be resolved to. */
  readonly family?: 4 | 6
}

/** `dns.lookup` with `all`: the system's own way, which knows hosts files and search domains. */
export type Lookup = (host: string, options: { all: true; family: 0 | 4 | 6 }) => Promise<readonly LookupAddress[]>

/** Addresses of one name that are dialled: a name with more of them is a list of members, any of which will do. */
const MAX_RESOLVED = 16

const PEER = '12D3KooW[1-9A-HJ-NP-Za-km-z]{44}'
const MULTIADDR = new RegExp(`^/(ip4|ip6|dns|dns4|dns6)/([^/]{1,253})/tcp/(\\d{1,5})(?:/p2p/(${PEER}))?$`)
const WITH_PORT = /^(?:\[([^\]]{1,64})\]|([^:[\]/]{1,253})):(\d{1,5})$/
/** Looser than RFC 1123, which has no underscores, while container runtimes give such names. */
const NAME = /^(?!-)[\w-]{1,63}(?<!-)(?:\.(?!-)[\w-]{1,63}(?<!-))*$/

/** Reads `host:port`, an IPv6 host in brackets, or a multiaddr with TCP over an IP address or a name. */
export function parseMeshAddress(text: string): MeshAddress | undefined {
  if (text.startsWith('/')) {
    const [, kind = '', host = '', digits = '', peer] = MULTIADDR.exec(text) ?? []
    const family = kind.endsWith('4') ? 4 : kind.endsWith('6') ? 6 : undefined
    const isRight = kind === 'ip4' ? isIPv4(host) : kind === 'ip6' ? isPlainIPv6(host) : isName(host)
    return isRight
      ? withPort(host, digits, { ...(peer && { peer }), ...(family && kind.startsWith('dns') && { family }) })
      : undefined
  }
  const [, six, other = '', digits = ''] = WITH_PORT.exec(text) ?? []
  if (six !== undefined) return isPlainIPv6(six) ? withPort(six, digits) : undefined
  return isIPv4(other) || isName(other) ? withPort(other, digits) : undefined
}

/** As a multiaddr. */
export function toMultiaddr({ host, port, peer, family }: MeshAddress): string {
  const kind = isIPv4(host) ? 'ip4' : isIPv6(host) ? 'ip6' : `dns${family ?? ''}`
  return `/${kind}/${host}/tcp/${port}${peer === undefined ? '' : `/p2p/${peer}`}`
}

/** As `host:port`, an IPv6 host in brackets. */
export function toHostPort({ host, port }: Pick<MeshAddress, 'host' | 'port'>): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/**
 * The IP addresses behind an address, at most 16 of them, in an order of chance, so that not every node dials the same member
 * first. Rejects with what the resolver says.
 */
export async function resolveAddress(
  address: MeshAddress,
  { lookup, random }: { lookup: Lookup; random(): number },
): Promise<MeshAddress[]> {
  const { host, port, peer, family = 0 } = address
  if (isIPv4(host) || isIPv6(host)) return [address]
  const found = await lookup(host, { all: true, family })
  const hosts = [...new Set(found.map((one) => one.address))].filter((ip) => isIPv4(ip) || isPlainIPv6(ip))
  return shuffled(hosts, random)
    .slice(0, MAX_RESOLVED)
    .map((ip) => ({ host: ip, port, ...(peer && { peer }) }))
}

export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const drawn = values.map((value) => ({ value, at: random() }))
  return drawn.sort((one, other) => one.at - other.at).map(({ value }) => value)
}

function withPort(host: string, digits: string, rest: Pick<MeshAddress, 'peer' | 'family'> = {}): MeshAddress | undefined {
  const port = Number(digits)
  return port > 0 && port <= 65_535 ? { host, port, ...rest } : undefined
}

function isPlainIPv6(host: string): boolean {
  return isIPv6(host) && !host.includes('%')
}

/** A last label of digits only is a mistyped IPv4 address. */
function isName(host: string): boolean {
  return host.length <= 253 && NAME.test(host) && !/(?:^|\.)\d+$/.test(host)
}
