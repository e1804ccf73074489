import { expect, test } from 'vitest'
import { Random } from '../../harness/random.ts'
import { fileLike } from './bodies.ts'
import { artifact, client, face, parseHead, raw } from './fixture.ts'

const BYTES = new Random(7).bytes(100_000)
const MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT'

/** The same answers are due whether the bytes are in memory or have to be read. */
const KINDS = [
  ['memory', () => BYTES],
  ['a file', () => fileLike(BYTES)],
] as const

for (const [kind, bytes] of KINDS) {
  const ask = async (headers: Record<string, string>, method = 'GET') => {
    const found = () =>
      artifact(bytes(), {
        headers: { 'content-type': 'application/octet-stream', 'last-modified': MODIFIED },
        digest: 'sha256:abc',
      })
    const node = await face({ find: found })
    return client().get(node.url('a'), { headers, method })
  }

  test(`one range comes as 206 with exactly its bytes, from ${kind}`, async () => {
    const reply = await ask({ range: 'bytes=10-99' })
    expect(reply.status).toBe(206)
    expect(reply.headers['content-range']).toBe('bytes 10-99/100000')
    expect(reply.headers['content-length']).toBe('90')
    expect(reply.headers.etag).toBe('"sha256:abc"')
    expect(reply.body.equals(BYTES.subarray(10, 100))).toBe(true)
  })

  test.each([
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=-10', 99_990, 100_000],
    ['bytes=-200000', 0, 100_000],
    ['bytes=5-999999999999999999999', 5, 100_000],
    ['BYTES=0-0', 0, 1],
    ['bytes=0-9,', 0, 10],
  ])(`%s is understood, from ${kind}`, async (range, start, end) => {
    const reply = await ask({ range })
    expect(reply.status).toBe(206)
    expect(reply.headers['content-range']).toBe(`bytes ${start}-${end - 1}/100000`)
    expect(reply.body.equals(BYTES.subarray(start, end))).toBe(true)
  })

  test.each(['bytes=100000-', 'bytes=999999999999999999999-', 'bytes=-0', 'bytes=200000-300000,100000-'])(
    `%s cannot be satisfied, from ${kind}`,
    async (range) => {
      const reply = await ask({ range })
      expect(reply.status).toBe(416)
      expect(reply.headers['content-range']).toBe('bytes */100000')
      expect(JSON.parse(reply.body.toString())).toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' })
    },
  )

  test.each([
    'bytes=',
    'bytes=,',
    'bytes=a-b',
    'bytes=9-3',
    'bytes=-',
    'bytes=1-2-3',
    'bytes 1-2',
    'lines=1-2',
    'bytes=0-1,x',
    'bytes=--1',
    `bytes=${Array.from({ length: 17 }, (_, i) => `${i * 10}-${i * 10}`).join(',')}`,
  ])(`%s is answered with everything, from ${kind}`, async (range) => {
    const reply = await ask({ range })
    expect(reply.status).toBe(200)
    expect(reply.headers['content-range']).toBeUndefined()
    expect(reply.body.equals(BYTES)).toBe(true)
  })

  test(`several ranges come as multipart/byteranges, byte by byte, in the order asked for, from ${kind}`, async () => {
    const reply = await ask({ range: 'bytes=500-599, 0-0 ,-5' })
    expect(reply.status).toBe(206)
    expect(reply.headers['content-range']).toBeUndefined()
    const [, boundary] =
      /^multipart\/byteranges; boundary=([A-Za-z0-9_-]{10,70})$/.exec(reply.headers['content-type'] ?? '') ?? []
    const part = (start: number, end: number) => [
      Buffer.from(
        `--${boundary}\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes ${start}-${end}/100000\r\n\r\n`,
      ),
      BYTES.subarray(start, end + 1),
      Buffer.from('\r\n'),
    ]
    const wanted = Buffer.concat([
      ...part(500, 599),
      ...part(0, 0),
      ...part(99_995, 99_999),
      Buffer.from(`--${boundary}--\r\n`),
    ])
    expect(reply.body.equals(wanted)).toBe(true)
    expect(reply.headers['content-length']).toBe(String(wanted.length))
  })

  test(`overlapping ranges are sent once, from ${kind}`, async () => {
    const reply = await ask({ range: 'bytes=0-99,50-149,100-199' })
    expect(reply.headers['content-range']).toBe('bytes 0-199/100000')
    expect(reply.body.equals(BYTES.subarray(0, 200))).toBe(true)
  })

  test.each([
    ['the strong tag', '"sha256:abc"', 206],
    ['another tag', '"sha256:other"', 200],
    ['the tag made weak', 'W/"sha256:abc"', 200],
    ['the date', MODIFIED, 206],
    ['a later date', 'Thu, 22 Oct 2015 07:28:00 GMT', 200],
    ['nonsense', 'yesterday', 200],
  ])(`If-Range with %s, from ${kind}`, async (_, ifRange, status) => {
    const reply = await ask({ range: 'bytes=0-9', 'if-range': ifRange })
    expect(reply.status).toBe(status)
    expect(reply.body.length).toBe(status === 206 ? 10 : BYTES.length)
  })

  test(`HEAD knows no ranges and has the headers of GET, from ${kind}`, async () => {
    const whole = await ask({})
    const head = await ask({ range: 'bytes=0-9' }, 'HEAD')
    expect(head.status).toBe(200)
    expect(head.body.length).toBe(0)
    const { date: _head, ...rest } = head.headers
    const { date: _whole, ...expected } = whole.headers
    expect(rest).toEqual(expected)
  })
}

test('a HEAD is followed by the next answer at once: not one byte of body is on the wire', async () => {
  const node = await face({ find: () => artifact(fileLike(BYTES)) })
  const connection = await raw(node.origin)
  connection.send(`HEAD /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  const { rest, headers } = parseHead(await connection.until((received) => received.includes('\r\n\r\n')))
  expect(headers.get('content-length')).toBe('100000')
  connection.send(`GET /m/fixed HTTP/1.1\r\nhost: ${node.host}\r\nconnection: close\r\n\r\n`)
  expect(rest).toBe('')
  expect(parseHead((await connection.rest()).split('\r\n\r\n').slice(1).join('\r\n\r\n')).rest).toBe('fixed')
})

test('a range of nothing is nothing: an empty artifact is sent whole', async () => {
  const node = await face({ find: () => artifact(Buffer.alloc(0)) })
  const reply = await client().get(node.url('a'), { headers: { range: 'bytes=0-5' } })
  expect([reply.status, reply.headers['content-length']]).toEqual([200, '0'])
})

test('a body that is still growing, of known length, is answered in parts', async () => {
  const node = await face({
    find: () => artifact({ ...fileLike(BYTES, { delay: 1 }), size: BYTES.length }, { source: 'flight' }),
  })
  const reply = await client().get(node.url('a'), { headers: { range: 'bytes=70000-' } })
  expect(reply.status).toBe(206)
  expect(reply.body.equals(BYTES.subarray(70_000))).toBe(true)
})

test.each(['seed', 'flight'] as const)(
  'a range beyond the length that only a member told is ignored, from a %s',
  async (source) => {
    const node = await face({
      find: () => artifact({ ...fileLike(BYTES, { delay: 1 }), size: BYTES.length }, { source, digest: undefined }),
    })
    const beyond = await client().get(node.url('a'), { headers: { range: 'bytes=100000-' } })
    expect([beyond.status, beyond.body.equals(BYTES)]).toEqual([200, true])
    expect((await client().get(node.url('a'), { headers: { range: 'bytes=99999-' } })).status).toBe(206)
  },
)

test('a body of unknown length is sent whole, in chunks, whatever range was asked for', async () => {
  const node = await face({
    find: () => artifact({ ...fileLike(BYTES), size: undefined }, { source: 'upstream', digest: undefined }),
  })
  const reply = await client().get(node.url('a'), { headers: { range: 'bytes=0-9' } })
  expect(reply.status).toBe(200)
  expect(reply.headers['transfer-encoding']).toBe('chunked')
  expect(reply.headers['content-length']).toBeUndefined()
  expect(reply.body.equals(BYTES)).toBe(true)
})

test('a length that becomes known with the first bytes is declared', async () => {
  const body = fileLike(BYTES.subarray(0, 5_000), { delay: 1 })
  let size: number | undefined
  const growing = {
    get size() {
      return size
    },
    read: async (...asked: Parameters<typeof body.read>) => {
      const bytes = await body.read(...asked)
      size = 5_000
      return bytes
    },
    close() {},
  }
  const node = await face({ find: () => artifact(growing, { source: 'upstream' }) })
  const reply = await client().get(node.url('a'))
  expect(reply.headers['content-length']).toBe('5000')
  expect(reply.body.equals(BYTES.subarray(0, 5_000))).toBe(true)
})
