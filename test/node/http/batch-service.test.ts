import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Body, bufferBody } from '../../../node/body.ts'
import { type Digest, formatDigest } from '../../../node/digest.ts'
import { BatchService } from '../../../node/http/batch-service.ts'
import { type Asker, MemberDoor } from '../../../node/http/member-door.ts'
import {
  BATCH_BLOB_BYTES,
  BATCH_BYTES,
  BATCH_PATH,
  BATCH_WISHES,
  BATCHES_OWED,
  BATCHES_OWED_BYTES,
  BatchReader,
  encodeWishes,
  WISHES_BYTES,
} from '../../../node/mesh/blobs/batch-wire.ts'
import { SpareBuffers } from '../../../node/spare-buffers.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Random } from '../../harness/random.ts'
import { fileLike } from './bodies.ts'
import { plainServer, until } from './fixture.ts'

useLeakCheck()

const BYTES = new Random(11).bytes(BATCH_BLOB_BYTES + 1)
const ABSENT = digestOf(Buffer.from('nobody has it'))
const SMALL = Buffer.from('small')

function digestOf(bytes: Buffer): Digest {
  return { algorithm: 'sha256', hex: createHash('sha256').update(bytes).digest('hex') }
}

/** Memory for answers of which it is known which are not given back, and how many were that had not been taken. */
class WatchedMemory {
  readonly #spare = new SpareBuffers({ maxBytes: 8 * BATCH_BYTES })
  readonly taken = new Set<Buffer>()
  count = 0
  strays = 0

  take(size: number): Buffer {
    const buffer = this.#spare.take(size)
    this.taken.add(buffer)
    this.count++
    return buffer
  }

  give(buffer: Buffer): void {
    if (!this.taken.delete(buffer)) this.strays++
    this.#spare.give(buffer)
  }
}

/** A member that holds blobs. `member` is who asks. */
async function holder() {
  const bodies = new Map<string, () => Body | undefined | Promise<Body | undefined>>()
  const opened: Digest[] = []
  const bugs: unknown[] = []
  const sent: [peer: string, bytes: number][] = []
  const clock = new VirtualClock()
  const open = (digest: Digest) => {
    opened.push(digest)
    return bodies.get(formatDigest(digest))?.()
  }
  const memory = new WatchedMemory()
  const service = new BatchService({ shelf: { open }, clock, memory })
  const events = { sent: (peer: string, bytes: number) => sent.push([peer, bytes]), bug: (error: unknown) => bugs.push(error) }
  const door = new MemberDoor({ services: [service], events })
  const member: { -readonly [Key in keyof Asker]: Asker[Key] } = { peer: 'the member', role: 'member' }
  const left: string[] = []
  const late = { isNext: false, go: () => {} }
  const origin = await plainServer((request, response) => {
    const { peer } = member
    if (late.isNext) {
      late.isNext = false
      const end = response.end.bind(response)
      response.end = (bytes?: unknown) => {
        late.go = () => void end(bytes)
        return response
      }
    }
    response.once('close', () => response.writableFinished || left.push(peer))
    void door.handle(request, response, { peer, role: 'member' })
  })
  const url = origin + BATCH_PATH
  const hold = (bytes: Buffer, body: () => Body | undefined | Promise<Body | undefined> = () => bufferBody(bytes)) => {
    const digest = digestOf(bytes)
    bodies.set(formatDigest(digest), body)
    return digest
  }
  const ask = async (body: NonNullable<RequestInit['body']>, init: RequestInit = {}) => {
    const answer = await fetch(url, { method: 'POST', body, ...init })
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
  }
  /** What comes for each of them. */
  const gets = async (...digests: Digest[]) => {
    const { status, bytes } = await ask(new Uint8Array(encodeWishes(digests)))
    expect(status).toBe(200)
    const parts: string[] = []
    new BatchReader((part) => parts.push(String(part))).take(bytes)
    return parts
  }
  /** A blob that cannot be read before it is let go. */
  const holdBack = (bytes: Buffer) => {
    const held = Promise.withResolvers<void>()
    const { bytes: _whole, ...body } = bufferBody(bytes)
    const state = { reading: 0, closed: 0 }
    const digest = hold(bytes, () => ({
      ...body,
      async read(position, max, scratch) {
        state.reading++
        await held.promise
        return body.read(position, max, scratch)
      },
      close: () => void state.closed++,
    }))
    return { digest, state, letGo: held.resolve }
  }
  return { ask, gets, hold, holdBack, late, memory, clock, member, opened, bugs, sent, left, url }
}

const upTo = (size: number) => BYTES.subarray(0, size)

describe('blobs that are asked for together', () => {
  it('come in the order of the question, wherever they are, and each as often as it is asked for', async () => {
    const { gets, hold, sent } = await holder()
    const texts = ['one', 'two', '', 'four']
    const [one, two, three, four] = texts.map((text) => {
      const bytes = Buffer.from(text)
      return hold(bytes, text === 'two' ? () => fileLike(bytes, { piece: 1 }) : undefined)
    }) as [Digest, Digest, Digest, Digest]
    expect(await gets(two, ABSENT, one, three, two, four)).toEqual(['two', 'lacking', 'one', '', 'two', 'four'])
    await until(() => sent.length > 0)
    expect(sent).toEqual([['the member', 13]])
  })

  it('are refused when they are large, or of no known size', async () => {
    const { gets, hold } = await holder()
    const most = upTo(BATCH_BLOB_BYTES)
    const fits = hold(most, () => fileLike(most, { piece: 100_000 }))
    const large = hold(BYTES)
    const growing = hold(SMALL, () => ({ ...bufferBody(SMALL), size: undefined }))
    expect(await gets(large, fits, growing)).toEqual(['alone', String(most), 'alone'])
  })

  it('are refused beyond what one answer carries, but for those that are small enough', async () => {
    const { gets, hold, sent } = await holder()
    const digests = Array.from({ length: Math.floor(BATCH_BYTES / 200_100) }, (_, at) => hold(upTo(200_000 + at)))
    const small = hold(SMALL)
    const refused = hold(upTo(100_000))
    const parts = await gets(...digests, refused, small, ABSENT)
    expect(parts.map((part) => part.length > 7 || part)).toEqual([...digests.map(() => true), 'alone', 'small', 'lacking'])
    await until(() => sent.length > 0)
    expect(sent[0]?.[1]).toBeLessThanOrEqual(BATCH_BYTES)
  })

  it('are refused when they cannot be read, and the others come', async () => {
    const { gets, hold, bugs } = await holder()
    const bodies = [fileLike(upTo(9_000), { breakAt: 5_000, piece: 5_000 }), fileLike(upTo(8_000), { endAt: 7_000 })]
    const [broken, short] = [9_000, 8_000].map((size, at) => hold(upTo(size), () => bodies[at])) as [Digest, Digest]
    expect(await gets(broken, hold(SMALL), short)).toEqual(['alone', 'small', 'alone'])
    expect([bodies.map(({ closed }) => closed), bugs]).toEqual([[1, 1], []])
  })

  it('are refused and closed when one has to wait for them', async () => {
    const { gets, hold, bugs } = await holder()
    const late = Promise.withResolvers<Body>()
    const waiting = hold(upTo(100), () => late.promise)
    const broken = hold(upTo(101), () => Promise.reject(new Error('EIO')))
    expect(await gets(waiting, broken, hold(SMALL))).toEqual(['alone', 'alone', 'small'])
    const body = fileLike(upTo(100))
    late.resolve(body)
    await until(() => body.closed === 1)
    expect(bugs).toEqual([])
  })

  it('are refused once an answer took its time', async () => {
    const { gets, hold, clock, opened } = await holder()
    const slow = [1, 2, 3].map((size) =>
      hold(upTo(size), () => {
        clock.jump(50)
        return bufferBody(upTo(size))
      }),
    )
    const parts = await gets(...slow, hold(SMALL))
    expect(parts).toEqual([String(upTo(1)), String(upTo(2)), 'alone', 'alone'])
    expect(opened.length).toBe(2)
  })
})

const LINE = `sha256:${'0'.repeat(64)}`

describe('a question for blobs', () => {
  it.each([
    ['names nothing', '', 400],
    ['has words', 'which?', 400],
    ['has an empty line', `${LINE}\n`, 400],
    ['is in upper case', LINE.toUpperCase(), 400],
    [
      'names more than one may',
      Array(BATCH_WISHES + 1)
        .fill(LINE)
        .join('\n'),
      400,
    ],
    ['is longer than any', 'x'.repeat(WISHES_BYTES + 1), 413],
    ['is very long', '\n'.repeat(256 << 10), 413],
  ])('that %s is refused', async (_, body, status) => {
    const { ask, opened, bugs, sent } = await holder()
    // More often than may be owed.
    for (let time = 0; time <= BATCHES_OWED; time++) expect((await ask(body)).status).toBe(status)
    expect([opened, bugs, sent]).toEqual([[], [], []])
  })

  it('is a POST, and names as many as it may', async () => {
    const { url, gets } = await holder()
    expect((await fetch(url)).status).toBe(405)
    expect((await fetch(url, { method: 'PUT', body: LINE })).status).toBe(405)
    expect(await gets(...Array(BATCH_WISHES).fill(ABSENT))).toEqual(Array(BATCH_WISHES).fill('lacking'))
  })

  it('of any bytes brings no answer that is none', async () => {
    const { ask, hold, bugs } = await holder()
    const random = new Random(20_261_130)
    const right = encodeWishes([hold(SMALL), ABSENT, hold(upTo(5))])
    for (let round = 0; round < 300; round++) {
      const body = Buffer.from(right)
      for (let hit = 0; hit < random.between(0, 3); hit++) body[random.between(0, body.length - 1)] = random.between(0, 255)
      const { status } = await ask(new Uint8Array(body.subarray(0, random.between(0, body.length))))
      expect([200, 400]).toContain(status)
    }
    expect(bugs).toEqual([])
  })
})

describe('answers that are owed', () => {
  it('are so many to one member at a time', async () => {
    const { gets, ask, hold, holdBack, member } = await holder()
    const back = holdBack(upTo(9))
    const small = hold(SMALL)
    const owed = Array.from({ length: BATCHES_OWED }, () => gets(back.digest))
    await until(() => back.state.reading === BATCHES_OWED)
    expect((await ask(LINE)).status).toBe(503)
    member.peer = 'another'
    expect(await gets(small)).toEqual(['small'])
    member.peer = 'the member'
    expect((await ask(LINE)).status).toBe(503)
    back.letGo()
    expect(await Promise.all(owed)).toEqual(owed.map(() => [String(upTo(9))]))
    // None of them is counted twice.
    for (let time = 0; time <= BATCHES_OWED; time++) expect(await gets(small)).toEqual(['small'])
    expect(back.state.closed).toBe(BATCHES_OWED)
  })

  it('take so much memory for all members together', async () => {
    const { gets, ask, hold, holdBack, member } = await holder()
    const back = holdBack(upTo(9))
    const count = BATCHES_OWED_BYTES / BATCH_BYTES
    const owed: Promise<string[]>[] = []
    for (let at = 0; at < count; at++) {
      member.peer = `member ${Math.floor(at / BATCHES_OWED)}`
      owed.push(gets(back.digest))
      await until(() => back.state.reading === at + 1)
    }
    member.peer = 'another'
    expect((await ask(LINE)).status).toBe(503)
    back.letGo()
    await Promise.all(owed)
    // Nothing is left of any of them.
    for (let at = 0; at <= count; at++) expect(await gets(hold(SMALL))).toEqual(['small'])
  })

  it('are not written over by those to others, however late they go out', async () => {
    const { gets, hold, late, sent, bugs } = await holder()
    const [own, other] = ['own', 'other'].map((text) => Buffer.alloc(200_000, text)) as [Buffer, Buffer]
    late.isNext = true
    const answer = gets(hold(own), hold(SMALL))
    await until(() => sent.length === 1)
    for (let time = 0; time < 20; time++) expect(await gets(hold(other))).toEqual([String(other)])
    late.go()
    expect(await answer).toEqual([String(own), 'small'])
    expect(bugs).toEqual([])
  })

  it('give their memory back once, however they end', async () => {
    const { ask, gets, hold, holdBack, late, memory, left, bugs, sent } = await holder()
    const leave = new AbortController()
    const leaves = (digest: Digest) => ask(new Uint8Array(encodeWishes([digest])), { signal: leave.signal }).catch(() => 'left')
    const large = upTo(BATCH_BLOB_BYTES)
    expect(await gets(hold(large), hold(large))).toEqual([String(large), String(large)])
    const back = holdBack(upTo(9))
    const amidReading = leaves(back.digest)
    await until(() => back.state.reading === 1)
    late.isNext = true
    const amidWriting = leaves(hold(SMALL))
    await until(() => sent.length === 2)
    expect(memory.taken.size).toBe(2)
    leave.abort()
    expect(await Promise.all([amidReading, amidWriting])).toEqual(['left', 'left'])
    await until(() => left.length === 2)
    back.letGo()
    const broken = hold(upTo(7), () => {
      throw new Error('broken')
    })
    expect((await ask(new Uint8Array(encodeWishes([broken])))).status).toBe(500)
    await until(() => memory.taken.size === 0)
    expect([memory.strays, memory.count, bugs.length]).toEqual([0, 6, 1])
  })

  it('are owed no more to somebody who left, nor is anything read for it', async () => {
    const { gets, hold, holdBack, left, url, bugs, sent, opened } = await holder()
    const back = holdBack(upTo(9))
    const small = hold(SMALL)
    const leave = new AbortController()
    const body = new Uint8Array(encodeWishes([back.digest, small]))
    const asked = Array.from({ length: BATCHES_OWED }, () =>
      fetch(url, { method: 'POST', body, signal: leave.signal }).catch(() => 'left'),
    )
    await until(() => back.state.reading === BATCHES_OWED)
    leave.abort()
    expect(await Promise.all(asked)).toEqual(asked.map(() => 'left'))
    await until(() => left.length === BATCHES_OWED)
    back.letGo()
    await until(() => back.state.closed === BATCHES_OWED)
    expect([opened.length, bugs, sent]).toEqual([BATCHES_OWED, [], []])
    expect(await Promise.all(Array.from({ length: BATCHES_OWED }, () => gets(small)))).toEqual(asked.map(() => ['small']))
  })
})
