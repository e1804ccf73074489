import { describe, expect, it } from 'vitest'
import { failure, get, makeUpstream, NEVER, read, until, using } from './fixture.ts'
import { httpServer, rawServer } from './servers.ts'

const HEAD = 'HTTP/1.1 200 OK\r\n'

describe('a body that is not complete', () => {
  it.each([
    ['by its content-length', 'content-length: 10\r\n\r\nabc'],
    ['by its content-length, on a connection that was to be closed', 'content-length: 10\r\nconnection: close\r\n\r\nabc'],
    ['by its chunks', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    ['amid a chunk', 'transfer-encoding: chunked\r\n\r\n5\r\nabc'],
    ['before the last line of its chunks', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n'],
    [
      'by its chunks, on a connection that was to be closed',
      'transfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\n',
    ],
  ])('%s is cut, whether the connection is ended or reset', async (_how, rest) => {
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const server = await using(rawServer((socket) => socket.write(HEAD + rest, () => setTimeout(() => socket[end](), 20))))
      const { body } = await makeUpstream().fetch(get(server), NEVER)
      expect((await body[Symbol.asyncIterator]().next()).value?.toString()).toBe('abc')
      expect((await failure(read(body))).code).toBe('UPSTREAM_CUT')
    }
  })

  it('without a length is cut by a reset, and complete when the connection is ended', async () => {
    const heads = ['end', 'resetAndDestroy'] as const
    const [ended, reset] = await Promise.all(
      heads.map((end) =>
        using(
          rawServer((socket) => socket.write(`${HEAD}connection: close\r\n\r\nabc`, () => setTimeout(() => socket[end](), 20))),
        ),
      ),
    )
    if (!ended || !reset) throw new Error('two servers were started')
    const upstream = makeUpstream()
    expect((await read((await upstream.fetch(get(ended), NEVER)).body)).toString()).toBe('abc')
    expect((await failure(read((await upstream.fetch(get(reset), NEVER)).body))).code).toBe('UPSTREAM_CUT')
  })

  it('with a chunk that is none is cut', async () => {
    const server = await using(
      rawServer((socket) => socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\nxxx`)),
    )
    const { body } = await makeUpstream().fetch(get(server), NEVER)
    expect((await failure(read(body))).code).toBe('UPSTREAM_CUT')
  })
})

describe('bytes after the end of a body', () => {
  it('belong neither to it nor to the next answer', async () => {
    let answers = 0
    const forged = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged'
    const server = await using(
      rawServer((socket) => {
        answers++
        socket.write(`${HEAD}content-length: 4\r\n\r\nreal${answers === 1 ? forged : ''}`)
      }),
    )
    const upstream = makeUpstream()
    const first = await upstream.fetch(get(server), NEVER)
    expect((await read(first.body)).toString()).toBe('real')
    const second = await upstream.fetch(get(server), NEVER)
    expect((await read(second.body)).toString()).toBe('real')
    expect(server.connections()).toBe(2)
  })

  it('do not reach the next answer when a HEAD is answered with a body', async () => {
    const server = await using(
      rawServer((socket, head) => socket.write(`${HEAD}content-length: 4\r\n\r\n${head.startsWith('HEAD') ? 'evil' : 'real'}`)),
    )
    const upstream = makeUpstream()
    const head = await upstream.fetch(get(server, '/', { method: 'HEAD' }), NEVER)
    expect(await read(head.body)).toHaveLength(0)
    expect((await read((await upstream.fetch(get(server), NEVER)).body)).toString()).toBe('real')
  })
})

describe('the connection of a body', () => {
  it('is closed when the body is destroyed, and its place is free', async () => {
    const server = await using(httpServer((_request, response) => response.writeHead(200).write('x')))
    const upstream = makeUpstream({ concurrency: 1 })
    for (let i = 0; i < 3; i++) {
      const { destroy } = await upstream.fetch(get(server), NEVER)
      destroy()
    }
    await until(() => server.sockets.size === 0)
    expect(upstream.health()).toMatchObject([{ inFlight: 0, requests: 3 }])
  })

  it('is paused while the reader is slow, so that memory stays bounded', async () => {
    const chunk = Buffer.alloc(64 * 1024)
    let sent = 0
    const server = await using(
      httpServer((_request, response) => {
        const write = () => {
          do sent += chunk.length
          while (response.write(chunk))
        }
        response.on('drain', write)
        write()
      }),
    )
    const { body, destroy } = await makeUpstream({ idleTimeout: 50 }).fetch(get(server), NEVER)
    await body[Symbol.asyncIterator]().next()
    let before = -1
    while (sent !== before) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    // What the kernel and both ends buffer; without a pause it would be gigabytes.
    expect(sent).toBeLessThan(64 * 1024 * 1024)
    for (let i = 0; i < 200; i++) expect((await body[Symbol.asyncIterator]().next()).done).toBe(false)
    destroy()
  })

  it('is not given up for a reader that is slow while upstream has sent all that it has for now', async () => {
    const server = await using(
      httpServer((_request, response) => {
        response.writeHead(200, { 'content-length': '6' }).write('abc')
        setTimeout(() => response.end('def'), 600)
      }),
    )
    const { body } = await makeUpstream({ idleTimeout: 400 }).fetch(get(server), NEVER)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await read(body)).toString()).toBe('abcdef')
  })

  it('is kept when an error comes with a short body, and dropped when with a long one', async () => {
    const sizes: Record<string, number> = { '/short': 1_000, '/long': 50_000_000 }
    let brokenOff = 0
    const server = await using(
      httpServer((request, response) => {
        response.on('close', () => {
          if (!response.writableFinished) brokenOff++
        })
        response.writeHead(500).end(Buffer.alloc(sizes[request.url ?? ''] ?? 0))
      }),
    )
    const upstream = makeUpstream()
    for (let i = 0; i < 4; i++) {
      await failure(upstream.fetch(get(server, '/short'), NEVER))
      await until(() => upstream.health()[0]?.inFlight === 0)
    }
    // The second one: a connection is free again a turn of the event loop after its body has ended.
    expect(server.connections()).toBeLessThanOrEqual(2)
    expect(brokenOff).toBe(0)
    expect((await failure(upstream.fetch(get(server, '/long'), NEVER))).code).toBe('UPSTREAM_FAILED')
    await until(() => brokenOff === 1)
  })
})
