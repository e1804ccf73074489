import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { WarrenError } from '../../../../node/errors.ts'
import { BATCH_WISHES, BatchWriter, type Refused } from '../../../../node/mesh/blobs/batch-wire.ts'
import { BlobBatches, type BlobBatchesComponents } from '../../../../node/mesh/blobs/blob-batches.ts'
import type { MemberRequest } from '../../../../node/mesh/blobs/blob-client.ts'
import type { Dialled } from '../../../../node/mesh/blobs/dial.ts'
import { SpareBuffers } from '../../../../node/spare-buffers.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { until } from '../../http/fixture.ts'
import { asker, digestOf, holder, party, scripted } from './fixture.ts'

useLeakCheck()

type Client = BlobBatchesComponents['client']

const blobOf = (at: number) => Buffer.from(`blob ${at}`)
const DIGESTS = Array.from({ length: 3 * BATCH_WISHES + 8 }, (_, at) => digestOf(blobOf(at)))
const DIGEST = digestOf(blobOf(0))
/** Bytes of a line of a question. */
const LINE = 'sha256:'.length + 64 + 1

/** An answer as it goes over the wire. */
function answer(bytes: Buffer, length = bytes.length, status = '200 OK'): Buffer {
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\ncontent-length: ${length}\r\n\r\n`), bytes])
}

function batch(parts: readonly (Buffer | Refused)[]): Buffer {
  const writer = new BatchWriter(new SpareBuffers({ maxBytes: 0 }))
  for (const part of parts) {
    if (Buffer.isBuffer(part)) writer.room(part.length).set(part)
    else writer.refuse(part)
  }
  return Buffer.from(writer.bytes)
}

const lacking = (count: number) => answer(batch(Array.from({ length: count }, () => 'lacking')))

/** A member that answers by hand, and a client of it. `came` is how many bytes of answers were taken in. */
async function byHand() {
  const questions: { readonly socket: TLSSocket; readonly wishes: number }[] = []
  const member = await scripted(await party(1), (socket, head) => {
    const length = Number(/content-length: (\d+)/.exec(head)?.[1])
    questions.push({ socket, wishes: (length + 1) / LINE })
  })
  const { client, clock } = await asker()
  let came = 0
  const request: Client['request'] = async (...args) => {
    const response = await client.request(...args)
    const counted = async function* () {
      for await (const chunk of response.body) {
        yield chunk
        came += chunk.length
      }
    }
    return { ...response, body: counted() as unknown as typeof response.body }
  }
  const counting: Client['came'] = (...told) => client.came(...told)
  const batches = new BlobBatches({ client: { request, came: counting }, clock })
  const ask = (count = 1) => DIGESTS.slice(0, count).map((digest) => batches.ask(member.peer, digest))
  const reply = (at: number, bytes: Buffer) => void questions[at]?.socket.write(bytes)
  return { client, clock, questions, batches, ask, reply, came: () => came }
}

/** One question of five wishes and one of one are under way, and one wish more waits. */
async function busy() {
  const hand = await byHand()
  const first = outcomes(hand.ask(5))
  await until(() => hand.questions.length === 1)
  const second = outcomes(hand.ask(1))
  await until(() => hand.questions.length === 2)
  return { ...hand, first, second, waiting: outcomes(hand.ask(1)) }
}

/** Each as it is, or by the code of its error. */
async function outcomes(asked: readonly Promise<Buffer | Refused>[]): Promise<string[]> {
  const settled = await Promise.allSettled(asked)
  return settled.map((one) => (one.status === 'fulfilled' ? String(one.value) : codeOf(one.reason)))
}

const codeOf = (error: Partial<WarrenError>) => error.code ?? String(error)
const turns = async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('small blobs of a member', () => {
  it('that are wanted in one turn come with one answer, each to who wants it', async () => {
    const server = await holder()
    const { client, clock, received } = await asker()
    const batches = new BlobBatches({ client, clock })
    const blobs = Array.from({ length: 10 }, (_, at) => Buffer.alloc(at * 1_000, at))
    const digests = blobs.map((bytes) => server.hold(bytes))
    const large = server.hold(Buffer.alloc((256 << 10) + 1))
    const [lacks, alone, ...given] = await Promise.all(
      [DIGEST, large, ...digests, ...digests].map((digest) => batches.ask(server.peer, digest)),
    )
    expect([lacks, alone]).toEqual(['lacking', 'alone'])
    expect(given.every((bytes, at) => blobs[at % 10]?.equals(bytes as Buffer))).toBe(true)
    expect([server.asked.length, clock.sleeping]).toEqual([1, 0])
    // Of blobs: lengths and refusals are none.
    expect(received).toEqual([[server.party.id, 90_000]])
  })

  it('gather while two questions are under way', async () => {
    const { ask, questions, reply } = await byHand()
    const first = outcomes(ask())
    await until(() => questions.length === 1)
    const second = outcomes(ask(2))
    await until(() => questions.length === 2)
    const third = outcomes([...ask(3), ...ask(2)])
    await turns()
    expect(questions.map(({ wishes }) => wishes)).toEqual([1, 2])
    reply(1, lacking(2))
    expect(await second).toEqual(['lacking', 'lacking'])
    await until(() => questions.length === 3)
    expect(questions[2]?.wishes).toBe(5)
    reply(0, lacking(1))
    reply(2, answer(batch([blobOf(0), blobOf(1), blobOf(2), 'alone', 'lacking'])))
    expect([await first, await third]).toEqual([['lacking'], ['blob 0', 'blob 1', 'blob 2', 'alone', 'lacking']])
  })

  it('are asked for by two questions at a time, when they are more than one names', async () => {
    const { ask, questions, reply } = await byHand()
    const all = outcomes(ask(DIGESTS.length))
    await until(() => questions.length === 2)
    await turns()
    expect(questions.map(({ wishes }) => wishes)).toEqual([BATCH_WISHES, BATCH_WISHES])
    reply(0, lacking(BATCH_WISHES))
    await until(() => questions.length === 3)
    reply(1, lacking(BATCH_WISHES))
    await until(() => questions.length === 4)
    expect(questions.slice(2).map(({ wishes }) => wishes)).toEqual([BATCH_WISHES, 8])
    reply(2, lacking(BATCH_WISHES))
    reply(3, lacking(8))
    expect(await all).toEqual(DIGESTS.map(() => 'lacking'))
  })

  it('are asked for where it is now, also when there was always something to ask it', async () => {
    const { clock } = await asker()
    const asked: string[] = []
    const ends: (() => void)[] = []
    const request = ({ addresses }: Dialled, { body }: MemberRequest) => {
      asked.push(...addresses)
      const wishes = ((body?.length ?? 0) + 1) / LINE
      const response = { status: 200, body: [batch(Array.from({ length: wishes }, () => 'lacking'))] }
      return new Promise((resolve) => ends.push(() => resolve(response)))
    }
    const batches = new BlobBatches({ client: { request: request as unknown as Client['request'], came: () => {} }, clock })
    const all: Promise<unknown>[] = []
    for (const address of ['a', 'b', 'c', 'd']) {
      all.push(batches.ask({ id: 'p', addresses: [address] }, DIGEST))
      await turns()
    }
    ends[0]?.()
    await all[0]
    await turns()
    expect(asked).toEqual(['a', 'b', 'd'])
    for (const end of ends) end()
    expect(await Promise.all(all)).toEqual(Array(4).fill('lacking'))
  })
})

const GIVEN = [0, 1, 2, 3, 4].map(blobOf)
const NAMES = GIVEN.map(String)
const told = Buffer.alloc(4)
told.writeUInt32BE((256 << 10) + 1)

/** How five wishes of one question come out. */
const WRONG: Record<string, [outcome: string[], bytes: Buffer, ends?: true]> = {
  'does not know the path': [Array(5).fill('UPSTREAM_FAILED'), answer(Buffer.from('what?'), 5, '404 Not Found')],
  'is busy': [Array(5).fill('UPSTREAM_FAILED'), answer(Buffer.alloc(0), 0, '503 Service Unavailable')],
  'refuses and does not say why': [Array(5).fill('UPSTREAM_FAILED'), answer(Buffer.alloc(0), 1e9, '503 Service Unavailable')],
  'sends nothing': [Array(5).fill('UPSTREAM_CUT'), answer(Buffer.alloc(0))],
  'speaks no HTTP': [Array(5).fill('UPSTREAM_UNREACHABLE'), Buffer.from('220 ready\r\n')],
  'goes away instead': [Array(5).fill('UPSTREAM_UNREACHABLE'), Buffer.alloc(0), true],
  'sends fewer blobs': [[...NAMES.slice(0, 4), 'UPSTREAM_CUT'], answer(batch(GIVEN.slice(0, 4)))],
  'sends more blobs': [NAMES, answer(batch([...GIVEN, blobOf(5)]))],
  'sends more refusals': [NAMES, answer(batch([...GIVEN, 'lacking']))],
  'sends a few bytes more': [NAMES, answer(Buffer.concat([batch(GIVEN), Buffer.of(0, 0)]))],
  'ends amid a blob': [[...NAMES.slice(0, 4), 'UPSTREAM_CUT'], answer(batch(GIVEN).subarray(0, -1))],
  'ends amid a length': [[...NAMES.slice(0, 4), 'UPSTREAM_CUT'], answer(batch(GIVEN).subarray(0, -8))],
  'goes away amid a blob': [[...NAMES.slice(0, 4), 'UPSTREAM_CUT'], answer(batch(GIVEN).subarray(0, -1), 500), true],
  'sends a large blob': [
    [...NAMES.slice(0, 1), ...Array(4).fill(expect.stringContaining('262145 bytes'))],
    answer(Buffer.concat([batch(GIVEN.slice(0, 1)), told, Buffer.alloc(100_000)]), 1e9),
  ],
  'sends what is no answer': [Array(5).fill(expect.stringContaining('bytes together')), answer(Buffer.alloc(5_000, 'x'), 1e9)],
}

describe('a member that', () => {
  it.each(Object.keys(WRONG))('%s keeps nobody waiting', async (name) => {
    const [outcome, bytes, ends] = WRONG[name] as (typeof WRONG)[string]
    const { questions, reply, first, second, waiting, ask, clock } = await busy()
    reply(0, bytes)
    if (ends) questions[0]?.socket.end()
    expect(await first).toEqual(outcome)
    expect(await waiting).toHaveLength(1)
    expect((await waiting)[0]).not.toMatch(/^blob|^lacking$|^alone$/)
    // What it sends beside that is taken, and so is what it sends afterwards.
    reply(1, lacking(1))
    expect(await second).toEqual(['lacking'])
    const again = outcomes(ask())
    await until(() => questions.length === 3)
    reply(2, answer(batch([blobOf(0)])))
    expect([await again, clock.sleeping]).toEqual([['blob 0'], 0])
  })

  it('never answers is given up after a moment, by all who wait for it', async () => {
    const { clock, first, second, waiting, questions } = await busy()
    await clock.advance(299)
    expect(questions.map(({ socket }) => socket.destroyed)).toEqual([false, false])
    await clock.advance(1)
    expect([await first, await second, await waiting].flat()).toEqual(Array(7).fill('UPSTREAM_TIMEOUT'))
    await until(() => questions.every(({ socket }) => socket.destroyed))
    expect(clock.sleeping).toBe(0)
  })

  it('sends a byte at a time is given up as soon', async () => {
    const { clock, first, waiting, reply, came } = await busy()
    const bytes = batch(GIVEN)
    reply(0, answer(Buffer.alloc(0), bytes.length))
    for (let at = 0; at < 14; at++) {
      reply(0, bytes.subarray(at, at + 1))
      await until(() => came() === at + 1)
      await clock.advance(20)
    }
    await clock.advance(20)
    expect(await first).toEqual(['blob 0', ...Array(4).fill('UPSTREAM_TIMEOUT')])
    expect(await waiting).toEqual(['UPSTREAM_TIMEOUT'])
  })

  it('begins well and stops is given up as soon', async () => {
    const { clock, ask, reply, questions, came } = await byHand()
    const all = outcomes(ask(2))
    await until(() => questions.length === 1)
    const bytes = batch([Buffer.alloc(100_000, 'x'), Buffer.alloc(200_000, 'y')])
    reply(0, answer(bytes.subarray(0, 150_000), bytes.length))
    await until(() => came() === 150_000)
    await clock.advance(300)
    expect(questions[0]?.socket.destroyed).toBe(false)
    await clock.advance(300)
    expect(await all).toEqual(['x'.repeat(100_000), 'UPSTREAM_TIMEOUT'])
  })

  it('gets on has its time, but not for ever', async () => {
    const { clock, ask, reply, questions, came } = await byHand()
    const all = outcomes(ask(5))
    await until(() => questions.length === 1)
    const blobs = Array.from({ length: 5 }, () => Buffer.alloc(200_000, 'x'))
    const bytes = batch(blobs)
    const step = 64 << 10
    reply(0, answer(Buffer.alloc(0), bytes.length))
    for (let at = 0; at < 6; at++) {
      reply(0, bytes.subarray(at * step, (at + 1) * step))
      await until(() => came() === (at + 1) * step)
      await clock.advance(300)
      expect(questions[0]?.socket.destroyed).toBe(false)
    }
    reply(0, bytes.subarray(6 * step, 7 * step))
    await until(() => came() === 7 * step)
    await clock.advance(300)
    const x = String(blobs[0])
    expect(await all).toEqual([x, x, ...Array(3).fill('UPSTREAM_TIMEOUT')])
  })

  it('is forgotten while it is asked keeps nobody waiting, nor does the end of the node', async () => {
    const { client, first, second, waiting, clock, batches } = await busy()
    await client.close()
    expect([await first, await second, await waiting].flat()).toEqual(Array(7).fill('UPSTREAM_UNREACHABLE'))
    expect(await outcomes([batches.ask({ id: 'another', addresses: [] }, DIGEST)])).toEqual(['DRAINING'])
    expect(clock.sleeping).toBe(0)
  })
})
