import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { isDialable, toMultiaddr } from '../../../node/config/multiaddr.ts'

const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'

test.for([
  ['10.0.0.1', undefined, '/ip4/10.0.0.1/tcp/7471'],
  ['2001:db8::1', PEER, `/ip6/2001:db8::1/tcp/7471/p2p/${PEER}`],
  ['seed.example.test', PEER, `/dns/seed.example.test/tcp/7471/p2p/${PEER}`],
] as const)('%s of the peer %s is %s', ([host, peer, text]) => {
  expect(toMultiaddr({ host, port: 7471 }, peer)).toBe(text)
  expect(isDialable(text)).toBe(true)
  expect(multiaddr(text).toString()).toBe(text)
})

test.for([
  '/ip4/10.0.0.1/tcp/1',
  '/ip6/::1/tcp/65535',
  '/dns/a/tcp/80',
  '/dns4/a.example.test/tcp/80',
  `/dns6/a.example.test/tcp/80/p2p/${PEER}`,
  '/dnsaddr/mesh.example.test',
  `/dnsaddr/mesh.example.test/p2p/${PEER}`,
])('%s can be dialled, and the library reads it, too', (text) => {
  expect(isDialable(text)).toBe(true)
  expect(multiaddr(text).toString()).toBe(text)
})

test.for([
  '',
  '/',
  '10.0.0.1:7471',
  '/ip4/10.0.0.1',
  '/ip4/10.0.0.1/tcp/0',
  '/ip4/10.0.0.1/tcp/65536',
  '/ip4/10.0.0.256/tcp/80',
  '/ip4/0.0.0.0/tcp/80',
  '/ip6/::/tcp/80',
  '/ip4/::1/tcp/80',
  '/ip6/10.0.0.1/tcp/80',
  '/ip6/fe80::1%eth0/tcp/80',
  '/dns4/10.0.0.1/tcp/80',
  '/dns4/-a/tcp/80',
  '/dns4//tcp/80',
  '/dnsaddr/',
  '/dnsaddr/10.0.0.1',
  '/ip4/10.0.0.1/udp/80',
  '/ip4/10.0.0.1/tcp/80/ws',
  '/ip4/10.0.0.1/tcp/80/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
  `/ip4/10.0.0.1/tcp/80/p2p/${PEER}/p2p-circuit`,
  '/ip4/10.0.0.1/tcp/80\n',
])('%j cannot', (text) => {
  expect(isDialable(text)).toBe(false)
})
