import { createHash } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import type { QueryEvent } from '@libp2p/kad-dht'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { CID } from 'multiformats/cid'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Digest } from '../../../../node/digest.ts'
import { DhtLookup, type DhtLookupInit } from '../../../../node/mesh/dht/lookup.ts'
import { cidOf } from '../../../../node/mesh/dht/multihash.ts'
import { VirtualClock } from '../../../harness/clock.ts'

const peers: PeerId[] = []
beforeAll(async () => {
  for (let at = 0; at < 4; at++) peers.push(peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
})

let clock: VirtualClock
let dht: ScriptedDht
beforeEach(() => {
  clock = new VirtualClock()
  dht = new ScriptedDht()
})

function digest(of: string | number): Digest {
  return { algorithm: 'sha512', hex: createHash('sha512').update(`${of}`).digest('hex') }
}

/** A query of the scripted DHT, as the test drives it. */
interface Asked {
  readonly cid: CID
  readonly signal: AbortSignal
  provide(...at: number[]): void
  emit(event: Partial<QueryEvent>): void
  fail(error: Error): void
  end(): void
}

/** A DHT whose queries answer when the test says so, and that stops as kad-dht does when its signal is aborted. */
class ScriptedDht {
  readonly asked: Asked[] = []

  async *findProviders(cid: CID, options: { signal?: AbortSignal } = {}): AsyncGenerator<QueryEvent> {
    const events: (QueryEvent | Error | 'end')[] = []
    let news = Promise.withResolvers<void>()
    const push = (event: QueryEvent | Error | 'end') => {
      events.push(event)
      news.resolve()
    }
    const { signal = new AbortController().signal } = options
    signal.addEventListener('abort', () => push(new Error('aborted')), { once: true })
    this.asked.push({
      cid,
      signal,
      emit: (event) => push(event as QueryEvent),
      provide: (...at) =>
        push({ name: 'PROVIDER', providers: at.map((index) => ({ id: peers[index], multiaddrs: [] })) } as never),
      fail: push,
      end: () => push('end'),
    })
    for (;;) {
      const event = events.shift()
      if (event === 'end') return
      if (event instanceof Error) throw event
      if (event) yield event
      else {
        await news.promise
        news = Promise.withResolvers()
      }
    }
  }

  query(at = 0): Asked {
    const asked = this.asked[at]
    if (!asked) throw new Error(`there is no query ${at}`)
    return asked
  }
}

/** Who is in the zone of whoever asks. */
const near = new Set<string>()
const book = { isNear: (peer: string) => near.has(peer) }
const lookup = (init?: DhtLookupInit) => new DhtLookup({ dht, book, self: id(0), clock }, init)
const id = (at: number) => `${peers[at]}`
const calm = () => new AbortController().signal

async function all(source: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const peer of source) found.push(peer)
  return found
}

describe('a look-up', () => {
  it('yields of those that come together whoever is near first', async () => {
    near.add(id(3))
    const found = all(lookup().find(digest(1), calm()))
    dht.query().provide(1)
    dht.query().provide(2, 3)
    dht.query().end()
    expect(await found).toEqual([id(1), id(3), id(2)])
    near.clear()
  })

  it('asks by the key of the digest and yields providers as they come', async () => {
    const found = lookup().find(digest(1), calm())
    const first = found.next()
    expect(dht.query().cid.equals(cidOf(digest(1)))).toBe(true)
    dht.query().provide(1)
    expect(await first).toEqual({ value: id(1), done: false })
    const second = found.next()
    dht.query().provide(2)
    expect(await second).toEqual({ value: id(2), done: false })
    const last = found.next()
    dht.query().end()
    expect(await last).toEqual({ value: undefined, done: true })
  })

  it('yields each provider once, and never this node', async () => {
    const found = all(lookup().find(digest(1), calm()))
    dht.query().provide(0, 1)
    dht.query().provide(1, 2)
    dht.query().end()
    expect(await found).toEqual([id(1), id(2)])
  })

  it('takes no notice of single peers that fail', async () => {
    const found = all(lookup().find(digest(1), calm()))
    dht.query().emit({ name: 'QUERY_ERROR' })
    dht.query().provide(1)
    dht.query().end()
    expect(await found).toEqual([id(1)])
  })

  it('ends with what it has when the DHT fails, and a failure is no miss', async () => {
    const asking = lookup()
    const found = all(asking.find(digest(1), calm()))
    dht.query().fail(new Error('not started'))
    expect(await found).toEqual([])
    void all(asking.find(digest(1), calm()))
    expect(dht.asked).toHaveLength(2)
    dht.query(1).end()
  })

  it('ends after its limit, also when the DHT goes on', async () => {
    const asking = lookup({ limit: 1000 })
    const found = all(asking.find(digest(1), calm()))
    dht.query().provide(1)
    await clock.advance(999)
    expect(dht.query().signal.aborted).toBe(false)
    await clock.advance(1)
    expect(await found).toEqual([id(1)])
    expect(dht.query().signal.aborted).toBe(true)
    expect(asking.running).toBe(0)
    expect(clock.sleeping).toBe(0)
  })

  it('ends the query when its reader leaves', async () => {
    const asking = lookup()
    const found = asking.find(digest(1), calm())
    const first = found.next()
    dht.query().provide(1)
    await first
    await found.return()
    expect(dht.query().signal.aborted).toBe(true)
    await clock.advance(0)
    expect(asking.running).toBe(0)
    expect(clock.sleeping).toBe(0)
  })

  it('ends the query and throws the reason when it is aborted, while it waits and between two providers', async () => {
    for (const wait of [true, false]) {
      const stop = new AbortController()
      const asking = lookup()
      const found = asking.find(digest(1), stop.signal)
      const asked = dht.asked.length
      const first = found.next()
      dht.query(asked).provide(1, 2)
      await first
      if (wait) await found.next()
      const second = wait ? found.next() : undefined
      stop.abort(new Error('the client left'))
      await expect(second ?? found.next()).rejects.toThrow('the client left')
      expect(dht.query(asked).signal.aborted).toBe(true)
      await clock.advance(0)
      expect(asking.running).toBe(0)
    }
  })

  it('asks nobody when it is aborted before', async () => {
    await expect(
      lookup()
        .find(digest(1), AbortSignal.abort(new Error('gone')))
        .next(),
    ).rejects.toThrow('gone')
    expect(dht.asked).toHaveLength(0)
  })
})

describe('look-ups of the same digest', () => {
  it('share one query, and each sees all of it', async () => {
    const asking = lookup()
    const one = all(asking.find(digest(1), calm()))
    dht.query().provide(1)
    await clock.advance(0)
    const another = all(asking.find(digest(1), calm()))
    dht.query().provide(2)
    dht.query().end()
    expect(await one).toEqual([id(1), id(2)])
    expect(await another).toEqual([id(1), id(2)])
    expect(dht.asked).toHaveLength(1)
  })

  it('go on when one of them leaves, and end with the last', async () => {
    const asking = lookup()
    const stop = new AbortController()
    const one = all(asking.find(digest(1), stop.signal))
    const other = asking.find(digest(1), calm())
    const first = other.next()
    stop.abort(new Error('left'))
    await expect(one).rejects.toThrow('left')
    expect(dht.query().signal.aborted).toBe(false)
    dht.query().provide(1)
    expect(await first).toEqual({ value: id(1), done: false })
    await other.return()
    expect(dht.query().signal.aborted).toBe(true)
  })

  it('begin a new query when the last one was given up', async () => {
    const asking = lookup()
    const one = asking.find(digest(1), calm())
    const first = one.next()
    dht.query().provide(1)
    await first
    await one.return()
    const again = all(asking.find(digest(1), calm()))
    expect(dht.asked).toHaveLength(2)
    dht.query(1).provide(2)
    dht.query(1).end()
    expect(await again).toEqual([id(2)])
  })
})

describe('a miss', () => {
  async function miss(asking: DhtLookup): Promise<void> {
    const asked = dht.asked.length
    const found = all(asking.find(digest(1), calm()))
    dht.query(asked).end()
    expect(await found).toEqual([])
  }

  it('is remembered for half a second', async () => {
    const asking = lookup()
    await miss(asking)
    await clock.advance(499)
    expect(await all(asking.find(digest(1), calm()))).toEqual([])
    expect(dht.asked).toHaveLength(1)
    await clock.advance(1)
    await miss(asking)
    expect(dht.asked).toHaveLength(2)
  })

  it('is remembered when the limit was reached with nothing found', async () => {
    const asking = lookup({ limit: 10 })
    const found = all(asking.find(digest(1), calm()))
    await clock.advance(10)
    expect(await found).toEqual([])
    expect(await all(asking.find(digest(1), calm()))).toEqual([])
    expect(dht.asked).toHaveLength(1)
  })

  it('is not what a reader leaves behind who did not wait', async () => {
    const asking = lookup()
    const stop = new AbortController()
    const found = all(asking.find(digest(1), stop.signal))
    stop.abort(new Error('left'))
    await expect(found).rejects.toThrow('left')
    await miss(asking)
    expect(dht.asked).toHaveLength(2)
  })

  it('is forgotten as soon as somebody has it, also one that is just being made', async () => {
    const asking = lookup()
    await miss(asking)
    asking.forget(digest(1))
    const found = all(asking.find(digest(1), calm()))
    asking.forget(digest(1))
    dht.query(1).end()
    expect(await found).toEqual([])
    await miss(asking)
    expect(dht.asked).toHaveLength(3)
  })

  it('costs nothing beyond the queries that may be under way', async () => {
    const asking = lookup()
    const under = Array.from({ length: 32 }, (_, at) => all(asking.find(digest(at), calm())))
    expect(asking.running).toBe(32)
    const beyond = await Promise.all(Array.from({ length: 1000 }, (_, at) => all(asking.find(digest(100 + at), calm()))))
    expect(beyond.flat()).toEqual([])
    expect(dht.asked).toHaveLength(32)
    for (const asked of dht.asked) asked.end()
    await Promise.all(under)
    expect(asking.running).toBe(0)
    const later = all(asking.find(digest(100), calm()))
    expect(dht.asked).toHaveLength(33)
    dht.query(32).end()
    await later
  })
})
