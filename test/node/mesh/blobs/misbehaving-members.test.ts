import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { WarrenError } from '../../../../node/errors.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { until } from '../../http/fixture.ts'
import { asker, digestOf, NEVER, party, read, scripted } from './fixture.ts'

useLeakCheck()

const DIGEST = digestOf(Buffer.from('the blob'))

/** A head with these fields, and a body. */
function answer(status: string, fields: Record<string, string | number>, body: Buffer | string = ''): Buffer {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`), Buffer.from(body)])
}

const says =
  (...args: Parameters<typeof answer>) =>
  (socket: TLSSocket) =>
    void socket.write(answer(...args))

/** What is wrong with an answer to a request from byte `start` on. */
const WRONG: Record<string, [start: number, code: WarrenError['code'], answer: (socket: TLSSocket) => void]> = {
  'is busy by 429': [0, 'UPSTREAM_BUSY', says('429 Too Many Requests', { 'content-length': 0 })],
  'is busy by 503': [0, 'UPSTREAM_BUSY', says('503 Service Unavailable', { 'content-length': 0 })],
  'fails by 500': [0, 'UPSTREAM_FAILED', says('500 Internal Server Error', { 'content-length': 0 })],
  redirects: [0, 'UPSTREAM_FAILED', says('302 Found', { location: 'http://127.0.0.1:1/', 'content-length': 0 })],
  'sends the whole instead of a part': [3, 'UPSTREAM_FAILED', says('200 OK', { 'content-length': 9 }, 'wholeblob')],
  'sends a part instead of the whole': [
    0,
    'UPSTREAM_FAILED',
    says('206 Partial Content', { 'content-length': 3, 'content-range': 'bytes 0-2/9' }, 'who'),
  ],
  'sends another part': [
    3,
    'UPSTREAM_FAILED',
    says('206 Partial Content', { 'content-length': 5, 'content-range': 'bytes 4-8/9' }, 'eblob'),
  ],
  'begins elsewhere': [
    3,
    'UPSTREAM_FAILED',
    says('206 Partial Content', { 'content-length': 6, 'content-range': 'bytes 2-8/9' }, 'oleblo'),
  ],
  'ends elsewhere': [
    3,
    'UPSTREAM_FAILED',
    says('206 Partial Content', { 'content-length': 6, 'content-range': 'bytes 3-7/9' }, 'leblob'),
  ],
  'sends less than the rest': [
    3,
    'UPSTREAM_FAILED',
    says('206 Partial Content', { 'content-length': 2, 'content-range': 'bytes 3-4/9' }, 'le'),
  ],
  'has a length that does not fit its range': [
    3,
    'UPSTREAM_FAILED',
    says('206 Partial Content', { 'content-length': 5, 'content-range': 'bytes 3-8/9' }, 'leblo'),
  ],
  'does not say which part it sends': [3, 'UPSTREAM_FAILED', says('206 Partial Content', { 'content-length': 6 }, 'leblob')],
  'does not know the size': [
    3,
    'UPSTREAM_FAILED',
    says('206 Partial Content', { 'content-length': 6, 'content-range': 'bytes 3-8/*' }, 'leblob'),
  ],
  'sends several parts': [
    3,
    'UPSTREAM_FAILED',
    says('206 Partial Content', { 'content-length': 6, 'content-type': 'multipart/byteranges; boundary=x' }, 'leblob'),
  ],
  'has a shorter blob': [
    9,
    'UPSTREAM_CORRUPT',
    says('416 Range Not Satisfiable', { 'content-range': 'bytes */5', 'content-length': 0 }),
  ],
  'has nothing there although it has more': [
    9,
    'UPSTREAM_FAILED',
    says('416 Range Not Satisfiable', { 'content-range': 'bytes */12', 'content-length': 0 }),
  ],
  'has nothing there and does not say why': [9, 'UPSTREAM_FAILED', says('416 Range Not Satisfiable', { 'content-length': 0 })],
  'sends chunks without a length': [
    0,
    'UPSTREAM_FAILED',
    says('200 OK', { 'transfer-encoding': 'chunked' }, '3\r\nabc\r\n0\r\n\r\n'),
  ],
  'ends its body by ending the connection': [0, 'UPSTREAM_FAILED', (socket) => socket.end(answer('200 OK', {}, 'abc'))],
  'has two lengths': [0, 'UPSTREAM_UNREACHABLE', says('200 OK\r\ncontent-length: 3', { 'content-length': 4 }, 'abcd')],
  'has a length that is no number': [0, 'UPSTREAM_UNREACHABLE', says('200 OK', { 'content-length': '3x' }, 'abc')],
  'has a length that no number can hold': [
    0,
    'UPSTREAM_FAILED',
    says('200 OK', { 'content-length': '9007199254740993' }, 'abc'),
  ],
  'says continue': [0, 'UPSTREAM_UNREACHABLE', (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000))],
  'speaks no HTTP': [0, 'UPSTREAM_UNREACHABLE', (socket) => socket.write('220 ready\r\n')],
  'sends a head that is too large': [
    0,
    'UPSTREAM_UNREACHABLE',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\ncontent-length: 1\r\n\r\nz`),
  ],
  'goes away instead': [0, 'UPSTREAM_UNREACHABLE', (socket) => socket.destroy()],
}

describe('a member that', () => {
  it.each(Object.keys(WRONG))('%s is not taken for a source, and is asked once', async (name) => {
    const [start, code, misbehave] = WRONG[name] as (typeof WRONG)[string]
    const server = await scripted(await party(1), misbehave)
    const { client, received } = await asker()
    await expect(client.open(server.peer, DIGEST, start, NEVER)).rejects.toMatchObject({ code })
    expect([server.requests.length, received]).toEqual([1, []])
  })

  it.each([
    ['says nothing', () => {}],
    ['sends interim answers without end', drip('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n')],
    ['sends a head without end', (socket: TLSSocket) => socket.write('HTTP/1.1 200 OK\r\n') && drip('x: y\r\n')(socket)],
  ])('%s is given up when its time is up', async (_, misbehave) => {
    const server = await scripted(await party(1), misbehave)
    const { client } = await asker(2, { headers: 150 })
    await expect(client.open(server.peer, DIGEST, 0, NEVER)).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    await until(() => server.connections.every((socket) => socket.destroyed))
  })

  it.each([
    ['ends', (socket: TLSSocket) => socket.end(answer('200 OK', { 'content-length': 100 }, 'z'.repeat(50)))],
    [
      'is gone',
      (socket: TLSSocket) => socket.write(answer('200 OK', { 'content-length': 100 }, 'z'.repeat(50)), () => socket.destroy()),
    ],
  ])('%s before its blob does never looks complete', async (_, misbehave) => {
    const server = await scripted(await party(1), misbehave)
    const { client } = await asker()
    const { size, body } = await client.open(server.peer, DIGEST, 0, NEVER)
    let came = 0
    const reading = (async () => {
      for await (const bytes of body) came += bytes.length
    })()
    await expect(reading).rejects.toMatchObject({ code: 'UPSTREAM_CUT' })
    expect([size, came]).toEqual([100, 50])
  })

  it('refuses with a thousand megabytes of reasons is not listened to', async () => {
    const server = await scripted(await party(1), says('404 Not Found', { 'content-length': 1e9 }, Buffer.alloc(1 << 20)))
    const { client } = await asker()
    await expect(client.open(server.peer, DIGEST, 0, NEVER)).rejects.toMatchObject({ code: 'UPSTREAM_ABSENT' })
    await until(() => server.connections.every((socket) => socket.destroyed))
  })

  it('goes silent in the middle of a blob is given up', async () => {
    const server = await scripted(await party(1), says('200 OK', { 'content-length': 100 }, 'z'.repeat(50)))
    const { client } = await asker(2, { idle: 150 })
    const { body } = await client.open(server.peer, DIGEST, 0, NEVER)
    await expect(read(body)).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    await until(() => server.connections.every((socket) => socket.destroyed))
  })

  it('sends more than it promised gives what it promised, and its socket is not used again', async () => {
    const server = await scripted(await party(1), says('200 OK', { 'content-length': 10 }, 'z'.repeat(30)))
    const { client } = await asker()
    for (const round of [1, 2]) {
      const { size, body } = await client.open(server.peer, DIGEST, 0, NEVER)
      expect([size, String(await read(body))]).toEqual([10, 'z'.repeat(10)])
      await until(() => server.connections.every((socket) => socket.destroyed))
      expect(server.connections.length).toBe(round)
    }
  })

  it('sends an answer before it was asked is not believed', async () => {
    const self = await party(1)
    const early = answer('200 OK', { 'content-length': 5 }, 'early')
    const late = says('200 OK', { 'content-length': 4 }, 'late')
    const server = await scripted(self, late)
    const { client } = await asker()
    await read((await client.open(server.peer, DIGEST, 0, NEVER)).body)
    server.connections[0]?.write(early)
    await until(() => server.connections[0]?.destroyed === true)
    const { body } = await client.open(server.peer, DIGEST, 0, NEVER)
    expect(String(await read(body))).toBe('late')
  })
})

describe('a member that names other purges than this node', () => {
  it('is waited for once, and longer after each further time that it does not agree', async () => {
    const server = await scripted(await party(1), says('200 OK', { 'x-warren-purges': 'own', 'content-length': 0 }))
    let mark = 'ours'
    let agreed = 0
    const agree = () => {
      agreed++
      return new Promise<void>(() => {})
    }
    const { client, clock } = await asker(2, {}, { purges: { mark: () => mark, agree } })
    const refused = () => expect(client.open(server.peer, DIGEST, 0, NEVER)).rejects.toMatchObject({ code: 'UPSTREAM_BUSY' })
    const waited = async (round: number) => {
      const end = refused()
      await until(() => agreed === round && clock.sleeping > 0)
      await clock.advance(2_000)
      await end
    }
    await waited(1)
    await refused()
    expect([agreed, server.requests.length]).toEqual([1, 3])
    await clock.advance(5_000)
    await waited(2)
    await clock.advance(5_000)
    await refused()
    expect(agreed).toBe(2)
    // What it says is taken at any time, once it is the same.
    mark = 'own'
    expect(await read((await client.open(server.peer, DIGEST, 0, NEVER)).body)).toEqual(Buffer.alloc(0))
  })
})

describe('a server that is not the member that it should be', () => {
  it('is not shown the card of this node, nor asked', async () => {
    const impostor = await scripted(await party(7), says('200 OK', { 'content-length': 5 }, 'false'))
    const expected = await party(1)
    const { client, party: self } = await asker()
    const opening = client.open({ ...impostor.peer, id: expected.id }, DIGEST, 0, NEVER)
    await expect(opening).rejects.toMatchObject({ code: 'UNTRUSTED', message: expect.stringContaining('was expected') })
    await until(() => impostor.sockets.length === 1 && impostor.sockets.every((socket) => socket.destroyed))
    expect([self.gate.shown, impostor.requests]).toEqual([0, []])
  })

  it('is not asked when its card does not convince', async () => {
    const liar = await party(1)
    liar.gate.instead = Buffer.from('card of somebody else')
    const server = await scripted(liar, says('200 OK', { 'content-length': 5 }, 'false'))
    const { client } = await asker()
    await expect(client.open(server.peer, DIGEST, 0, NEVER)).rejects.toMatchObject({ code: 'UNTRUSTED' })
    await expect(client.reach(server.peer, NEVER)).rejects.toMatchObject({ code: 'UNTRUSTED' })
    await until(() => server.connections.every((socket) => socket.destroyed))
    expect(server.requests).toEqual([])
  })
})

/** Sends the same again and again until the other side leaves. */
function drip(text: string) {
  return (socket: TLSSocket) => {
    const timer = setInterval(() => socket.write(text), 20)
    void once(socket, 'close').then(() => clearInterval(timer))
  }
}
