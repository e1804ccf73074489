import { describe, expect, it } from 'vitest'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { Random } from '../../../harness/random.ts'
import { fileLike } from '../../http/bodies.ts'
import { until } from '../../http/fixture.ts'
import { asker, digestOf, holder, NEVER, read } from './fixture.ts'

useLeakCheck()

const MIB = 1 << 20
const LARGE = new Random(1).bytes(3 * MIB)
const SIZES = [0, 1, 16_384, 3 * MIB]

describe('a blob of a member', () => {
  it.each(SIZES)('of %i bytes comes as it is, from memory and from a file', async (size) => {
    const server = await holder()
    const { client, received, party: self } = await asker()
    const bytes = LARGE.subarray(0, size)
    for (const digest of [server.hold(bytes), server.hold(bytes, fileLike(bytes))]) {
      const opened = await client.open(server.peer, digest, 0, NEVER)
      expect(opened.size).toBe(size)
      expect((await read(opened.body)).equals(bytes)).toBe(true)
    }
    expect(server.asked).toEqual([self.id, self.id])
    await until(() => server.sent.length === 2)
    expect(server.sent).toEqual([
      [self.id, size],
      [self.id, size],
    ])
    // What is empty is no transfer.
    expect(received.reduce((sum, [, more]) => sum + more, 0)).toBe(2 * size)
    expect(received.every(([peer]) => peer === server.party.id)).toBe(true)
  })

  it.each([1, 16_383, MIB, 3 * MIB - 1, 3 * MIB])('comes from byte %i on, with the size of the whole', async (start) => {
    const server = await holder()
    const { client } = await asker()
    const opened = await client.open(server.peer, server.hold(LARGE, fileLike(LARGE)), start, NEVER)
    expect(opened.size).toBe(LARGE.length)
    expect((await read(opened.body)).equals(LARGE.subarray(start))).toBe(true)
  })

  it('is told from one that the member does not hold, and sockets are used again', async () => {
    const server = await holder()
    const { client, party: self } = await asker()
    for (let round = 0; round < 10; round++) {
      await expect(client.open(server.peer, digestOf(LARGE), 0, NEVER)).rejects.toMatchObject({ code: 'UPSTREAM_ABSENT' })
    }
    const { body } = await client.open(server.peer, server.hold(Buffer.from('now')), 0, NEVER)
    expect(String(await read(body))).toBe('now')
    // The words of a refusal may still be on their way when the next request goes out.
    expect(server.party.gate.shown).toBeLessThanOrEqual(2)
    expect(self.gate.shown).toBe(server.party.gate.shown)
  })

  it('is refused from beyond its end', async () => {
    const server = await holder()
    const { client } = await asker()
    const opening = client.open(server.peer, server.hold(Buffer.from('short')), 6, NEVER)
    await expect(opening).rejects.toMatchObject({ code: 'UPSTREAM_CORRUPT' })
  })

  it('comes beside 31 others of the same member', async () => {
    const server = await holder()
    const { client } = await asker()
    const blobs = Array.from({ length: 32 }, (_, at) => LARGE.subarray(at * 16_384, (at + 1) * 16_384))
    const digests = blobs.map((bytes) => server.hold(bytes))
    for (let round = 0; round < 3; round++) {
      const opened = await Promise.all(digests.map((digest) => client.open(server.peer, digest, 0, NEVER)))
      const all = await Promise.all(opened.map(({ body }) => read(body)))
      expect(all.every((bytes, at) => bytes.equals(blobs[at] as Buffer))).toBe(true)
    }
    expect(server.party.gate.shown).toBeLessThanOrEqual(16)
    expect(new Set(server.asked).size).toBe(1)
  })

  it('waits at its member while nobody reads it', async () => {
    const server = await holder()
    const { client } = await asker()
    const huge = Buffer.alloc(64 * MIB, 5)
    let furthest = 0
    const body = fileLike(huge)
    const watched = {
      ...body,
      read: (position: number, max: number, scratch: (size: number) => Buffer) => {
        furthest = Math.max(furthest, position)
        return body.read(position, max, scratch)
      },
    }
    const stopped = await client.open(server.peer, server.hold(huge, watched), 0, NEVER)
    // While this one comes as a whole, the other would have, too.
    const other = Buffer.alloc(64 * MIB, 6)
    const running = await client.open(server.peer, server.hold(other, fileLike(other)), 0, NEVER)
    let came = 0
    for await (const bytes of running.body) came += bytes.length
    expect(came).toBe(other.length)
    // What the sockets of both sides take, and 1 MiB.
    expect(furthest).toBeLessThan(24 * MIB)
    expect((await read(stopped.body)).equals(huge)).toBe(true)
  })
})

describe('a blob that is given up', () => {
  it('frees its socket at once when it is aborted, with the reason of the abort', async () => {
    const server = await holder()
    const { client, received } = await asker()
    const stop = new AbortController()
    const { body } = await client.open(
      server.peer,
      server.hold(LARGE, fileLike(LARGE, { delay: 5, piece: 50_000 })),
      0,
      stop.signal,
    )
    const reading = (async () => {
      for await (const _ of body) stop.abort('enough')
    })()
    await expect(reading).rejects.toBe('enough')
    await until(() => server.open.size === 0)
    expect(received.length).toBe(1)
  })

  it('frees its socket at once when its reader leaves the loop', async () => {
    const server = await holder()
    const { client } = await asker()
    const { body } = await client.open(server.peer, server.hold(LARGE, fileLike(LARGE, { delay: 5, piece: 50_000 })), 0, NEVER)
    for await (const bytes of body) {
      expect([bytes.length > 0, server.open.size]).toEqual([true, 1])
      break
    }
    await until(() => server.open.size === 0)
  })

  it('is never asked for with an aborted signal', async () => {
    const server = await holder()
    const { client, party: self } = await asker()
    await expect(client.open(server.peer, digestOf(LARGE), 0, AbortSignal.abort('late'))).rejects.toBe('late')
    expect(self.gate.shown).toBe(0)
  })

  it('leaves no listener at a signal that outlives many of them', async () => {
    const server = await holder()
    const { client } = await asker()
    const { signal } = new AbortController()
    let listening = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listening++
      addEventListener.apply(signal, args)
    }
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listening--
      removeEventListener.apply(signal, args)
    }
    for (const size of SIZES) await read((await client.open(server.peer, server.hold(LARGE.subarray(0, size)), 0, signal)).body)
    await client.open(server.peer, digestOf(LARGE.subarray(1)), 0, signal).catch(() => {})
    await until(() => listening === 0)
  })

  it('ends when all of its member is forgotten, and the next one gets a new socket', async () => {
    const server = await holder()
    const { client } = await asker()
    const digest = server.hold(LARGE, fileLike(LARGE, { delay: 5, piece: 50_000 }))
    const { body } = await client.open(server.peer, digest, 0, NEVER)
    client.forget(server.party.id)
    await expect(read(body)).rejects.toMatchObject({ code: 'UPSTREAM_CUT' })
    await until(() => server.open.size === 0)
    const again = await client.open(server.peer, server.hold(Buffer.from('again')), 0, NEVER)
    expect([String(await read(again.body)), server.party.gate.shown]).toEqual(['again', 2])
  })

  it('ends when the client is closed; none is opened after', async () => {
    const server = await holder()
    const { client } = await asker()
    const { body } = await client.open(server.peer, server.hold(LARGE, fileLike(LARGE, { delay: 5, piece: 50_000 })), 0, NEVER)
    await client.close()
    await expect(read(body)).rejects.toMatchObject({ code: 'UPSTREAM_CUT' })
    await expect(client.open(server.peer, digestOf(LARGE), 0, NEVER)).rejects.toMatchObject({ code: 'DRAINING' })
    await client.close()
  })
})

describe('the sockets to a member', () => {
  it('are dropped when nobody has asked for minutes and another member is asked', async () => {
    const [first, second, third] = [await holder(1), await holder(3), await holder(4)]
    const { client, clock } = await asker()
    const ask = async (server: typeof first) =>
      read((await client.open(server.peer, server.hold(Buffer.from('x')), 0, NEVER)).body)
    await ask(first)
    clock.jump(170_000)
    await ask(second)
    clock.jump(20_000)
    await ask(third)
    await ask(second)
    await ask(first)
    expect([first, second, third].map(({ party: { gate } }) => gate.shown)).toEqual([2, 1, 1])
  })
})
