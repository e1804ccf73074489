import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { describe, expect, it } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { failure, get, makeUpstream, NEVER, read, readText, until, using } from './fixture.ts'
import { http2Server, type TestServer } from './servers.ts'

const certificate = makeCertificate()
const trusting = { ca: [certificate.cert] }

const serving = (handler: (request: Http2ServerRequest, response: Http2ServerResponse) => void): Promise<TestServer> =>
  using(http2Server(certificate, handler))

describe('an upstream that offers HTTP/2', () => {
  it('is spoken to in it, all requests over one connection', async () => {
    const server = await serving((request, response) => response.end(`${request.httpVersion} ${request.url}`))
    const upstream = makeUpstream(trusting)
    const paths = Array.from({ length: 50 }, (_, i) => `/${i}`)
    const texts = await Promise.all(paths.map((path) => readText(upstream.fetch(get(server, path), NEVER))))
    expect(texts).toEqual(paths.map((path) => `2.0 ${path}`))
    expect(server.connections()).toBe(1)
  })

  it('gets the same headers, POST bodies and ranges', async () => {
    const server = await serving(async (request, response) => {
      const body = Buffer.concat(await Array.fromAsync(request)).toString()
      response.end(JSON.stringify({ ...request.headers, method: request.method, body }))
    })
    const upstream = makeUpstream(trusting)
    const headers = { 'content-type': 'text/plain', via: '1.0 x', connection: 'close' }
    const post = { method: 'POST', body: Buffer.from('question'), headers } as const
    const sent = { method: 'POST', body: 'question', 'content-type': 'text/plain', via: '1.0 x, 1.1 warren-node-1' }
    expect(JSON.parse(await readText(upstream.fetch(get(server, '/', post), NEVER)))).toMatchObject(sent)
    const ranged = await readText(upstream.fetch(get(server, '/', { range: { start: 3 } }), NEVER))
    expect(JSON.parse(ranged)).toMatchObject({ range: 'bytes=3-', 'accept-encoding': 'identity' })
  })

  it('answers with headers as records of strings', async () => {
    const server = await serving((_request, response) => {
      response.writeHead(200, { etag: '"1"', 'set-cookie': ['a=1', 'b=2'] }).end('x')
    })
    const { status, headers, body } = await makeUpstream(trusting).fetch(get(server), NEVER)
    await read(body)
    expect({ status, etag: headers.etag, cookie: headers['set-cookie'] }).toEqual({
      status: 200,
      etag: '"1"',
      cookie: 'a=1, b=2',
    })
    expect(Object.keys(headers).filter((name) => name.startsWith(':'))).toEqual([])
  })

  it.each([
    ['ends the stream short of its content-length', (response: Http2ServerResponse) => response.end()],
    ['resets the stream', (response: Http2ServerResponse) => response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)],
    ['drops the connection', (response: Http2ServerResponse) => response.stream.session?.socket.destroy()],
  ])('has a body cut when it %s', async (_how, end) => {
    const server = await serving((_request, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('abc')
      setTimeout(() => end(response), 30)
    })
    const { body } = await makeUpstream(trusting).fetch(get(server), NEVER)
    expect((await body[Symbol.asyncIterator]().next()).value?.toString()).toBe('abc')
    expect((await failure(read(body))).code).toBe('UPSTREAM_CUT')
  })

  it('has a body cut that is longer than its content-length', async () => {
    const server = await serving((_request, response) => {
      response.writeHead(200, { 'content-length': '3' })
      response.end('abcdef')
    })
    const reading = makeUpstream(trusting)
      .fetch(get(server), NEVER)
      .then(({ body }) => read(body))
    // Found out before or after the headers were handed over.
    expect((await failure(reading)).code).toMatch(/^UPSTREAM_(?:CUT|FAILED|UNREACHABLE)$/)
  })

  it('is UPSTREAM_TIMEOUT when it is silent, before the headers and amid the body', async () => {
    const server = await serving((request, response) => {
      if (request.url === '/body') response.writeHead(200).write('abc')
    })
    const upstream = makeUpstream({ ...trusting, headersTimeout: 100, idleTimeout: 100 })
    expect((await failure(upstream.fetch(get(server, '/head'), NEVER))).code).toBe('UPSTREAM_TIMEOUT')
    const { body } = await upstream.fetch(get(server, '/body'), NEVER)
    expect((await failure(read(body))).code).toBe('UPSTREAM_TIMEOUT')
    expect(upstream.health()).toMatchObject([{ inFlight: 0 }])
  })

  it('serves others while slow readers hold their bodies', async () => {
    const big = Buffer.alloc(3 * 1024 * 1024, 1)
    const server = await serving((request, response) => response.end(request.url === '/big' ? big : 'small'))
    const upstream = makeUpstream(trusting)
    const slow = await Promise.all(Array.from({ length: 12 }, () => upstream.fetch(get(server, '/big'), NEVER)))
    for (let i = 0; i < 5; i++) expect(await readText(upstream.fetch(get(server, '/small'), NEVER))).toBe('small')
    const lengths = await Promise.all(slow.map(async ({ body }) => (await read(body)).length))
    expect(lengths).toEqual(slow.map(() => big.length))
    expect(server.connections()).toBe(1)
  })

  it('frees a stream and keeps the connection when a body is destroyed', async () => {
    let open = 0
    const server = await serving((_request, response) => {
      open++
      response.stream.on('close', () => open--)
      response.writeHead(200)
      response.write('x')
    })
    const upstream = makeUpstream(trusting)
    for (let i = 0; i < 5; i++) {
      const { destroy } = await upstream.fetch(get(server), NEVER)
      destroy()
    }
    await until(() => open === 0)
    expect(server.connections()).toBe(1)
    expect(upstream.health()).toMatchObject([{ inFlight: 0 }])
  })

  it('is not taken for broken when one connection with many requests is lost', async () => {
    let lost = false
    const server = await serving((_request, response) => {
      if (lost) response.end('x')
      else if (server.asked.length === 12) {
        lost = true
        response.stream.session?.socket.destroy()
      }
    })
    const upstream = makeUpstream(trusting)
    const texts = await Promise.all(Array.from({ length: 12 }, () => readText(upstream.fetch(get(server), NEVER))))
    expect(texts).toEqual(Array.from({ length: 12 }, () => 'x'))
    expect(upstream.health()).toMatchObject([{ state: 'closed', inFlight: 0 }])
  })

  it('is asked again over a new connection when it says goodbye', async () => {
    const server = await serving((request, response) => {
      if (server.asked.length === 1) request.stream.session?.goaway(constants.NGHTTP2_NO_ERROR)
      response.end('x')
    })
    const upstream = makeUpstream(trusting)
    for (let i = 0; i < 4; i++) expect(await readText(upstream.fetch(get(server), NEVER))).toBe('x')
  })
})
