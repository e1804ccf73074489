import { expect, test } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import { Random } from '../../harness/random.ts'
import { client, face, parseHead, raw, until } from './fixture.ts'

const BYTES = new Random(2).bytes(500_000)

test('a POST reaches upstream as it is, and its answer comes back', async () => {
  const node = await face({
    upstream: ({ method, body }) => ({ body: `${method} ${body?.length}`, headers: { 'content-type': 'application/json' } }),
  })
  const reply = await client().get(node.url('pass/audit?x=1'), { method: 'POST', body: BYTES })
  expect(reply.body.toString()).toBe('POST 500000')
  expect(reply.headers).toMatchObject({ 'x-warren-source': 'upstream', 'x-cache': 'MISS', 'content-type': 'application/json' })
  const [request] = node.upstream.requests
  expect(request?.url).toBe('http://upstream.example.test/audit?x=1')
  expect(request?.body?.equals(BYTES)).toBe(true)
  expect(node.told).toEqual([{ served: 'plain', source: 'upstream', bytes: 11 }])
})

test('a POST without a body, told or not, is passed on', async () => {
  const node = await face({ upstream: ({ body }) => ({ body: `${body?.length}` }) })
  for (const more of ['', 'content-length: 0\r\n', 'transfer-encoding: chunked\r\n']) {
    const connection = await raw(node.origin)
    connection.send(`POST /m/pass/x HTTP/1.1\r\nhost: ${node.host}\r\nconnection: close\r\n${more}\r\n`)
    if (more.startsWith('transfer')) connection.send('0\r\n\r\n')
    expect(parseHead(await connection.rest())).toMatchObject({ status: 200, rest: '0' })
  }
})

test('a client that waits for «100 Continue» gets it, then its answer', async () => {
  const node = await face({ upstream: ({ body }) => ({ body: `got ${body}` }) })
  const connection = await raw(node.origin)
  connection.send(`POST /m/pass/x HTTP/1.1\r\nhost: ${node.host}\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n`)
  expect(await connection.until((received) => received.includes('\r\n\r\n'))).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  connection.send('hello')
  expect(await connection.until((received) => received.includes('got'))).toMatch(/ 200 OK\r\n.*got hello$/s)
})

test('what is upstream’s own business stays there: cookies, challenges, redirects, hop-by-hop', async () => {
  const headers = {
    'set-cookie': 'a=b',
    'www-authenticate': 'Basic',
    location: 'http://elsewhere.example.test/',
    connection: 'close',
    'x-powered-by': 'x',
    'access-control-allow-origin': '*',
    etag: '"tag"',
    vary: 'accept',
    'cache-control': 'max-age=5',
  }
  const node = await face({ upstream: () => ({ body: 'x', headers }) })
  const reply = await client().get(node.url('pass/x'))
  const kept = Object.keys(headers).filter((name) => reply.headers[name] !== undefined && name !== 'connection')
  expect(kept.sort()).toEqual(['cache-control', 'etag', 'vary'])
  expect(reply.headers.connection).toBe('keep-alive')
  expect(reply.headers['content-security-policy']).toContain('sandbox')
})

test.each([
  [200, 200],
  [201, 201],
  [304, 304],
  [401, 403],
  [404, 404],
  [422, 422],
])('upstream’s %i is %i', async (status, wanted) => {
  const node = await face({ upstream: () => ({ status, body: 'answer' }) })
  const reply = await client().get(node.url('pass/x'))
  expect([reply.status, reply.headers['www-authenticate']]).toEqual([wanted, undefined])
})

test('HEAD has upstream’s length and no body', async () => {
  const node = await face({ upstream: ({ method }) => ({ body: method, headers: { 'content-length': '1234' } }) })
  const one = client(1)
  const reply = await one.get(node.url('pass/x'), { method: 'HEAD' })
  expect([reply.headers['content-length'], reply.body.length]).toEqual(['1234', 0])
  expect((await one.get(node.url('fixed'))).body.toString()).toBe('fixed')
})

test.each(['length', 'chunks'])('an answer that upstream cuts is broken off, in %s', async (framing) => {
  const node = await face({ upstream: () => ({ body: BYTES, cutAt: 200_000, chunked: framing === 'chunks' }) })
  const reply = await client().exchange(node.url('pass/x'))
  expect([reply.status, reply.complete]).toEqual([200, false])
  expect(reply.body.equals(BYTES.subarray(0, reply.body.length))).toBe(true)
  expect(node.told).toMatchObject([{ error: { code: 'UPSTREAM_CUT' } }])
})

test('to HTTP/1.0 an answer that upstream cuts is reset: its end would be taken for the end of the body', async () => {
  const node = await face({ upstream: () => ({ body: BYTES, cutAt: 200_000, chunked: true }) })
  const connection = await raw(node.origin)
  connection.send('GET /m/pass/x HTTP/1.0\r\n\r\n')
  await connection.rest()
  expect(connection.left).toBe('rst')
})

test('to HTTP/1.0 an answer of unknown length ends with the connection', async () => {
  const node = await face({ upstream: () => ({ body: BYTES, chunked: true }) })
  const connection = await raw(node.origin)
  connection.send('GET /m/pass/x HTTP/1.0\r\n\r\n')
  const { headers, rest } = parseHead(await connection.rest())
  expect([headers.get('transfer-encoding'), headers.get('content-length'), connection.left]).toEqual([
    undefined,
    undefined,
    'fin',
  ])
  expect(Buffer.from(rest, 'latin1').equals(BYTES)).toBe(true)
})

test.each(['UPSTREAM_UNREACHABLE', 'UPSTREAM_BUSY', 'UPSTREAM_TIMEOUT'] as const)('%s is told as such', async (code) => {
  const node = await face({
    upstream: () => {
      throw new WarrenError(code, 'upstream is in trouble', { retryAfter: 3 })
    },
  })
  const reply = await client().get(node.url('pass/x'), { method: 'POST', body: 'x' })
  expect([reply.headers['x-warren-error'], reply.headers['retry-after']]).toEqual([code, '3'])
})

test('a client that leaves ends what upstream is asked for', async () => {
  let left: AbortSignal | undefined
  const node = await face({
    upstream: (_, signal) => {
      left = signal
      return { body: BYTES, stallAt: 100 }
    },
  })
  const reading = await client().open(node.url('pass/x'))
  await reading.take(100)
  expect(node.upstream.health()[0]?.inFlight).toBe(1)
  reading.abort()
  await until(() => node.upstream.health()[0]?.inFlight === 0)
  expect(left?.aborted).toBe(true)
  expect(node.told).toEqual([])
})
