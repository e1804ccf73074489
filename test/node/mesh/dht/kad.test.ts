import { createHash } from 'node:crypto'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { MemoryDatastore } from 'datastore-core'
import { type Datastore, Key } from 'interface-datastore'
import { varint } from 'multiformats'
import { base32 } from 'multiformats/bases/base32'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Algorithm, Digest } from '../../../../node/digest.ts'
import { KAD_PROTOCOL } from '../../../../node/mesh/dht/kad.ts'
import { multihashOf } from '../../../../node/mesh/dht/multihash.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { eventually } from '../../../harness/wait.ts'
import { KadNode, type KadNodeInit } from './kad-nodes.ts'

useLeakCheck()

const nodes: KadNode[] = []
const warnings: string[] = []
const warn = ({ message }: Error) => void warnings.push(message)
beforeAll(() => void process.on('warning', warn))
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})
afterAll(() => {
  process.off('warning', warn)
  expect(warnings).toEqual([])
})

async function start(init?: KadNodeInit): Promise<KadNode> {
  const node = await KadNode.start(init)
  nodes.push(node)
  return node
}

/** One that asks, and one that it asks. */
async function pair(init?: KadNodeInit): Promise<[client: KadNode, server: KadNode]> {
  const [client, server] = await Promise.all([start({ server: false }), start(init)])
  await client.meet(server)
  return [client, server]
}

let salt = 0
function fresh(algorithm: Algorithm = 'sha512'): Digest {
  return { algorithm, hex: createHash(algorithm).update(`${salt++}`).digest('hex') }
}

/** Writes a record as kad-dht does when a message brings it. */
async function record(into: Datastore, digest: Digest, provider: string, time = Date.now()): Promise<void> {
  const key = new Key(`/dht/provider/${base32.baseEncode(multihashOf(digest))}/${provider}`)
  await into.put(key, varint.encodeTo(time, new Uint8Array(varint.encodingLength(time))))
}

async function stranger(): Promise<string> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
}

describe('the DHT', () => {
  it.each(['sha512', 'sha256', 'sha1', 'md5', 'sha384'] as const)(
    'finds by %s what a member told its servers',
    async (algorithm) => {
      const [one, server] = await pair()
      const another = await start({ server: false })
      await another.meet(server)
      const digest = fresh(algorithm)
      await one.provide(digest)
      expect(await another.find(digest)).toEqual([one.id])
      expect(await another.find(fresh(algorithm))).toEqual([])
    },
  )

  it('answers as many look-ups as a member has under way, again and again', async () => {
    const [one, server] = await pair()
    const digest = fresh()
    await one.provide(digest)
    const another = await start({ server: false })
    await another.meet(server)
    const found: string[][] = []
    const lookUp = async () => {
      for (let at = 0; at < 20; at++) found.push(await another.find(digest))
    }
    await Promise.all(Array.from({ length: 32 }, lookUp))
    expect(found).toEqual(Array(640).fill([one.id]))
  })

  it('resets a stream that brings more than a request, long before it has 4 MiB', async () => {
    const [client, server] = await pair()
    const stream = await client.host.dialProtocol(server.host.peerId, KAD_PROTOCOL)
    const there = await eventually('the server has it', () =>
      server.host.getConnections(client.host.peerId)[0]?.streams.find(({ protocol }) => protocol === KAD_PROTOCOL),
    )
    const closed = Promise.withResolvers<Error | undefined>()
    there.addEventListener('close', ({ error }) => closed.resolve(error))
    // A message of 4 MiB less one byte that is going to come.
    stream.send(Buffer.from([0xff, 0xff, 0xff, 0x01]))
    stream.send(Buffer.alloc(64 << 10))
    expect((await closed.promise)?.message).toBe('this is no request of the DHT')
    await client.provide(fresh())
    // Nobody answers to what is provided.
    await eventually('the server has the record', () => server.store.records === 1)
  })

  it('finds from server to server, and all who provide', async () => {
    const servers = await Promise.all([start(), start(), start()])
    const [one, two, three] = servers as [KadNode, KadNode, KadNode]
    await one.meet(two)
    await two.meet(three)
    await three.meet(one)
    const digest = fresh()
    await one.provide(digest)
    await two.provide(digest)
    expect((await three.find(digest)).sort()).toEqual([one.id, two.id].sort())
  })

  it('tells and asks a dozen servers at once', async () => {
    const [client, ...servers] = await Promise.all([start({ server: false }), ...Array.from({ length: 12 }, () => start())])
    for (const server of servers) await client.meet(server)
    const digest = fresh()
    // On a busy machine one of them may be too slow for one round.
    await eventually('all were told', async () => {
      await client.provide(digest)
      return servers.every(({ store }) => store.records === 1)
    })
    servers[5]?.hold(digest)
    expect(await client.find(digest)).toEqual([servers[5]?.id])
    await eventually('no stream is open', () => client.streams === 0)
  })

  it('finds what stands on the shelf of a server without any record, and no longer once it is evicted', async () => {
    const [client, server] = await pair()
    const digest = fresh('sha256')
    server.hold(digest)
    expect(await client.find(digest)).toEqual([server.id])
    expect(server.store.records).toBe(0)
    server.evict(digest)
    expect(await client.find(digest)).toEqual([])
  })

  it('has no answer for a node alone, at once', async () => {
    // On this clock the limit of a look-up never comes.
    const alone = await start({ clock: new VirtualClock() })
    const digest = fresh()
    alone.hold(digest)
    await alone.provide(digest)
    expect(await alone.find(digest)).toEqual([])
  })

  it('takes no values: neither public keys, which kad-dht takes by itself, nor anything else', async () => {
    const [client, server] = await pair()
    const privateKey = await generateKeyPair('Ed25519')
    const keys = [
      Buffer.concat([Buffer.from('/pk/'), privateKey.publicKey.toMultihash().bytes]),
      Buffer.from('/warren/anything'),
    ]
    for (const key of keys) {
      const answers: string[] = []
      for await (const { name } of client.dht.put(key, publicKeyToProtobuf(privateKey.publicKey))) answers.push(name)
      expect(answers).toContain('QUERY_ERROR')
    }
    const kept: string[] = []
    for await (const { key } of server.store.query({ prefix: '/dht' })) kept.push(key.toString())
    expect(kept).toEqual([])
  })

  it('keeps the records of others through a flood by one member', async () => {
    const [flooder, server] = await pair({ records: { perProvider: 40, total: 60 } })
    const honest = await start({ server: false })
    await honest.meet(server)
    const digests = Array.from({ length: 20 }, () => fresh())
    for (const digest of digests) await honest.provide(digest)
    for (let at = 0; at < 150; at++) await flooder.provide(fresh())
    expect(server.store.records).toBe(60)
    for (const digest of digests) expect(await flooder.find(digest)).toEqual([honest.id])
  })
})

describe('a provider that is not in the peer store of who answers', () => {
  async function findWith(datastore?: Datastore): Promise<{ found: string[]; provider: string }> {
    const [provider, server] = await pair(datastore && { datastore })
    const client = await start({ server: false })
    await client.meet(server)
    const digest = fresh()
    await provider.provide(digest)
    expect(await client.find(digest)).toEqual([provider.id])
    await record(datastore ?? server.store, digest, await stranger())
    return { found: await client.find(digest), provider: provider.id }
  }

  it('costs nothing but itself', async () => {
    const { found, provider } = await findWith()
    expect(found).toEqual([provider])
  })

  it('costs the whole reply without our store', async () => {
    const { found } = await findWith(new MemoryDatastore())
    expect(found, 'kad-dht has mended it: this half of the test can go, and isKnown with it').toEqual([])
  })
})

describe('a record that has expired', () => {
  it('is not served', async () => {
    const clock = new VirtualClock()
    const [provider, server] = await pair({ clock })
    const client = await start({ server: false })
    await client.meet(server)
    const digest = fresh()
    await provider.provide(digest)
    expect(await client.find(digest)).toEqual([provider.id])
    await clock.advance(20 * 60_000 + 1)
    expect(await client.find(digest)).toEqual([])
    expect(server.store.records).toBe(0)
  })

  it('is served without our store', async () => {
    const datastore = new MemoryDatastore()
    const [provider, server] = await pair({ datastore })
    const client = await start({ server: false })
    await client.meet(server)
    const digest = fresh()
    await record(datastore, digest, provider.id, Date.now() - 72 * 3600_000)
    const found = await client.find(digest)
    expect(found, 'kad-dht has mended it: this half of the test can go').toEqual([provider.id])
  })
})

describe('a member that has been connected for more than an hour', () => {
  async function findLater(init: KadNodeInit): Promise<{ found: string[]; provider: string }> {
    // The peer store has no other clock.
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      // On the clock of its records no time passes: it told of this one a moment ago.
      const [provider, server] = await pair({ clock: new VirtualClock(), ...init })
      const digest = fresh()
      await provider.provide(digest)
      vi.setSystemTime(Date.now() + 3600_000 + 1)
      const client = await start({ server: false })
      await client.meet(server)
      return { found: await client.find(digest), provider: provider.id }
    } finally {
      vi.useRealTimers()
    }
  }

  it('is found', async () => {
    const { found, provider } = await findLater({})
    expect(found).toEqual([provider])
  })

  it('is not found with libp2p’s own settings', async () => {
    const { found } = await findLater({ forgetful: true })
    expect(found, 'the peer store has mended it: KEEP_ADDRESSES can go').toEqual([])
  })
})

describe('a server that takes streams and never answers', () => {
  it('holds up a look-up until its limit and no longer, and leaves no stream open', async () => {
    const clock = new VirtualClock()
    const [client, server] = await Promise.all([start({ server: false, clock, lookup: { limit: 100 } }), start()])
    await client.meet(server)
    const { asked } = await server.fallSilent()
    const found = client.find(fresh())
    await asked
    await eventually('the request is out', () => client.streams === 1)
    await clock.advance(100)
    expect(await found).toEqual([])
    await eventually('no stream is open', () => client.streams + server.streams === 0)
    await eventually('the query has ended', () => client.lookup.running === 0)
  })

  it('does not hold up one that is aborted', async () => {
    const [client, server] = await pair()
    const { asked } = await server.fallSilent()
    const stop = new AbortController()
    const found = client.find(fresh(), stop.signal)
    await asked
    stop.abort(new Error('the client left'))
    await expect(found).rejects.toThrow('the client left')
    await eventually('no stream is open', () => client.streams + server.streams === 0)
    await eventually('the query has ended', () => client.lookup.running === 0)
  })

  it('does not keep what others answer from coming', async () => {
    const [client, silent] = await pair()
    const server = await start()
    await client.meet(server)
    const digest = fresh()
    server.hold(digest)
    const { asked } = await silent.fallSilent()
    const found = client.lookup.find(digest, new AbortController().signal)
    expect(await found.next()).toEqual({ value: server.id, done: false })
    await asked
    await found.return()
    await eventually('no stream is open', () => client.streams + silent.streams === 0)
  })

  it('does not hold up an announcement that is aborted, nor a node that stops', async () => {
    const [client, server] = await pair()
    const { asked } = await server.fallSilent()
    const stop = new AbortController()
    const provided = client.provide(fresh(), stop.signal)
    await asked
    stop.abort(new Error('it takes too long'))
    await expect(provided).rejects.toThrow()
    await eventually('no stream is open', () => client.streams + server.streams === 0)
    const again = await server.fallSilent()
    const found = client.find(fresh())
    await again.asked
    await client.stop()
    expect(await found).toEqual([])
  })
})
