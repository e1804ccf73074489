import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseMeshAddress, resolveAddress, shuffled, toHostPort, toMultiaddr } from '../../../../node/mesh/host/addresses.ts'
import { Random } from '../../../harness/random.ts'

const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'

describe('what a person or a ticket says', () => {
  test.for([
    ['10.0.0.5:7471', { host: '10.0.0.5', port: 7471 }, '/ip4/10.0.0.5/tcp/7471'],
    ['[2001:db8::1]:7471', { host: '2001:db8::1', port: 7471 }, '/ip6/2001:db8::1/tcp/7471'],
    ['seed.example.test:1', { host: 'seed.example.test', port: 1 }, '/dns/seed.example.test/tcp/1'],
    ['warren_seed_1:7471', { host: 'warren_seed_1', port: 7471 }, '/dns/warren_seed_1/tcp/7471'],
    [`/ip4/10.0.0.5/tcp/7471/p2p/${PEER}`, { host: '10.0.0.5', port: 7471, peer: PEER }, undefined],
    ['/ip6/::1/tcp/65535', { host: '::1', port: 65_535 }, undefined],
    ['/dns/a/tcp/80', { host: 'a', port: 80 }, undefined],
    ['/dns4/a.example.test/tcp/80', { host: 'a.example.test', port: 80, family: 4 }, undefined],
    [`/dns6/a.example.test/tcp/80/p2p/${PEER}`, { host: 'a.example.test', port: 80, family: 6, peer: PEER }, undefined],
  ] as const)('%s is read', ([text, address, written]) => {
    expect(parseMeshAddress(text)).toEqual(address)
    expect(toMultiaddr(address)).toBe(written ?? text)
    expect(multiaddr(toMultiaddr(address)).toString()).toBe(written ?? text)
  })

  test.for([
    '',
    ':7471',
    '10.0.0.5',
    '10.0.0.5:0',
    '10.0.0.5:65536',
    '10.0.0.256:80',
    '1.2.3:80',
    '::1:7471',
    '[::1]',
    '[10.0.0.1]:80',
    '[fe80::1%eth0]:7471',
    'a b:80',
    'a/b:80',
    '-a:80',
    'a..b:80',
    'http://a:80',
    '/ip4/10.0.0.5/udp/7471',
    '/ip4/10.0.0.5/tcp/0',
    '/ip4/::1/tcp/80',
    '/ip6/fe80::1%eth0/tcp/80',
    '/dns4/10.0.0.5/tcp/80',
    '/ip4/10.0.0.5/tcp/80/ws',
    '/ip4/10.0.0.5/tcp/80/p2p/12D3KooW',
    `/ip4/10.0.0.5/tcp/80/p2p/${PEER}/p2p-circuit`,
    '/ip4/10.0.0.5/tcp/80\n',
  ])('%j is no address', (text) => {
    expect(parseMeshAddress(text)).toBeUndefined()
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

describe('a name', () => {
  const random = () => new Random(1).next()

  test('stands for all its addresses, of both kinds, each with the peer that is expected there', async () => {
    const asked: unknown[] = []
    const lookup = async (...args: unknown[]) => {
      asked.push(args)
      return [
        { address: '10.0.0.5', family: 4 },
        { address: '2001:db8::5', family: 6 },
        { address: '10.0.0.5', family: 4 },
        { address: 'fe80::1%eth0', family: 6 },
      ]
    }
    const found = await resolveAddress({ host: 'seed.example.test', port: 7471, peer: PEER }, { lookup, random })
    expect(found.map(toMultiaddr).sort()).toEqual([
      `/ip4/10.0.0.5/tcp/7471/p2p/${PEER}`,
      `/ip6/2001:db8::5/tcp/7471/p2p/${PEER}`,
    ])
    await resolveAddress({ host: 'a', port: 1, family: 6 }, { lookup, random })
    expect(asked).toEqual([
      ['seed.example.test', { all: true, family: 0 }],
      ['a', { all: true, family: 6 }],
    ])
  })

  test('of many members gives sixteen, others to each node', async () => {
    const lookup = async () => Array.from({ length: 40 }, (_, at) => ({ address: `10.0.0.${at}`, family: 4 }))
    const pick = async (seed: number) => {
      const numbers = new Random(seed)
      return (await resolveAddress({ host: 'seeds', port: 1 }, { lookup, random: () => numbers.next() })).map(
        ({ host }) => host,
      )
    }
    expect(new Set(await pick(1)).size).toBe(16)
    expect(await pick(1)).not.toEqual(await pick(2))
  })

  test('an IP address is asked of nobody', async () => {
    const lookup = () => Promise.reject(new Error('asked'))
    expect(await resolveAddress({ host: '::1', port: 1 }, { lookup, random })).toEqual([{ host: '::1', port: 1 }])
  })

  test('shuffling keeps everybody', () => {
    const numbers = new Random(3)
    const mixed = shuffled([1, 2, 3, 4, 5], () => numbers.next())
    expect(mixed).not.toEqual([1, 2, 3, 4, 5])
    expect(mixed.sort()).toEqual([1, 2, 3, 4, 5])
  })
})
