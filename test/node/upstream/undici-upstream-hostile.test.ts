import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { failure, get, makeUpstream, NEVER, readText, until, using } from './fixture.ts'
import { deadPort, httpServer, httpsServer, rawServer } from './servers.ts'

describe('an upstream that does not answer in HTTP', () => {
  it.each([
    ['a status line that is none', 'HELLO\r\n\r\n'],
    ['a greeting of another protocol', '220 mail.example.test ESMTP\r\n'],
    ['a status that is no number', 'HTTP/1.1 abc OK\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
    ['a header line without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['huge headers', `HTTP/1.1 200 OK\r\n${'x-many: headers\r\n'.repeat(10_000)}\r\n`],
    ['one huge header', `HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(1_000_000)}\r\n\r\n`],
    ['an upgrade that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'],
  ])('but with %s is UPSTREAM_FAILED, and asked once', async (_what, bytes) => {
    const server = await using(rawServer((socket) => socket.write(bytes)))
    const error = await failure(makeUpstream().fetch(get(server), NEVER))
    expect(error.code).toBe('UPSTREAM_FAILED')
    expect(error.message).toContain(server.origin)
    expect(server.asked).toHaveLength(1)
  })

  it('is still served from when it sends interim responses first', async () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'
    const server = await using(
      rawServer((socket) => socket.write(`${interim.repeat(3)}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`)),
    )
    expect(await readText(makeUpstream().fetch(get(server), NEVER))).toBe('ok')
  })
})

describe('an upstream that cannot be reached', () => {
  it('is UPSTREAM_UNREACHABLE after three tries when nobody listens', async () => {
    const server = { origin: `http://127.0.0.1:${await deadPort()}` }
    const upstream = makeUpstream()
    const error = await failure(upstream.fetch(get(server), NEVER))
    expect(error.code).toBe('UPSTREAM_UNREACHABLE')
    expect(error.message).toContain(server.origin)
    expect(error.message).toContain('ECONNREFUSED')
    expect(upstream.health()).toMatchObject([{ origin: server.origin, requests: 3, failures: 3, inFlight: 0 }])
  })

  it('is UPSTREAM_UNREACHABLE when its name is unknown', async () => {
    const upstream = makeUpstream(
      {},
      { lookup: (_name, _options, done) => done(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }), []) },
    )
    const error = await failure(
      upstream.fetch({ method: 'GET', url: 'http://gone.example.test/', base: 'http://gone.example.test/' }, NEVER),
    )
    expect(error.code).toBe('UPSTREAM_UNREACHABLE')
    expect(error.message).toBe('http://gone.example.test: no such host (ENOTFOUND)')
  })

  it('is UPSTREAM_UNREACHABLE when it drops the connection, after three tries', async () => {
    const server = await using(rawServer((socket) => socket.destroy()))
    expect((await failure(makeUpstream().fetch(get(server), NEVER))).code).toBe('UPSTREAM_UNREACHABLE')
    expect(server.asked).toHaveLength(3)
  })

  it('is tried again after a reset, and may answer then', async () => {
    let tries = 0
    const server = await using(
      rawServer((socket) => {
        tries++
        if (tries < 3) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      }),
    )
    expect(await readText(makeUpstream().fetch(get(server), NEVER))).toBe('ok')
  })

  it('gets a POST once', async () => {
    const server = await using(rawServer((socket) => socket.destroy()))
    const request = get(server, '/', { method: 'POST', body: Buffer.from('x') })
    expect((await failure(makeUpstream().fetch(request, NEVER))).code).toBe('UPSTREAM_UNREACHABLE')
    expect(server.asked).toEqual(['POST /'])
  })

  it('is UPSTREAM_TIMEOUT when it takes the request and says nothing, asked once', async () => {
    const server = await using(httpServer(() => {}))
    const error = await failure(makeUpstream({ headersTimeout: 100 }).fetch(get(server), NEVER))
    expect(error.code).toBe('UPSTREAM_TIMEOUT')
    expect(error.message).toContain(server.origin)
    expect(server.asked).toHaveLength(1)
  })

  it('is UPSTREAM_TIMEOUT when it sends interim responses for ever, and holds no place any more', async () => {
    const server = await using(
      rawServer((socket, head) => {
        if (head.startsWith('GET /well ')) return socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
        const dripping = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 20)
        socket.once('close', () => clearInterval(dripping))
      }),
    )
    const upstream = makeUpstream({ headersTimeout: 200, concurrency: 3 })
    const errors = await Promise.all([1, 2, 3].map(() => failure(upstream.fetch(get(server), NEVER))))
    expect(errors.map(({ code }) => code)).toEqual(['UPSTREAM_TIMEOUT', 'UPSTREAM_TIMEOUT', 'UPSTREAM_TIMEOUT'])
    expect(errors[0]?.message).toContain('no response headers in time')
    expect(upstream.health()).toMatchObject([{ inFlight: 0, requests: 3 }])
    await until(() => server.sockets.size === 0)
    expect(await readText(upstream.fetch(get(server, '/well'), NEVER))).toBe('ok')
  })

  it('is UPSTREAM_UNREACHABLE when a connection is never made', async () => {
    const upstream = makeUpstream({ connectTimeout: 100 }, { lookup: () => {} })
    const request = { method: 'GET', url: 'http://slow.example.test/', base: 'http://slow.example.test/' } as const
    const error = await failure(upstream.fetch(request, NEVER))
    expect(error.code).toBe('UPSTREAM_UNREACHABLE')
    expect(error.message).toContain('http://slow.example.test: no connection')
    expect(upstream.health()).toMatchObject([{ requests: 1, inFlight: 0 }])
  })

  it('does not hold up requests behind others that wait for a connection', async () => {
    // TLS that never shakes hands: the client tries one connection before it knows whether it may share it.
    const server = await using(rawServer(() => {}))
    const url = server.origin.replace('http:', 'https:')
    const upstream = makeUpstream({ connectTimeout: 200 })
    const errors = await Promise.all(
      Array.from({ length: 16 }, () => failure(upstream.fetch({ method: 'GET', url, base: url }, NEVER))),
    )
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['UPSTREAM_UNREACHABLE']))
    expect(upstream.health()).toMatchObject([{ requests: 16, inFlight: 0 }])
  })
})

describe('an upstream with TLS', () => {
  const certificate = makeCertificate()

  it('is trusted when its authority is given', async () => {
    const server = await using(httpsServer(certificate, (_request, response) => response.end('secure')))
    expect(await readText(makeUpstream({ ca: [certificate.cert] }).fetch(get(server), NEVER))).toBe('secure')
  })

  it('is UPSTREAM_UNREACHABLE when its certificate is unknown, and not asked again', async () => {
    const server = await using(httpsServer(certificate, (_request, response) => response.end('secure')))
    for (const ca of [[], [makeCertificate().cert]]) {
      const error = await failure(makeUpstream({ ca }).fetch(get(server), NEVER))
      expect(error.code).toBe('UPSTREAM_UNREACHABLE')
      expect(error.message).toMatch(/self-signed|SELF_SIGNED|verify/)
    }
    expect(server.asked).toEqual([])
    expect(server.connections()).toBe(2)
  })

  it('is UPSTREAM_UNREACHABLE when its certificate is for another host', async () => {
    const other = makeCertificate(['other.example.test'])
    const server = await using(httpsServer(other, (_request, response) => response.end('secure')))
    const error = await failure(makeUpstream({ ca: [other.cert] }).fetch(get(server), NEVER))
    expect(error.code).toBe('UPSTREAM_UNREACHABLE')
    expect(error.message).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  it('still trusts the authorities that Node trusts when further ones are given', async () => {
    const server = await using(httpsServer(certificate, (_request, response) => response.end('secure')))
    const folder = mkdtempSync(join(tmpdir(), 'warren-extra-ca-'))
    const extra = join(folder, 'extra.pem')
    writeFileSync(extra, certificate.cert)
    // Node reads the variable once, at start.
    const module = new URL('../../../node/upstream/undici-upstream.ts', import.meta.url).href
    const init = { nodeId: 'n', version: '1', ca: [makeCertificate().cert] }
    const script = `
      const { UndiciUpstream } = await import(${JSON.stringify(module)})
      const upstream = new UndiciUpstream({}, ${JSON.stringify(init)})
      const { body } = await upstream.fetch(${JSON.stringify(get(server))}, new AbortController().signal)
      for await (const chunk of body) process.stdout.write(chunk)
      await upstream.close()`
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: extra }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
    rmSync(folder, { recursive: true })
    expect(stdout).toBe('secure')
  })

  it('is not asked with a certificate that is none: that is a configuration error', () => {
    const make = () => makeUpstream({ ca: [certificate.cert, 'nothing'] })
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('certificate 2') }))
  })
})
