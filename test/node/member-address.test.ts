import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memberMultiaddr, parseMeshAddress, toMultiaddr } from '../../node/member-address.ts'
import { toHostPort } from '../../node/tcp-address.ts'

const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'

describe('what a person or a ticket says', () => {
  test.for([
    ['10.0.0.5:7471', { host: '10.0.0.5', port: 7471 }, '/ip4/10.0.0.5/tcp/7471'],
    ['[10.0.0.1]:80', { host: '10.0.0.1', port: 80 }, '/ip4/10.0.0.1/tcp/80'],
    ['[2001:db8::1]:65535', { host: '2001:db8::1', port: 65_535 }, '/ip6/2001:db8::1/tcp/65535'],
    ['seed.example.test:1', { host: 'seed.example.test', port: 1 }, '/dns/seed.example.test/tcp/1'],
    ['warren_seed_1:7471', { host: 'warren_seed_1', port: 7471 }, '/dns/warren_seed_1/tcp/7471'],
    ['/ip4/10.0.0.1/tcp/1', { host: '10.0.0.1', port: 1 }, undefined],
    [`/ip4/10.0.0.5/tcp/7471/p2p/${PEER}`, { host: '10.0.0.5', port: 7471, peer: PEER }, undefined],
    [`/ip6/2001:db8::1/tcp/7471/p2p/${PEER}`, { host: '2001:db8::1', port: 7471, peer: PEER }, undefined],
    ['/ip6/::1/tcp/65535', { host: '::1', port: 65_535 }, undefined],
    ['/dns/a/tcp/80', { host: 'a', port: 80 }, undefined],
    ['/dns/warren_seed_1/tcp/80', { host: 'warren_seed_1', port: 80 }, undefined],
    [`/dns/seed.example.test/tcp/7471/p2p/${PEER}`, { host: 'seed.example.test', port: 7471, peer: PEER }, undefined],
    ['/dns4/a.example.test/tcp/80', { host: 'a.example.test', port: 80, family: 4 }, undefined],
    [`/dns6/a.example.test/tcp/80/p2p/${PEER}`, { host: 'a.example.test', port: 80, family: 6, peer: PEER }, undefined],
  ] as const)('%s is read, and the library reads what is written of it', ([text, address, written]) => {
    expect(parseMeshAddress(text)).toEqual(address)
    expect(toMultiaddr(address)).toBe(written ?? text)
    expect(multiaddr(toMultiaddr(address)).toString()).toBe(written ?? text)
    expect(memberMultiaddr(text)).toBe(written ?? text)
  })

  test.for([
    '',
    '/',
    'a',
    ':80',
    ':7471',
    '10.0.0.5',
    '10.0.0.5:0',
    '10.0.0.5:65536',
    '10.0.0.256:80',
    '1.2.3:80',
    '::1:7471',
    '[::1]',
    '[a]:80',
    '[fe80::1%eth0]:7471',
    'a:0',
    'a:65536',
    'a:80:80',
    'a b:80',
    'a/b:80',
    '-a:80',
    'a..b:80',
    'http://a:80',
    '/ip4/10.0.0.1',
    '/ip4/10.0.0.5/udp/7471',
    '/ip4/10.0.0.5/tcp/0',
    '/ip4/10.0.0.1/tcp/65536',
    '/ip4/10.0.0.256/tcp/80',
    '/ip4/::1/tcp/80',
    '/ip6/10.0.0.1/tcp/80',
    '/ip6/fe80::1%eth0/tcp/80',
    '/dns/::1/tcp/80',
    '/dns4/10.0.0.5/tcp/80',
    '/dns4/-a/tcp/80',
    '/dns4//tcp/80',
    '/dns4/1.2.3/tcp/80',
    // Its records would have to be looked up before anybody can be dialled.
    '/dnsaddr/mesh.example.test',
    '/ip4/10.0.0.5/tcp/80/ws',
    '/ip4/10.0.0.5/tcp/80/p2p/12D3KooW',
    '/ip4/10.0.0.1/tcp/80/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
    `/ip4/10.0.0.5/tcp/80/p2p/${PEER}/p2p-circuit`,
    '/ip4/10.0.0.5/tcp/80\n',
  ])('%j is no address', (text) => {
    expect(parseMeshAddress(text)).toBeUndefined()
    expect(memberMultiaddr(text)).toBeUndefined()
  })

  test('whatever is read is written so that it is read the same, and the library agrees', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.string())
    const text = fc.tuple(host, fc.nat(70_000)).map(([name, port]) => `${name.includes(':') ? `[${name}]` : name}:${port}`)
    fc.assert(
      fc.property(text, (given) => {
        const address = parseMeshAddress(given)
        if (!address) return
        expect(parseMeshAddress(toMultiaddr(address))).toEqual(address)
        expect(parseMeshAddress(toHostPort(address))).toEqual(address)
        expect(() => multiaddr(toMultiaddr(address))).not.toThrow()
      }),
      { seed: 7471, numRuns: 2_000 },
    )
  })
})

describe('where a person says that a member is', () => {
  test.for(['0.0.0.0:80', '[::]:80', '[0:0:0:0:0:0:0:0]:80', '/ip4/0.0.0.0/tcp/80', '/ip6/::/tcp/80'])(
    'is not %s, which means all addresses of a machine',
    (text) => {
      expect(parseMeshAddress(text)).toBeDefined()
      expect(memberMultiaddr(text)).toBeUndefined()
    },
  )

  test('a peer is added to host:port, where a multiaddr says itself whom it expects', () => {
    expect(memberMultiaddr('a:80', PEER)).toBe(`/dns/a/tcp/80/p2p/${PEER}`)
    expect(memberMultiaddr('[2001:db8::1]:80', PEER)).toBe(`/ip6/2001:db8::1/tcp/80/p2p/${PEER}`)
    expect(memberMultiaddr('/dns/a/tcp/80', PEER)).toBe('/dns/a/tcp/80')
    expect(memberMultiaddr('/dns4/a/tcp/80', PEER)).toBe('/dns4/a/tcp/80')
  })
})
