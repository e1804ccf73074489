import { createHash } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { MemoryDatastore } from 'datastore-core'
import { type Datastore, Key } from 'interface-datastore'
import { varint } from 'multiformats'
import { base32 } from 'multiformats/bases/base32'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Digest } from '../../../../node/digest.ts'
import { cidOf, multihashOf } from '../../../../node/mesh/dht/multihash.ts'
import { ProviderStore } from '../../../../node/mesh/dht/provider-store.ts'
import { VirtualClock } from '../../../harness/clock.ts'

const VALIDITY = 20 * 60_000

const peers: string[] = []
let clock: VirtualClock
let held: Set<string>
beforeAll(async () => {
  for (let at = 0; at < 30; at++) peers.push(peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString())
})
beforeEach(() => {
  clock = new VirtualClock()
  held = new Set()
})

const self = () => peers[0] ?? ''
const other = (at = 1) => peers[at] ?? ''

function store(init: ConstructorParameters<typeof ProviderStore>[1] = {}): ProviderStore {
  const made = new ProviderStore({ self: self(), shelf: { has: ({ hex }) => held.has(hex) }, clock }, init)
  made.isKnown = () => true
  return made
}

function digest(of: string | number): Digest {
  return { algorithm: 'sha512', hex: createHash('sha512').update(`${of}`).digest('hex') }
}

/** The entry of a record, as kad-dht names it: with the bare multihash where a message brought it. */
function entry(of: Digest, peer?: string): Key {
  return new Key(['/dht/provider', base32.baseEncode(multihashOf(of)), ...(peer === undefined ? [] : [peer])].join('/'))
}

/** The same, as kad-dht names what it looks for itself. */
function asked(of: Digest): string {
  return `/dht/provider/${base32.baseEncode(cidOf(of).multihash.bytes)}`
}

const now = () => varint.encodeTo(Date.now(), new Uint8Array(varint.encodingLength(Date.now())))

async function found(from: Datastore, prefix: string): Promise<string[]> {
  const names: string[] = []
  for await (const { key } of from.query({ prefix })) names.push(key.toString())
  return names
}

async function providers(from: Datastore, of: Digest): Promise<string[]> {
  return (await found(from, entry(of).toString())).map((name) => name.slice(name.lastIndexOf('/') + 1))
}

/** Counts what is taken out of maps and sets meanwhile. */
async function visits(work: () => Promise<unknown>): Promise<number> {
  let count = 0
  const kinds = [new Map(), new Set()].map((empty) => Object.getPrototypeOf(empty[Symbol.iterator]()))
  const originals = kinds.map((kind) => kind.next)
  for (const [at, kind] of kinds.entries()) {
    kind.next = function next() {
      count++
      return originals[at].call(this)
    }
  }
  try {
    await work()
  } finally {
    for (const [at, kind] of kinds.entries()) kind.next = originals[at]
  }
  return count
}

describe('what is no provider record', () => {
  it('is kept as in any datastore', async () => {
    const kept = store()
    const key = new Key('/peers/someone')
    await expect(async () => kept.get(key)).rejects.toMatchObject({ name: 'NotFoundError' })
    kept.put(key, Buffer.from('x'))
    expect(kept.has(key)).toBe(true)
    expect(kept.get(key)).toEqual(Buffer.from('x'))
    expect(await found(kept, '/peers/')).toEqual(['/peers/someone'])
    expect(await found(kept, '/')).toEqual(['/peers/someone'])
    kept.delete(key)
    expect(kept.has(key)).toBe(false)
  })

  it('is bounded, but what libp2p knows of this node stays', () => {
    const kept = store()
    const own = new Key(`/peers/${peerIdFromString(self()).toCID()}`)
    kept.put(own, Buffer.from('own'))
    for (let at = 0; at < 30_000; at++) kept.put(new Key(`/peers/invented ${at}`), Buffer.from('x'))
    expect(kept.get(own)).toEqual(Buffer.from('own'))
    expect(kept.has(new Key('/peers/invented 9999'))).toBe(false)
    expect(kept.has(new Key('/peers/invented 10000'))).toBe(true)
  })

  it('is not kept when it is larger than anything honest', () => {
    const kept = store()
    kept.put(new Key('/peers/large'), Buffer.alloc(15 << 10))
    kept.put(new Key('/peers/huge'), Buffer.alloc(17 << 10))
    expect(kept.has(new Key('/peers/large'))).toBe(true)
    expect(kept.has(new Key('/peers/huge'))).toBe(false)
  })

  it('is kept as it was when it grows larger than anything honest', () => {
    const kept = store()
    const key = new Key('/peers/someone')
    kept.put(key, Buffer.from('honest'))
    kept.put(key, Buffer.alloc(17 << 10))
    expect(kept.get(key)).toEqual(Buffer.from('honest'))
  })
})

describe('provider records', () => {
  it('are found by the key with and without envelope, named as they were asked for', async () => {
    const kept = store()
    kept.put(entry(digest(1), other()), now())
    expect(await found(kept, entry(digest(1)).toString())).toEqual([entry(digest(1), other()).toString()])
    expect(await found(kept, asked(digest(1)))).toEqual([`${asked(digest(1))}/${other()}`])
    expect(await found(kept, asked(digest(2)))).toEqual([])
  })

  it('tell when they came, by our clock and not by what is written', async () => {
    const kept = store()
    const came = clock.now()
    kept.put(entry(digest(1), other()), varint.encodeTo(1, new Uint8Array(1)))
    await clock.advance(5)
    expect(varint.decode(kept.get(entry(digest(1), other())))[0]).toBe(came)
  })

  it('are not found once they have expired, and are gone', async () => {
    const kept = store()
    kept.put(entry(digest(1), other()), now())
    await clock.advance(VALIDITY)
    expect(await providers(kept, digest(1))).toEqual([other()])
    await clock.advance(1)
    expect(await providers(kept, digest(1))).toEqual([])
    expect(kept.has(entry(digest(1), other()))).toBe(false)
    expect(kept.records).toBe(0)
  })

  it('are handed out only while their peer is known', async () => {
    const kept = store()
    kept.put(entry(digest(1), other(1)), now())
    kept.put(entry(digest(1), other(2)), now())
    kept.isKnown = async (peer) => peer === other(2)
    expect(await providers(kept, digest(1))).toEqual([other(2)])
  })

  it('are of nobody known before there is a peer store', async () => {
    const kept = new ProviderStore({ self: self(), shelf: { has: () => true }, clock })
    kept.put(entry(digest(1), other()), now())
    expect(await providers(kept, digest(1))).toEqual([])
  })

  it('are handed out by the twenty, the latest first', async () => {
    const kept = store()
    for (let at = 1; at < 30; at++) kept.put(entry(digest(1), other(at)), now())
    expect(await providers(kept, digest(1))).toEqual(peers.slice(10).reverse())
  })

  it('go when they are deleted', async () => {
    const kept = store()
    kept.put(entry(digest(1), other()), now())
    kept.delete(entry(digest(1), other()))
    expect(await providers(kept, digest(1))).toEqual([])
    await expect(async () => kept.get(entry(digest(1), other()))).rejects.toMatchObject({ name: 'NotFoundError' })
  })

  it('are not kept for keys that are no digests', () => {
    const kept = store()
    kept.put(new Key(`/dht/provider/${base32.baseEncode(Buffer.alloc(64))}/${other()}`), now())
    kept.put(new Key(`/dht/provider/x!/${other()}`), now())
    expect(kept.records).toBe(0)
  })

  it('of one member do not push out those of others, however many it sends', async () => {
    const kept = store({ perProvider: 50, total: 100 })
    for (let at = 0; at < 30; at++) kept.put(entry(digest(at), other(1)), now())
    for (let at = 0; at < 1000; at++) kept.put(entry(digest(`flood ${at}`), other(2)), now())
    expect(kept.records).toBe(80)
    for (let at = 0; at < 30; at++) expect(await providers(kept, digest(at))).toEqual([other(1)])
  })

  it('cost the records of their own key and no others, of a hundred thousand', async () => {
    const kept = store({ perProvider: 100_000 })
    const plain = new MemoryDatastore()
    for (let at = 0; at < 100_000; at++) {
      const key = entry({ algorithm: 'sha256', hex: at.toString(16).padStart(64, '0') }, other(1 + (at % 20)))
      kept.put(key, now())
      plain.put(key, now())
    }
    for (let at = 1; at <= 3; at++) kept.put(entry(digest('rare'), other(at)), now())
    expect(kept.records).toBe(100_003)
    expect(await visits(() => found(plain, entry(digest('rare')).toString()))).toBeGreaterThan(100_000)
    expect(await visits(() => found(kept, entry(digest('rare')).toString()))).toBeLessThan(20)
    expect(await visits(() => found(kept, entry(digest('absent')).toString()))).toBeLessThan(20)
    // kad-dht's round over everything.
    expect(await visits(() => found(kept, '/dht/provider'))).toBeLessThan(100)
    await clock.advance(VALIDITY + 1)
    await found(kept, '/dht/provider')
    expect(kept.records).toBe(0)
  })
})

describe('what this node has', () => {
  it('is found exactly while it stands on the shelf, with the time of now', async () => {
    const kept = store()
    expect(await providers(kept, digest(1))).toEqual([])
    held.add(digest(1).hex)
    kept.put(entry(digest(1), other()), now())
    await clock.advance(VALIDITY - 1)
    expect(await providers(kept, digest(1))).toEqual([self(), other()])
    expect(varint.decode(kept.get(entry(digest(1), self())))[0]).toBe(clock.now())
    held.delete(digest(1).hex)
    expect(await providers(kept, digest(1))).toEqual([other()])
    expect(kept.has(entry(digest(1), self()))).toBe(false)
  })

  it('is not kept as a record', async () => {
    const kept = store()
    kept.put(entry(digest(1), self()), now())
    expect(kept.records).toBe(0)
    expect(await providers(kept, digest(1))).toEqual([])
  })

  it('is not found by kad-dht’s round over all records, which would provide each anew', async () => {
    const kept = store()
    held.add(digest(1).hex)
    kept.put(entry(digest(1), self()), now())
    kept.put(entry(digest(1), other()), now())
    for (const prefix of ['/dht/provider', '/dht/provider/', '/dht', '/']) expect(await found(kept, prefix)).toEqual([])
  })

  it('is left out while libp2p has no addresses of its own, rather than costing the whole reply', async () => {
    const kept = store()
    held.add(digest(1).hex)
    kept.put(entry(digest(1), other()), now())
    kept.isKnown = (peer) => peer !== self()
    expect(await providers(kept, digest(1))).toEqual([other()])
  })
})
