import { isIPv4, isIPv6 } from 'node:net'
import { isHost, isWildcard, parseTcpAddress, type TcpAddress } from './address.ts'

/** Peer ids of Ed25519 keys: base58btc of an identity multihash. */
const PEER = '12D3KooW[1-9A-HJ-NP-Za-km-z]{44}'
const TCP = new RegExp(`^/(ip4|ip6|dns|dns4|dns6)/([^/]{1,253})/tcp/(\\d{1,5})(?:/p2p/${PEER})?$`)
/** A name whose TXT records hold further multiaddrs. */
const DNSADDR = new RegExp(`^/dnsaddr/([^/]{1,253})(?:/p2p/${PEER})?$`)

const TAKES: Readonly<Record<string, (host: string) => boolean>> = {
  ip4: isIPv4,
  ip6: (host) => isIPv6(host) && !host.includes('%'),
}

/** Whether `text` is a multiaddr that a node can dial: TCP to an IP address or a name, with or without the peer that it expects. */
export function isDialable(text: string): boolean {
  const [, kind = 'dns', host = '', port = '1'] = TCP.exec(text) ?? [undefined, 'dns', DNSADDR.exec(text)?.[1]]
  const number = Number(port)
  return (TAKES[kind] ?? isName)(host) && !isWildcard({ host }) && number > 0 && number <= 65_535
}

/** The multiaddr of a TCP address, of the peer there when it is known. */
export function toMultiaddr({ host, port }: TcpAddress, peer?: string): string {
  const kind = isIPv4(host) ? 'ip4' : isIPv6(host) ? 'ip6' : 'dns'
  return `/${kind}/${host}/tcp/${port}${peer === undefined ? '' : `/p2p/${peer}`}`
}

/** The multiaddr that `host:port`, or a multiaddr, says; undefined for what no node can dial. */
export function parseMemberAddress(text: string, peer?: string): string | undefined {
  if (text.startsWith('/')) return isDialable(text) ? text : undefined
  const address = parseTcpAddress(text)
  return address && address.port > 0 && !isWildcard(address) ? toMultiaddr(address, peer) : undefined
}

function isName(host: string): boolean {
  return host !== '' && isHost(host) && !isIPv4(host) && !isIPv6(host)
}
