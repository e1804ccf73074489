import { isIPv4, isIPv6 } from 'node:net'
import { isHost, isWildcard, type TcpAddress } from './address.ts'

/** Peer ids of Ed25519 keys: base58btc of an identity multihash. */
const PEER = '12D3KooW[1-9A-HJ-NP-Za-km-z]{44}'
const MULTIADDR = new RegExp(`^/(ip4|ip6|dns|dns4|dns6)/([^/]{1,253})/tcp/(\\d{1,5})(?:/p2p/${PEER})?$`)
const WITH_PORT = /^(?:\[([^[\]]{1,64})\]|([^:[\]/]{1,253})):(\d{1,5})$/

/** Whether `text` is a multiaddr that a node can dial: TCP to an IP address or a name, with or without the peer that it expects. */
export function isDialable(text: string): boolean {
  const [, kind = '', host = '', digits = ''] = MULTIADDR.exec(text) ?? []
  const isRight = kind === 'ip4' ? isIPv4(host) : kind === 'ip6' ? isIPv6(host) && !host.includes('%') : isName(host)
  return isRight && !isWildcard({ host }) && Number(digits) > 0 && Number(digits) <= 65_535
}

/** The multiaddr of a TCP address, of the peer there when it is known. */
export function toMultiaddr({ host, port }: TcpAddress, peer?: string): string {
  const kind = isIPv4(host) ? 'ip4' : isIPv6(host) ? 'ip6' : 'dns'
  return `/${kind}/${host}/tcp/${port}${peer === undefined ? '' : `/p2p/${peer}`}`
}

/** The multiaddr that `host:port`, or a multiaddr, says; undefined for what no node can dial. */
export function parseMemberAddress(text: string, peer?: string): string | undefined {
  const [, six, other = '', digits] = WITH_PORT.exec(text) ?? []
  if (six !== undefined && !isIPv6(six)) return undefined
  const address = text.startsWith('/') ? text : toMultiaddr({ host: six ?? other, port: Number(digits) }, peer)
  return isDialable(address) ? address : undefined
}

/** Container runtimes give names with underscores, which RFC 1123 does not have. */
function isName(host: string): boolean {
  return !isIPv4(host) && !isIPv6(host) && isHost(host.replaceAll('_', '-'))
}
