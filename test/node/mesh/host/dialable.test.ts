import { describe, expect, test } from 'vitest'
import { parseMeshAddress } from '../../../../node/member-address.ts'
import { dialable } from '../../../../node/mesh/host/dialable.ts'
import type { Interfaces } from '../../../../node/own-addresses.ts'
import { toHostPort } from '../../../../node/tcp-address.ts'

const SELF = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
const OTHER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const interfaces: Interfaces = {
  lo: [
    { address: '127.0.0.1', internal: true },
    { address: '::1', internal: true },
  ],
  eth0: [
    { address: '10.0.0.5', internal: false },
    { address: '2001:db8::5', internal: false },
    { address: 'fe80::5', internal: false },
    { address: '169.254.7.7', internal: false },
  ],
  docker0: [{ address: '172.17.0.1', internal: false }],
}

function judged(texts: readonly string[], listen = '0.0.0.0'): string[] {
  const addresses = texts.flatMap((text) => parseMeshAddress(text) ?? [])
  expect(addresses).toHaveLength(texts.length)
  return dialable(addresses, { peer: SELF, listen: [{ host: listen, port: 7471 }], interfaces }).map(toHostPort)
}

describe('where a node dials', () => {
  test('link-local addresses and wildcards are nobody', () => {
    expect(judged(['[fe80::9]:7471', '[febf::1]:7471', '[::]:7471', '0.0.0.0:7471', '[fec0::1]:7471'])).toEqual([
      '[fec0::1]:7471',
    ])
  })

  test('an address that its machine gave itself is tried: the system knows on which link', () => {
    expect(judged(['169.254.9.9:7471'])).toEqual(['169.254.9.9:7471'])
  })

  test('loopback is the machine of somebody else, unless nothing else is known', () => {
    expect(judged(['127.0.0.1:7481', '10.0.0.6:7481', '[::1]:7481'])).toEqual(['10.0.0.6:7481'])
    expect(judged(['127.0.0.1:7481', '[::1]:7481'])).toEqual(['127.0.0.1:7481', '[::1]:7481'])
  })

  test('loopback comes first for a member on the same machine', () => {
    expect(judged(['10.0.0.5:7481', '127.0.0.1:7481'])).toEqual(['127.0.0.1:7481', '10.0.0.5:7481'])
  })

  test('a node never dials itself, by whichever of its addresses, and whoever is said to be there', () => {
    const own = ['127.0.0.1:7471', '127.0.0.9:7471', '10.0.0.5:7471', '[2001:db8::5]:7471', '172.17.0.1:7471']
    expect(judged(own)).toEqual([])
    expect(judged([`/ip4/172.17.0.1/tcp/7471/p2p/${OTHER}`, `/ip4/10.0.0.6/tcp/7471/p2p/${OTHER}`])).toEqual(['10.0.0.6:7471'])
    expect(judged([`/ip4/203.0.113.9/tcp/7471/p2p/${SELF}`])).toEqual([])
  })

  test('another port, or another address than the one it listens on, is another node', () => {
    expect(judged(['10.0.0.5:7472'])).toEqual(['10.0.0.5:7472'])
    expect(judged(['127.0.0.1:7471', '127.0.0.2:7471'], '127.0.0.1')).toEqual(['127.0.0.2:7471'])
  })
})
