import { describe, expect, it } from 'vitest'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { CONFORMANCE_IDLE, upstreamConformance } from '../../conformance/upstream.ts'
import { failure, get, makeUpstream, NEVER, read, readText, using } from './fixture.ts'
import { scriptHandler } from './script-handler.ts'
import { deadPort, httpServer } from './servers.ts'

upstreamConformance('UndiciUpstream', async (script) => {
  const server = await httpServer(scriptHandler(script))
  const upstream = makeUpstream({ idleTimeout: CONFORMANCE_IDLE })
  return {
    upstream,
    base: server.origin,
    async stop() {
      await upstream.close()
      await server.close()
    },
  }
})

describe('what UndiciUpstream sends', () => {
  async function headersOf(more: Partial<UpstreamRequest>): Promise<Record<string, unknown>> {
    const server = await using(httpServer((request, response) => response.end(JSON.stringify(request.headers))))
    return JSON.parse(await readText(makeUpstream().fetch(get(server, '/', more), NEVER)))
  }

  it('says who it is and asks for unencoded bytes', async () => {
    expect(await headersOf({})).toMatchObject({
      via: '1.1 warren-node-1',
      'user-agent': 'warren/1.2.3',
      'accept-encoding': 'identity',
    })
  })

  it('lets the caller choose accept-encoding and user-agent, but not host or connection', async () => {
    const headers = {
      'accept-encoding': 'gzip',
      'user-agent': 'npm/11',
      host: 'evil.example.test',
      connection: 'close',
    }
    const sent = await headersOf({ headers })
    expect(sent).toMatchObject({ 'accept-encoding': 'gzip', 'user-agent': 'npm/11' })
    expect(sent.host).toMatch(/^127\.0\.0\.1:/)
    expect(sent.connection).toBe('keep-alive')
  })

  it('adds itself to those that a request came through', async () => {
    expect(await headersOf({ headers: { via: '1.1 warren-a, 1.0 fred' } })).toMatchObject({
      via: '1.1 warren-a, 1.0 fred, 1.1 warren-node-1',
    })
  })

  it('asks for the rest of a body by Range and If-Range', async () => {
    expect(await headersOf({ range: { start: 1234, ifRange: '"abc"' } })).toMatchObject({
      range: 'bytes=1234-',
      'if-range': '"abc"',
    })
  })

  it('sends credentials only to the origin of the base', async () => {
    const headers = { authorization: 'Bearer secret', cookie: 'a=b', accept: '*/*', 'x-api-key': 'k' }
    expect(await headersOf({ headers })).toMatchObject({ authorization: 'Bearer secret', cookie: 'a=b', 'x-api-key': 'k' })
    const elsewhere = await headersOf({ headers, base: `http://127.0.0.1:${await deadPort()}/` })
    expect(elsewhere).not.toHaveProperty('authorization')
    expect(elsewhere).not.toHaveProperty('cookie')
    expect(elsewhere).not.toHaveProperty('x-api-key')
    expect(elsewhere).toMatchObject({ accept: '*/*', via: '1.1 warren-node-1' })
  })

  it('uses connections again', async () => {
    const server = await using(httpServer((_request, response) => response.end('x')))
    const upstream = makeUpstream()
    for (let i = 0; i < 10; i++) await readText(upstream.fetch(get(server), NEVER))
    // The second one: a connection is free again a turn of the event loop after its body has ended.
    expect(server.connections()).toBeLessThanOrEqual(2)
  })

  it('joins headers that come more than once, and never decodes a body', async () => {
    const gzipped = Buffer.from('1f8b0800000000000003', 'hex')
    const server = await using(
      httpServer((_request, response) => {
        response.writeHead(200, [
          ['X-Twice', 'one'],
          ['x-twice', 'two'],
          ['Content-Encoding', 'gzip'],
          ['__proto__', 'x'],
          ['X-Latin', '\xe9'],
        ])
        response.end(gzipped)
      }),
    )
    const { headers, body } = await makeUpstream().fetch(get(server), NEVER)
    expect(headers).toMatchObject({ 'x-twice': 'one, two', 'content-encoding': 'gzip', 'x-latin': '\xe9' })
    expect(Object.hasOwn(headers, '__proto__')).toBe(true)
    expect(await read(body)).toEqual(gzipped)
  })

  it.each([
    ['a line break in the URL', { url: 'http://127.0.0.1/a\r\nx: y' }],
    ['a blank in the URL', { url: 'http://127.0.0.1/a b' }],
    ['a tab in the URL', { url: 'http://127.0.0.1/a\tb' }],
    ['another scheme', { url: 'file:///etc/passwd' }],
    ['no scheme', { url: '/relative' }],
    ['credentials in the URL', { url: 'http://user:secret@127.0.0.1/' }],
    ['a base that is no URL', { base: 'nothing' }],
    ['a line break in a header', { headers: { accept: 'a\r\nx-injected: 1' } }],
    ['a NUL in a header', { headers: { accept: 'a\0' } }],
    ['a header name with a line break', { headers: { 'x\r\ny': '1' } }],
    ['a header name with a colon', { headers: { 'x:y': '1' } }],
    ['a line break in a validator', { range: { start: 1, ifRange: '"a"\r\nx: 1' } }],
  ])('refuses %s before anything is sent', async (_what, more) => {
    const server = await using(httpServer((_request, response) => response.end()))
    const error = await failure(makeUpstream().fetch(get(server, '/', more), NEVER))
    expect(error.code).toBe('UPSTREAM_REFUSED')
    expect(error.message).not.toContain('secret')
    expect(error.message).not.toMatch(/[\r\n]/)
    expect(server.asked).toEqual([])
  })
})
