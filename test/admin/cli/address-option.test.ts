import { expect, test } from 'vitest'
import { memberAddress } from '../../../admin/cli/address-option.ts'
import { PEER } from '../fake-node.ts'

test('an address that somebody gives is host:port or a multiaddr', () => {
  expect(memberAddress('seed.example.test:7471', PEER)).toBe(`/dns/seed.example.test/tcp/7471/p2p/${PEER}`)
  expect(memberAddress('[::1]:7471')).toBe('/ip6/::1/tcp/7471')
  expect(memberAddress('/dns4/mesh.example.test/tcp/1', PEER)).toBe('/dns4/mesh.example.test/tcp/1')
  for (const text of ['', 'seed.example.test', 'seed.example.test:0', '0.0.0.0:7471', '/ip4/10.0.0.1/udp/1'])
    expect(() => memberAddress(text)).toThrowError(`--address: ${JSON.stringify(text)} must be host:port, such as`)
})
