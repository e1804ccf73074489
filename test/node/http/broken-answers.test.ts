import { expect, test } from 'vitest'
import type { Body } from '../../../node/body.ts'
import type { Found } from '../../../node/cache/found.ts'
import { WarrenError } from '../../../node/errors.ts'
import { Random } from '../../harness/random.ts'
import { type FileLikeInit, fileLike } from './bodies.ts'
import { artifact, client, documentOf, type Face, face, raw, until } from './fixture.ts'

const BYTES = new Random(9).bytes(3_000_000)

/** A body whose length is not known, as of a registry that sends chunks. */
function unsized(init: FileLikeInit = {}): Body {
  const body = fileLike(BYTES, init)
  return { size: undefined, read: body.read, close: body.close }
}

async function faceWith(body: Body, more: Partial<Found> = {}): Promise<Face> {
  return face({ find: () => artifact(body, more) })
}

test.each([
  ['of known length', fileLike(BYTES, { breakAt: 1_500_000 })],
  ['of unknown length', unsized({ breakAt: 1_500_000 })],
  ['that ends early', fileLike(BYTES, { endAt: 1_500_000 })],
])('a body %s that breaks is broken off, and never ended as if it were whole', async (_, body) => {
  const node = await faceWith(body)
  const reply = await client().exchange(node.url('a'))
  expect([reply.status, reply.complete]).toEqual([200, false])
  expect(reply.body.equals(BYTES.subarray(0, reply.body.length))).toBe(true)
  await until(() => node.pool.taken === 0)
})

test.each([
  ['of known length', fileLike(BYTES, { breakAt: 1_500_000 })],
  ['of unknown length', unsized({ breakAt: 1_500_000 })],
])('to HTTP/1.0 a body %s that breaks ends in a reset, not in the end that would make it whole', async (_, body) => {
  const node = await faceWith(body)
  const connection = await raw(node.origin)
  connection.send('GET /m/a HTTP/1.0\r\n\r\n')
  await connection.rest()
  expect(connection.left).toBe('rst')
})

test('chunks that break off have no last chunk', async () => {
  const node = await faceWith(unsized({ breakAt: 1_500_000 }))
  const connection = await raw(node.origin)
  connection.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  const received = await connection.rest()
  expect(received).toContain('Transfer-Encoding: chunked')
  expect(received).not.toMatch(/\r\n0\r\n\r\n$/)
})

test('what breaks before a byte went out is an error that says so, without what only the log may know', async () => {
  const body = fileLike(BYTES, { breakAt: 0 })
  const node = await faceWith(body)
  const reply = await client().get(node.url('a'))
  expect([reply.status, reply.headers['x-warren-error']]).toEqual([500, 'INTERNAL'])
  expect(reply.body.toString()).not.toContain('secret')
  expect(reply.headers.etag).toBeUndefined()
  expect(body.closed).toBe(1)
  expect(node.told).toMatchObject([{ bug: expect.any(Error) }, { refused: 'plain' }])
})

test('trouble of upstream before a byte went out keeps its own status', async () => {
  const trouble = new WarrenError('UPSTREAM_CORRUPT', 'the bytes are wrong')
  const node = await faceWith({ size: 100, read: () => Promise.reject(trouble), close() {} })
  const reply = await client().get(node.url('a'))
  expect([reply.status, reply.headers['retry-after'], reply.headers['content-length']]).not.toContain('100')
  expect(reply.headers['x-warren-error']).toBe('UPSTREAM_CORRUPT')
})

test('a copy that has another length than the headers said is broken off', async () => {
  let size = 100_000
  const bytes = fileLike(BYTES.subarray(0, 90_000))
  const node = await faceWith({
    get size() {
      return size
    },
    read: async (position, max, scratch) => {
      const part = await bytes.read(position, Math.min(max, 50_000), scratch)
      if (position > 0) size = 90_000
      return part
    },
    close() {},
  })
  expect((await client().exchange(node.url('a'))).complete).toBe(false)
})

test.each(['bytes=0-9,1000000-2000000', 'bytes=100-2000000'])('parts that break (%s) are broken off too', async (range) => {
  const node = await faceWith(fileLike(BYTES, { breakAt: 1_500_000, piece: 100_000 }))
  const reply = await client().exchange(node.url('a'), { headers: { range } })
  expect([reply.status, reply.complete]).toEqual([206, false])
})

test('a document whose stored bytes end early is broken off', async () => {
  const text = `{"a":"${'x'.repeat(200_000)}@","b":"@"}`
  const found = documentOf(text)
  const node = await face({ find: () => ({ ...found, body: fileLike(Buffer.from(text), { endAt: 120_000 }) }) })
  const outcome = await client().exchange(node.url('a'))
  expect(outcome.status === 500 || !outcome.complete).toBe(true)
})

test('a client that leaves frees the body, the buffers and the place', async () => {
  const body = fileLike(BYTES)
  const node = await faceWith(body)
  const reading = await client().open(node.url('a'))
  await reading.take(10)
  expect(node.pool.taken).toBeGreaterThan(0)
  reading.abort()
  await until(() => node.pool.taken === 0 && body.closed === 1 && node.server.connections === 0)
  expect(body.reading).toBe(0)
  expect(node.told).toEqual([])
})

test('a client that leaves while nothing has come yet frees everything as soon as that read is over', async () => {
  let answer: (bytes: Buffer) => void = () => {}
  let closed = 0
  const node = await faceWith({
    size: 1_000,
    read: (_, max, scratch) => {
      scratch(max)
      return new Promise((resolve) => {
        answer = resolve
      })
    },
    close: () => void closed++,
  })
  const connection = await raw(node.origin)
  connection.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  await until(() => node.pool.taken > 0)
  connection.leave('rst')
  await until(() => closed === 1)
  expect(node.pool.taken).toBeGreaterThan(0)
  answer(Buffer.alloc(10))
  await until(() => node.pool.taken === 0)
  expect(node.told).toEqual([])
})

test('bytes that come only after the client left are not given a buffer that nobody would give back', async () => {
  let come: () => void = () => {}
  let closed = 0
  const bodies: Promise<Buffer>[] = []
  const node = await faceWith({
    size: 1_000,
    read: (_, max, scratch) => {
      const reading = new Promise<void>((resolve) => {
        come = resolve
      }).then(() => scratch(max))
      bodies.push(reading)
      return reading
    },
    close: () => void closed++,
  })
  const connection = await raw(node.origin)
  connection.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  await until(() => bodies.length === 1)
  connection.leave('rst')
  await until(() => closed === 1)
  come()
  await expect(bodies[0]).rejects.toThrow('the client left')
  expect(node.pool.taken).toBe(0)
})

test('a client that leaves while the cache looks aborts the look', async () => {
  let reason: unknown
  const node = await face({
    find: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
          reject(signal.reason)
        })
      }),
  })
  const connection = await raw(node.origin)
  connection.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  await client().get(node.url('fixed'))
  connection.leave('rst')
  await until(() => reason !== undefined)
  expect(String(reason)).toContain('the client left')
  expect(node.told.filter((told) => !('served' in told))).toEqual([])
})

test('a hundred clients that leave at any moment leave nothing behind', async () => {
  const bodies: ReturnType<typeof fileLike>[] = []
  const node = await face({
    find: () => {
      const body = fileLike(BYTES, { piece: 70_000 })
      bodies.push(body)
      return artifact(body)
    },
  })
  const random = new Random(4)
  const one = client()
  await Promise.all(
    Array.from({ length: 100 }, async () => {
      const reading = await one.open(node.url('a'))
      await reading.take(random.between(1, BYTES.length - 1))
      reading.abort()
    }),
  )
  await until(() => node.pool.taken === 0 && node.server.connections === 0)
  expect(bodies.map(({ closed, reading }) => [closed, reading])).toEqual(bodies.map(() => [1, 0]))
  expect(node.told.filter((told) => !('served' in told))).toEqual([])
})

test('many slow readers of large bodies take a bounded amount of buffers, and none stops another', async () => {
  const node = await face({ find: () => artifact(fileLike(BYTES)) })
  const slow = client()
  const readings = await Promise.all(Array.from({ length: 60 }, () => slow.open(node.url('a'))))
  const quick = await client().get(node.url('a'))
  expect(quick.body.equals(BYTES)).toBe(true)
  expect(node.pool.taken).toBeLessThanOrEqual((16 << 20) + 60 * 2 * (16 << 10))
  for (const reading of readings) reading.abort()
  await until(() => node.pool.taken === 0)
})
