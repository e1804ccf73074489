import { isIP, isIPv4, isIPv6 } from 'node:net'
import { isHost, isPlainIPv6, isWildcard, parseTcpAddress, type TcpAddress } from './tcp-address.ts'

/** Where a member is, as a person or another member said it. */
export interface MeshAddress extends TcpAddress {
  /** Peer id that has to be there. */
  readonly peer?: string
  /** The only kind of IP address that the name is to be resolved to. */
  readonly family?: 4 | 6
}

/** Peer ids of Ed25519 keys: base58btc of an identity multihash. */
const PEER = '12D3KooW[1-9A-HJ-NP-Za-km-z]{44}'
const MULTIADDR = new RegExp(`^/(ip4|ip6|dns|dns4|dns6)/([^/]{1,253})/tcp/(\\d{1,5})(?:/p2p/(${PEER}))?$`)

/** Reads `host:port`, an IPv6 host in brackets, or a multiaddr with TCP over an IP address or a name. */
export function parseMeshAddress(text: string): MeshAddress | undefined {
  const address = text.startsWith('/') ? parseMultiaddr(text) : parseTcpAddress(text)
  return address && address.port > 0 ? address : undefined
}

/** As a multiaddr. */
export function toMultiaddr({ host, port, peer, family }: MeshAddress): string {
  const kind = isIPv4(host) ? 'ip4' : isIPv6(host) ? 'ip6' : `dns${family ?? ''}`
  return `/${kind}/${host}/tcp/${port}${peer === undefined ? '' : `/p2p/${peer}`}`
}

/**
 * The multiaddr that a person means by `host:port` or a multiaddr; undefined for what nobody can dial. `peer` is who is at
 * `host:port`; a multiaddr says itself whom it expects.
 */
export function memberMultiaddr(text: string, peer?: string): string | undefined {
  const address = parseMeshAddress(text)
  if (!address || isWildcard(address)) return undefined
  return toMultiaddr(peer === undefined || text.startsWith('/') ? address : { ...address, peer })
}

function parseMultiaddr(text: string): MeshAddress | undefined {
  const [, kind = '', host = '', digits = '', peer] = MULTIADDR.exec(text) ?? []
  const isName = kind.startsWith('dns')
  const isRight = isName ? isIP(host) === 0 && isHost(host) : kind === 'ip4' ? isIPv4(host) : isPlainIPv6(host)
  const port = Number(digits)
  if (!isRight || port > 65_535) return undefined
  const family = kind === 'dns4' ? 4 : kind === 'dns6' ? 6 : undefined
  return { host, port, ...(peer && { peer }), ...(family && { family }) }
}
