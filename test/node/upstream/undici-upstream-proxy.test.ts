import http from 'node:http'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { failure, get, makeUpstream, NEVER, read, readText, until, using } from './fixture.ts'
import { fakeLookup } from './lookups.ts'
import { deadPort, http2Server, httpServer, httpsServer, rawServer, type TestServer } from './servers.ts'

const certificate = makeCertificate()

interface TestProxy {
  readonly url: string
  readonly port: number
  /** What was asked for: `CONNECT host:port`, or `GET` and a whole URL. */
  readonly asked: string[]
  readonly headers: http.IncomingHttpHeaders[]
  /** Tunnels that are open now. */
  readonly tunnels: ReadonlySet<Duplex>
  close(): Promise<void>
}

/** A proxy that knows where names lead: all of them to `target`. */
async function makeProxy(target: { readonly port: number }, refusal?: number): Promise<TestProxy> {
  const asked: string[] = []
  const headers: http.IncomingHttpHeaders[] = []
  const tunnels = new Set<Duplex>()
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    headers.push(request.headers)
    if (refusal) return response.writeHead(refusal).end()
    const { pathname } = new URL(request.url ?? '')
    const onward = http.get({ port: target.port, path: pathname, host: '127.0.0.1' }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
  })
  server.on('connect', (request, socket: Duplex) => {
    asked.push(`CONNECT ${request.url}`)
    headers.push(request.headers)
    if (refusal) return socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`)
    const onward = net.connect(target.port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    tunnels.add(socket)
    socket.on('close', () => tunnels.delete(socket))
    for (const [a, b] of [[socket, onward] as const, [onward, socket] as const]) a.on('error', () => b.destroy()).pipe(b)
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as net.AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      for (const tunnel of tunnels) tunnel.destroy()
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}`, port, asked, headers, tunnels, close }
}

const through = (url: string) => ({ env: { HTTPS_PROXY: url, HTTP_PROXY: url }, ca: [certificate.cert] })

function named(server: TestServer, name = 'registry.example.test'): { origin: string } {
  return { origin: server.origin.replace('127.0.0.1', name) }
}

describe('a proxy', () => {
  it('is asked for a tunnel to an https upstream, one for many requests', async () => {
    const server = await using(httpsServer(certificate, (request, response) => response.end(request.url)))
    const proxy = await using(makeProxy(server))
    const upstream = makeUpstream(through(proxy.url), { lookup: fakeLookup({}) })
    for (const path of ['/a', '/b', '/c']) expect(await readText(upstream.fetch(get(named(server), path), NEVER))).toBe(path)
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT registry.example.test:${server.port}`]))
    expect(proxy.asked.length).toBeLessThanOrEqual(2)
    expect(server.asked).toEqual(['GET /a', 'GET /b', 'GET /c'])
  })

  it('lets HTTP/2 through', async () => {
    const server = await using(http2Server(certificate, (request, response) => response.end(request.httpVersion)))
    const proxy = await using(makeProxy(server))
    expect(await readText(makeUpstream(through(proxy.url)).fetch(get(named(server)), NEVER))).toBe('2.0')
  })

  it('is handed requests for an http upstream with the whole URL', async () => {
    const server = await using(httpServer((request, response) => response.end(request.url)))
    const proxy = await using(makeProxy(server))
    const upstream = makeUpstream(through(proxy.url), { lookup: fakeLookup({}) })
    expect(await readText(upstream.fetch(get(named(server), '/path'), NEVER))).toBe('/path')
    expect(proxy.asked).toEqual([`GET http://registry.example.test:${server.port}/path`])
    expect(proxy.headers[0]).toMatchObject({ via: '1.1 warren-node-1', host: `registry.example.test:${server.port}` })
  })

  it('gets its own credentials, and the upstream does not', async () => {
    let seen: http.IncomingHttpHeaders = {}
    const server = await using(
      httpsServer(certificate, (request, response) => {
        seen = request.headers
        response.end()
      }),
    )
    const proxy = await using(makeProxy(server))
    const upstream = makeUpstream(through(proxy.url.replace('//', '//user:p%40ss@')))
    await readText(upstream.fetch(get(named(server), '/', { headers: { 'proxy-authorization': 'Basic mine' } }), NEVER))
    expect(proxy.headers[0]?.['proxy-authorization']).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`)
    expect(seen).not.toHaveProperty('proxy-authorization')
  })

  it('is passed by for hosts of NO_PROXY', async () => {
    const server = await using(httpServer((_request, response) => response.end('direct')))
    const proxy = await using(makeProxy(server))
    const env = { http_proxy: proxy.url, no_proxy: 'elsewhere.test,127.0.0.1' }
    expect(await readText(makeUpstream({ env }).fetch(get(server), NEVER))).toBe('direct')
    expect(proxy.asked).toEqual([])
  })

  it('is not used unless an environment is handed over', async () => {
    const server = await using(httpServer((_request, response) => response.end('direct')))
    const before = process.env.HTTP_PROXY
    process.env.HTTP_PROXY = `http://127.0.0.1:${await deadPort()}`
    try {
      expect(await readText(makeUpstream().fetch(get(server), NEVER))).toBe('direct')
    } finally {
      if (before === undefined) delete process.env.HTTP_PROXY
      else process.env.HTTP_PROXY = before
    }
  })

  it.each(['http:', 'https:'])('that is dead makes %s upstreams UPSTREAM_UNREACHABLE and is named', async (scheme) => {
    const proxy = `127.0.0.1:${await deadPort()}`
    const url = `${scheme}//registry.example.test/`
    const error = await failure(makeUpstream(through(`http://${proxy}`)).fetch({ method: 'GET', url, base: url }, NEVER))
    expect(error.code).toBe('UPSTREAM_UNREACHABLE')
    expect(error.message).toContain(`${scheme}//registry.example.test (through the proxy at ${proxy})`)
    expect(error.message).toContain('ECONNREFUSED')
  })

  it('that takes a tunnel request and says nothing makes the upstream UPSTREAM_UNREACHABLE in the time of a connection', async () => {
    const silent = await using(rawServer(() => {}))
    const url = 'https://registry.example.test/'
    const error = await failure(
      makeUpstream({ ...through(silent.origin), connectTimeout: 150 }).fetch({ method: 'GET', url, base: url }, NEVER),
    )
    expect(error.code).toMatch(/^UPSTREAM_(?:UNREACHABLE|TIMEOUT)$/)
    expect(silent.asked).toEqual(['CONNECT registry.example.test:443'])
  })

  it.each([403, 407, 502])('that refuses a tunnel with %i makes the upstream UPSTREAM_UNREACHABLE', async (status) => {
    const server = await using(httpsServer(certificate, (_request, response) => response.end()))
    const proxy = await using(makeProxy(server, status))
    const error = await failure(makeUpstream(through(proxy.url)).fetch(get(named(server)), NEVER))
    expect(error.code).toBe('UPSTREAM_UNREACHABLE')
    expect(error.message).toContain(String(status))
    expect(server.asked).toEqual([])
  })

  it('that wants to know who asks makes an http upstream UPSTREAM_UNREACHABLE', async () => {
    const server = await using(httpServer((_request, response) => response.end()))
    const proxy = await using(makeProxy(server, 407))
    const error = await failure(makeUpstream(through(proxy.url)).fetch(get(named(server)), NEVER))
    expect(error.code).toBe('UPSTREAM_UNREACHABLE')
    expect(error.message).toContain('407')
  })

  it('does not lift the guard of written addresses', async () => {
    const server = await using(httpServer((_request, response) => response.end()))
    const proxy = await using(makeProxy(server))
    const upstream = makeUpstream(through(proxy.url), { lookup: fakeLookup({ 'registry.example.test': '93.184.216.34' }) })
    for (const host of ['127.0.0.1', '169.254.169.254', 'localhost', '[::1]']) {
      const request = { method: 'GET', url: `http://${host}:${server.port}/`, base: 'http://registry.example.test/' } as const
      expect((await failure(upstream.fetch(request, NEVER))).code).toBe('UPSTREAM_REFUSED')
    }
    expect(proxy.asked).toEqual([])
  })

  it('does not hide a cut', async () => {
    const server = await using(
      httpsServer(certificate, (_request, response) => {
        response.writeHead(200, { 'content-length': '10' }).write('abc', () => setTimeout(() => response.destroy(), 20))
      }),
    )
    const proxy = await using(makeProxy(server))
    const { body } = await makeUpstream(through(proxy.url)).fetch(get(named(server)), NEVER)
    expect((await failure(read(body))).code).toBe('UPSTREAM_CUT')
  })

  it('keeps no tunnel when the client is closed', async () => {
    const server = await using(httpsServer(certificate, (_request, response) => response.end('x')))
    const proxy = await using(makeProxy(server))
    const upstream = makeUpstream(through(proxy.url))
    await readText(upstream.fetch(get(named(server)), NEVER))
    expect(proxy.tunnels.size).toBe(1)
    await upstream.close()
    await until(() => proxy.tunnels.size === 0)
  })
})
