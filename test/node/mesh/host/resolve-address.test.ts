import { describe, expect, test } from 'vitest'
import { toMultiaddr } from '../../../../node/member-address.ts'
import { resolveAddress } from '../../../../node/mesh/host/resolve-address.ts'
import { Random } from '../../../harness/random.ts'

const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'

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
})
