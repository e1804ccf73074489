import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { isDialable, parseMemberAddress, toMultiaddr } from '../../../node/config/multiaddr.ts'

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
  '/dns/warren_seed_1/tcp/80',
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
  '/dns4/1.2.3/tcp/80',
  // Its records would have to be looked up before anybody can be dialled.
  '/dnsaddr/mesh.example.test',
  '/ip4/10.0.0.1/udp/80',
  '/ip4/10.0.0.1/tcp/80/ws',
  '/ip4/10.0.0.1/tcp/80/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
  `/ip4/10.0.0.1/tcp/80/p2p/${PEER}/p2p-circuit`,
  '/ip4/10.0.0.1/tcp/80\n',
])('%j cannot', (text) => {
  expect(isDialable(text)).toBe(false)
})

test.for([
  ['10.0.0.1:80', '/ip4/10.0.0.1/tcp/80'],
  ['[2001:db8::1]:65535', '/ip6/2001:db8::1/tcp/65535'],
  ['warren_seed_1:80', '/dns/warren_seed_1/tcp/80'],
  ['/dns4/a.example.test/tcp/80', '/dns4/a.example.test/tcp/80'],
] as const)('%s is where a member is: %s', ([text, address]) => {
  expect(parseMemberAddress(text)).toBe(address)
})

test('a peer is added to host:port, where a multiaddr says itself whom it expects', () => {
  expect(parseMemberAddress('a:80', PEER)).toBe(`/dns/a/tcp/80/p2p/${PEER}`)
  expect(parseMemberAddress('/dns/a/tcp/80', PEER)).toBe('/dns/a/tcp/80')
})

test.for(['', 'a', ':80', 'a:0', 'a:65536', 'a:80:80', '[a]:80', '[10.0.0.1]:80', '::1:80', '0.0.0.0:80', '[::]:80', 'a/b:80'])(
  '%j is nowhere to go to',
  (text) => {
    expect(parseMemberAddress(text)).toBeUndefined()
  },
)
