import { beforeEach, describe, expect, it } from 'vitest'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import { VirtualClock } from '../../harness/clock.ts'

/** Addresses of a member that are remembered. */
const MAX_ADDRESSES = 8

let clock: VirtualClock
let book: PeerBook
beforeEach(() => {
  clock = new VirtualClock()
  book = new PeerBook({ clock })
})

function admit(blobs: readonly string[]): void {
  book.admitted({ peer: 'a', role: 'member', notAfter: clock.now() + 1, version: '1.2.3', blobs })
}

describe('where blobs may be had', () => {
  const where = (blobs: readonly string[], ...addresses: string[]) => {
    for (const address of addresses) {
      admit(blobs)
      book.opened('a', address)
    }
    expect(book.blobsOf('a')).toEqual(book.get('a')?.blobs)
    return book.get('a')?.blobs
  }

  it('is where it really is connected from, with the port that it says, before what it says', () => {
    expect(where(['10.0.0.5:7472'], '/ip4/203.0.113.9/tcp/51000')).toEqual(['203.0.113.9:7472', '10.0.0.5:7472'])
  })

  it('is an IPv6 host in brackets', () => {
    expect(where(['[fd00::5]:7472'], '/ip6/2001:db8::9/tcp/51000')).toEqual(['[2001:db8::9]:7472', '[fd00::5]:7472'])
  })

  it('is only what it says when it was reached by a name, which may stand for several machines', () => {
    for (const kind of ['dns', 'dns4', 'dns6']) {
      expect(where(['192.0.2.5:7472'], `/${kind}/seed.example.test/tcp/7471`)).toEqual(['192.0.2.5:7472'])
    }
  })

  it('is named once, the last connection first', () => {
    const addresses = ['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1/p2p/x', '/ip4/192.0.2.1/tcp/2']
    expect(where(['192.0.2.2:7472', 'seed.example.test:7472'], ...addresses)).toEqual([
      '192.0.2.1:7472',
      '192.0.2.2:7472',
      'seed.example.test:7472',
    ])
  })

  it('is asked with each port that it says', () => {
    expect(where(['10.0.0.5:1', '10.0.0.5:2', '10.0.0.6:1'], '/ip4/192.0.2.1/tcp/9')).toEqual([
      '192.0.2.1:1',
      '192.0.2.1:2',
      '10.0.0.5:1',
      '10.0.0.5:2',
      '10.0.0.6:1',
    ])
  })

  it('is nowhere for one that says nothing: it only reads', () => {
    expect(where([], '/ip4/192.0.2.1/tcp/9')).toEqual([])
    expect(book.usable('a')).toBe(false)
  })

  it('has eight addresses at most, and what it says is among them wherever its connections come from', () => {
    const gateways = Array.from({ length: 8 }, (_, at) => `/ip4/203.0.113.${at}/tcp/9`)
    const blobs = where(['seed.example.test:7472'], ...gateways) ?? []
    expect(blobs.length).toBeLessThanOrEqual(MAX_ADDRESSES)
    expect(blobs).toContain('seed.example.test:7472')
    expect(blobs[0]).toBe('203.0.113.7:7472')
    admit(Array.from({ length: 16 }, (_, at) => `10.0.0.${at}:7472`))
    expect(book.get('a')?.blobs.length).toBe(MAX_ADDRESSES)
  })
})
