import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { failure, get, makeUpstream, NEVER, read, readText, using } from './fixture.ts'
import { fakeLookup } from './lookups.ts'
import { type Handler, httpServer, httpsServer, type TestServer } from './servers.ts'

const certificate = makeCertificate()

/** Answers with the status and location that the path names: `/302?to=<URL>`; everything else is the end of the way. */
function redirector(last: (request: IncomingMessage) => unknown = () => ({})): Handler {
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://any')
    const status = Number(pathname.slice(1))
    const to = searchParams.get('to')
    if (!status) response.end(JSON.stringify({ method: request.method, headers: request.headers, more: last(request) }))
    else response.writeHead(status, to === null ? {} : { location: to }).end('moved')
  }
}

const redirecting = (): Promise<TestServer> => using(httpServer(redirector()))

function via(to: string, status = 302): string {
  return `/${status}?to=${encodeURIComponent(to)}`
}

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('with %i is followed for GET', async (status) => {
    const server = await redirecting()
    const response = await makeUpstream().fetch(get(server, via('/end?a=b#part', status)), NEVER)
    expect(response.url).toBe(`${server.origin}/end?a=b`)
    expect(JSON.parse((await read(response.body)).toString())).toMatchObject({ method: 'GET' })
  })

  it.each([301, 302, 303, 307, 308])('with %i keeps a HEAD a HEAD', async (status) => {
    const server = await redirecting()
    const { body } = await makeUpstream().fetch(get(server, via('/end', status), { method: 'HEAD' }), NEVER)
    await read(body)
    expect(server.asked.at(-1)).toBe('HEAD /end')
  })

  it.each([301, 302, 303, 307, 308])('with %i is the answer for who wants it so', async (status) => {
    const server = await redirecting()
    for (const method of ['GET', 'HEAD'] as const) {
      const request = get(server, via('http://169.254.169.254/', status), { method, redirect: 'manual' })
      const { status: answered, headers, url, body } = await makeUpstream().fetch(request, NEVER)
      expect([answered, headers.location, url]).toEqual([status, 'http://169.254.169.254/', request.url])
      await read(body)
    }
    expect(server.asked).toHaveLength(2)
  })

  it('of a POST is not followed', async () => {
    const server = await redirecting()
    const error = await failure(
      makeUpstream().fetch(get(server, via('/end', 307), { method: 'POST', body: Buffer.from('x') }), NEVER),
    )
    expect(error.code).toBe('UPSTREAM_FAILED')
    expect(server.asked).toHaveLength(1)
  })

  it.each([300, 304, 305])('is not what %i is', async (status) => {
    const server = await redirecting()
    const response = await makeUpstream().fetch(get(server, via('/end', status)), NEVER)
    expect(response.status).toBe(status)
    response.destroy()
  })

  it('that does not say where to go is UPSTREAM_FAILED', async () => {
    const server = await redirecting()
    expect((await failure(makeUpstream().fetch(get(server, '/302'), NEVER))).code).toBe('UPSTREAM_FAILED')
  })

  it('takes range, validators and accept along, to another host, too', async () => {
    const server = await redirecting()
    const other = await redirecting()
    const range = { start: 7, ifRange: '"v"' }
    const headers = { accept: 'a/b', 'accept-language': 'de', 'if-none-match': '"x"', 'user-agent': 'me' }
    const text = await readText(makeUpstream().fetch(get(server, via(`${other.origin}/end`), { range, headers }), NEVER))
    const sent = { ...headers, range: 'bytes=7-', 'if-range': '"v"', 'accept-encoding': 'identity', via: '1.1 warren-node-1' }
    expect(JSON.parse(text).headers).toMatchObject(sent)
  })

  it('takes credentials along on the same origin, never to another one, not even on the way back', async () => {
    const server = await redirecting()
    const other = await redirecting()
    const headers = { authorization: 'Bearer secret', cookie: 'a=b', 'x-api-key': 'k', 'npm-otp': '1' }
    const upstream = makeUpstream()
    const ways = { same: via('/end'), other: via(`${other.origin}/end`), back: via(other.origin + via(`${server.origin}/end`)) }
    const seen = await Promise.all(
      Object.values(ways).map(
        async (path) => JSON.parse(await readText(upstream.fetch(get(server, path, { headers }), NEVER))).headers,
      ),
    )
    expect(seen[0]).toMatchObject(headers)
    for (const there of seen.slice(1)) expect(Object.keys(there).filter((name) => name in headers)).toEqual([])
  })

  it('is followed five times and no more', async () => {
    const server = await redirecting()
    const chain = (length: number): string => (length === 0 ? '/end' : via(chain(length - 1)))
    expect((await makeUpstream().fetch(get(server, chain(5)), NEVER)).url).toBe(`${server.origin}/end`)
    const error = await failure(makeUpstream().fetch(get(server, chain(6)), NEVER))
    expect(error.code).toBe('UPSTREAM_REFUSED')
    expect(error.message).toContain('more than 5 redirects')
  })

  it('in a circle is refused when it closes', async () => {
    const server = await using(
      httpServer((request, response) => response.writeHead(302, { location: request.url === '/a' ? '/b' : '/a' }).end()),
    )
    const error = await failure(makeUpstream().fetch(get(server, '/a'), NEVER))
    expect(error.code).toBe('UPSTREAM_REFUSED')
    expect(error.message).toContain('circle')
    expect(server.asked).toEqual(['GET /a', 'GET /b'])
  })

  it('from https to http is refused, from http to https followed', async () => {
    const plain = await redirecting()
    const secure = await using(httpsServer(certificate, redirector()))
    const upstream = makeUpstream({ ca: [certificate.cert] })
    const error = await failure(upstream.fetch(get(secure, via(`${plain.origin}/end`)), NEVER))
    expect(error.code).toBe('UPSTREAM_REFUSED')
    expect(plain.asked).toEqual([])
    expect((await upstream.fetch(get(plain, via(`${secure.origin}/end`)), NEVER)).url).toBe(`${secure.origin}/end`)
  })

  it.each([
    ['another scheme', 'file:///etc/passwd'],
    ['credentials', 'http://user:secret@127.0.0.1/'],
    ['a port that is none', 'http://127.0.0.1:99999/'],
    ['a blank', '/a b'],
    ['a host that is none', 'http://[::/'],
  ])('to a URL with %s is refused', async (_what, location) => {
    const server = await redirecting()
    const error = await failure(makeUpstream().fetch(get(server, via(location)), NEVER))
    expect(error.code).toBe('UPSTREAM_REFUSED')
    expect(error.message).not.toContain('secret')
  })

  it('counts for the origin that each hop goes to', async () => {
    const server = await redirecting()
    const other = await redirecting()
    const upstream = makeUpstream()
    await readText(upstream.fetch(get(server, via(`${other.origin}/end`)), NEVER))
    const counts = upstream.health().map(({ origin, requests }) => [origin, requests])
    expect(Object.fromEntries(counts)).toEqual({ [server.origin]: 1, [other.origin]: 1 })
  })
})

describe('addresses that only this machine or its network can reach', () => {
  const PUBLIC = 'http://93.184.216.34/'

  it.each([
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
    '10.0.0.1',
    '169.254.169.254',
  ])('are refused when the index of a public upstream names them: %s', async (host) => {
    const server = await redirecting()
    const url = `http://${host}:${server.port}/package.tgz`
    const error = await failure(makeUpstream().fetch({ method: 'GET', url, base: PUBLIC }, NEVER))
    expect(error.code).toBe('UPSTREAM_REFUSED')
    expect(server.asked).toEqual([])
  })

  it('are refused when a name leads to them', async () => {
    const server = await redirecting()
    const lookup = fakeLookup({ 'files.example.test': '127.0.0.1', 'registry.example.test': '93.184.216.34' })
    const upstream = makeUpstream({}, { lookup })
    const url = `http://files.example.test:${server.port}/package.tgz`
    const error = await failure(upstream.fetch({ method: 'GET', url, base: 'https://registry.example.test/' }, NEVER))
    expect(error.code).toBe('UPSTREAM_REFUSED')
    expect(error.message).toContain('files.example.test has only loopback addresses')
    expect(server.connections()).toBe(0)
    // Checked and dialled by one and the same answer, so that a second one cannot differ (DNS rebinding).
    expect(lookup.asked.filter((name) => name === 'files.example.test')).toHaveLength(1)
    // Refused is not broken: the host itself has done nothing.
    expect(upstream.health()).toMatchObject([{ state: 'closed', failures: 0, requests: 1 }])
  })

  it('are refused as the target of a redirect when they are more private than the upstream', async () => {
    const server = await redirecting()
    for (const target of [
      'http://169.254.169.254/latest/',
      'http://[fe80::1]/',
      'http://0.0.0.0/',
      'http://100.100.100.200/',
    ]) {
      const error = await failure(makeUpstream().fetch(get(server, via(target)), NEVER))
      expect(error.code).toBe('UPSTREAM_REFUSED')
    }
  })

  it('are asked when the upstream itself is there', async () => {
    const server = await redirecting()
    const other = await redirecting()
    const lookup = fakeLookup({ 'registry.example.test': '127.0.0.1', 'files.example.test': '127.0.0.1' })
    const upstream = makeUpstream({}, { lookup })
    const base = `http://registry.example.test:${server.port}`
    const url = base + via(`http://files.example.test:${other.port}${via(`${server.origin}/end`)}`)
    expect((await upstream.fetch({ method: 'GET', url, base }, NEVER)).url).toBe(`${server.origin}/end`)
  })
})
