import type { NetworkInterfaceInfo } from 'node:os'
import { expect, test } from 'vitest'
import { memberAddress, ownAddresses } from '../../../admin/cli/addresses.ts'
import { PEER } from '../fake-node.ts'

const at = (address: string, internal = false): NetworkInterfaceInfo => {
  const common = { address, netmask: '', mac: '', internal, cidr: null }
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' }
}
const interfaces = {
  lo: [at('127.0.0.1', true), at('::1', true)],
  eth0: [at('2001:db8::5'), at('10.0.0.5'), at('fe80::1')],
  eth1: [at('192.168.7.5'), at('169.254.3.4')],
}
const mesh = {
  listen: { host: '0.0.0.0', port: 7471 },
  blobs: { host: '0.0.0.0', port: 7472 },
  announce: [] as string[],
  bootstrap: [],
  mdns: true,
  dht: 'auto' as const,
}

function own(host: string, port = 7471, announce: string[] = []): string[] {
  return ownAddresses({ ...mesh, listen: { host, port }, announce }, PEER, interfaces).map((text) =>
    text.replace(`/p2p/${PEER}`, ''),
  )
}

test('a node on all addresses is found at those of its interfaces that mean something elsewhere', () => {
  expect(own('0.0.0.0')).toEqual(['/ip4/10.0.0.5/tcp/7471', '/ip4/192.168.7.5/tcp/7471'])
  expect(own('::')).toEqual(['/ip4/10.0.0.5/tcp/7471', '/ip4/192.168.7.5/tcp/7471', '/ip6/2001:db8::5/tcp/7471'])
})

test('a machine without a network is found by itself', () => {
  const { lo } = interfaces
  expect(ownAddresses(mesh, PEER, { lo })).toEqual([`/ip4/127.0.0.1/tcp/7471/p2p/${PEER}`])
  expect(ownAddresses(mesh, PEER, {})).toEqual([])
})

test('a node on one address is found there', () => {
  expect(own('10.0.0.5', 4001)).toEqual(['/ip4/10.0.0.5/tcp/4001'])
  expect(own('::1')).toEqual(['/ip6/::1/tcp/7471'])
})

test('what is announced counts more than any interface', () => {
  expect(own('0.0.0.0', 7471, ['build1.example.test', '203.0.113.7'])).toEqual([
    '/dns/build1.example.test/tcp/7471',
    '/ip4/203.0.113.7/tcp/7471',
  ])
})

test('a port that is another one each time is nowhere to go to', () => {
  expect(own('0.0.0.0', 0, ['build1.example.test'])).toEqual([])
})

test('every address names the peer that answers there', () => {
  expect(ownAddresses(mesh, PEER, interfaces)[0]).toBe(`/ip4/10.0.0.5/tcp/7471/p2p/${PEER}`)
})

test('an address that somebody gives is host:port or a multiaddr', () => {
  expect(memberAddress('seed.example.test:7471', PEER)).toBe(`/dns/seed.example.test/tcp/7471/p2p/${PEER}`)
  expect(memberAddress('[::1]:7471')).toBe('/ip6/::1/tcp/7471')
  expect(memberAddress('/dns4/mesh.example.test/tcp/1', PEER)).toBe('/dns4/mesh.example.test/tcp/1')
  for (const text of ['', 'seed.example.test', 'seed.example.test:0', '0.0.0.0:7471', '/ip4/10.0.0.1/udp/1'])
    expect(() => memberAddress(text)).toThrowError(`--address: ${JSON.stringify(text)} must be host:port, such as`)
})
