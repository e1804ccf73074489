import { describe, expect, test } from 'vitest'
import { parseMeshAddress, toHostPort } from '../../../../node/mesh/host/addresses.ts'
import { announced, dialable, type Interfaces } from '../../../../node/mesh/host/own-addresses.ts'

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

describe('what a node tells others', () => {
  test.for([
    ['0.0.0.0', [], ['10.0.0.5:7471', '172.17.0.1:7471']],
    ['::', [], ['10.0.0.5:7471', '[2001:db8::5]:7471', '172.17.0.1:7471']],
    ['10.0.0.5', [], ['10.0.0.5:7471']],
    ['2001:db8::5', [], ['[2001:db8::5]:7471']],
    ['127.0.0.1', [], ['127.0.0.1:7471']],
    ['0.0.0.0', ['build1.example.test', '2001:db8::9'], ['build1.example.test:7471', '[2001:db8::9]:7471']],
  ] as const)('listening on %s and told to say %j', ([host, announce, told]) => {
    expect(announced({ listen: { host, port: 7471 }, announce, interfaces })).toEqual(told)
  })

  test('is loopback on a machine without a network', () => {
    const { lo } = interfaces
    expect(announced({ listen: { host: '0.0.0.0', port: 1 }, announce: [], interfaces: { lo } })).toEqual(['127.0.0.1:1'])
  })
})
