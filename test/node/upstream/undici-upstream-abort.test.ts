import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { failure, get, makeUpstream, NEVER, read, readText, until, using } from './fixture.ts'
import { ManualClock } from './manual-clock.ts'
import { http2Server, httpServer, rawServer } from './servers.ts'

const certificate = makeCertificate()

describe('an abort by the caller', () => {
  it('ends the look-up of a name', async () => {
    const asked = Promise.withResolvers<void>()
    const upstream = makeUpstream({}, { lookup: () => asked.resolve() })
    const controller = new AbortController()
    const url = 'http://registry.example.test/'
    const fetching = upstream.fetch({ method: 'GET', url, base: url }, controller.signal)
    await asked.promise
    controller.abort('gone')
    await expect(fetching).rejects.toBe('gone')
    expect(upstream.health()).toMatchObject([{ inFlight: 0, failures: 0 }])
  })

  it('ends the look-up of the base', async () => {
    const asked = Promise.withResolvers<void>()
    const upstream = makeUpstream({}, { lookup: () => asked.resolve() })
    const controller = new AbortController()
    const request = { method: 'GET', url: 'http://files.example.test/', base: 'http://registry.example.test/' } as const
    const fetching = upstream.fetch(request, controller.signal)
    await asked.promise
    controller.abort('gone')
    await expect(fetching).rejects.toBe('gone')
  })

  it('ends a handshake', async () => {
    const server = await using(rawServer(() => {}))
    const url = server.origin.replace('http:', 'https:')
    const controller = new AbortController()
    const upstream = makeUpstream()
    const fetching = upstream.fetch({ method: 'GET', url, base: url }, controller.signal)
    await until(() => server.sockets.size === 1)
    controller.abort('gone')
    await expect(fetching).rejects.toBe('gone')
    expect(upstream.health()).toMatchObject([{ inFlight: 0, failures: 0 }])
  })

  it('ends the wait for headers and closes the connection', async () => {
    const server = await using(httpServer(() => {}))
    const controller = new AbortController()
    const upstream = makeUpstream()
    const fetching = upstream.fetch(get(server), controller.signal)
    await until(() => server.asked.length === 1)
    controller.abort('gone')
    await expect(fetching).rejects.toBe('gone')
    await until(() => server.sockets.size === 0)
    expect(upstream.health()).toMatchObject([{ inFlight: 0, failures: 0 }])
  })

  it('ends a body at once, read or not, and closes the connection', async () => {
    const server = await using(httpServer((_request, response) => response.writeHead(200).write('abc')))
    const controller = new AbortController()
    const upstream = makeUpstream()
    const isRead = await upstream.fetch(get(server), controller.signal)
    const isNot = await upstream.fetch(get(server), controller.signal)
    const reading = read(isRead.body)
    controller.abort('gone')
    await expect(reading).rejects.toBe('gone')
    await expect(read(isNot.body)).rejects.toBe('gone')
    await until(() => server.sockets.size === 0)
  })

  it('ends a wait in the queue', async () => {
    const server = await using(httpServer((_request, response) => response.writeHead(200).write('abc')))
    const upstream = makeUpstream({ concurrency: 1 })
    await upstream.fetch(get(server), NEVER)
    const controller = new AbortController()
    const fetching = upstream.fetch(get(server), controller.signal)
    await until(() => upstream.health()[0]?.queued === 1)
    controller.abort('gone')
    await expect(fetching).rejects.toBe('gone')
    expect(upstream.health()).toMatchObject([{ queued: 0 }])
  })

  it('ends the wait for an upstream that asked for a pause', async () => {
    const clock = new ManualClock()
    const server = await using(httpServer((_request, response) => response.writeHead(429, { 'retry-after': '5' }).end()))
    const upstream = makeUpstream({}, { clock })
    await failure(upstream.fetch(get(server), NEVER))
    const controller = new AbortController()
    const fetching = upstream.fetch(get(server), controller.signal)
    await clock.whenSleeping(1)
    controller.abort('gone')
    await expect(fetching).rejects.toBe('gone')
  })

  it('ends a fetch over HTTP/2 and keeps the connection', async () => {
    const server = await using(http2Server(certificate, (request, response) => request.url !== '/silent' && response.end('x')))
    const upstream = makeUpstream({ ca: [certificate.cert] })
    const controller = new AbortController()
    const fetching = upstream.fetch(get(server, '/silent'), controller.signal)
    await until(() => server.asked.length === 1)
    controller.abort('gone')
    await expect(fetching).rejects.toBe('gone')
    expect(await readText(upstream.fetch(get(server), NEVER))).toBe('x')
    expect(server.connections()).toBe(1)
  })

  it('finds no listener left behind by fetches that are over', async () => {
    const server = await using(httpServer((request, response) => response.writeHead(Number(request.url?.slice(1))).end('x')))
    const { signal } = new AbortController()
    const upstream = makeUpstream()
    for (let i = 0; i < 20; i++) await readText(upstream.fetch(get(server, '/200'), signal))
    for (let i = 0; i < 3; i++) await failure(upstream.fetch(get(server, '/503'), signal))
    ;(await upstream.fetch(get(server, '/200'), signal).catch(() => undefined))?.destroy()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('closing the client', () => {
  it('ends everything under way, at any stage, and leaves no socket', async () => {
    const silent = await using(rawServer(() => {}))
    const server = await using(
      httpServer((request, response) => {
        if (request.url === '/body') response.writeHead(200).write('abc')
        if (request.url === '/whole') response.end('abc')
      }),
    )
    const upstream = makeUpstream({ concurrency: 3 })
    await readText(upstream.fetch(get(server, '/whole'), NEVER))
    const tls = silent.origin.replace('http:', 'https:')
    const { body } = await upstream.fetch(get(server, '/body'), NEVER)
    const pending = [
      failure(read(body)),
      failure(upstream.fetch(get(server, '/head'), NEVER)),
      failure(upstream.fetch(get(server, '/head'), NEVER)),
      failure(upstream.fetch(get(server, '/queued'), NEVER)),
      failure(upstream.fetch({ method: 'GET', url: tls, base: tls }, NEVER)),
    ]
    await until(() => upstream.health()[0]?.queued === 1 && silent.sockets.size === 1)
    await Promise.all([upstream.close(), upstream.close()])
    expect((await Promise.all(pending)).map(({ code }) => code)).toEqual(pending.map(() => 'DRAINING'))
    await until(() => server.sockets.size === 0 && silent.sockets.size === 0)
    expect(server.asked).not.toContain('GET /queued')
  })

  it('leaves no HTTP/2 session', async () => {
    const server = await using(http2Server(certificate, (_request, response) => response.end('x')))
    const upstream = makeUpstream({ ca: [certificate.cert] })
    await readText(upstream.fetch(get(server), NEVER))
    expect(server.sockets.size).toBe(1)
    await upstream.close()
    await until(() => server.sockets.size === 0)
  })

  it('can be done before anything was fetched', async () => {
    await makeUpstream().close()
  })
})
