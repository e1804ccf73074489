import { expect, test } from 'vitest'
import type { Found } from '../../../node/cache/found.ts'
import { Random } from '../../harness/random.ts'
import { fileLike } from './bodies.ts'
import { artifact, client, face, parseHead, raw, until } from './fixture.ts'

const LARGE = new Random(5).bytes(8_000_000)

test('an answer under way is finished, an idle connection is closed, a new one is refused', async () => {
  const held: ((found: Found) => void)[] = []
  const node = await face({ find: () => new Promise((resolve) => held.push(resolve)) })
  const idle = await raw(node.origin)
  idle.send(`GET /m/fixed HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  await idle.until((received) => received.endsWith('fixed'))
  const silent = await raw(node.origin)
  const busy = await raw(node.origin)
  busy.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  await until(() => held.length === 1)
  const stopping = node.server.stop()
  await Promise.all([idle.rest(), silent.rest()])
  expect(node.server.draining).toBe(true)
  expect(busy.left).toBeUndefined()
  await expect(raw(node.origin)).rejects.toThrow('ECONNREFUSED')
  held[0]?.(artifact(Buffer.from('last words')))
  expect(await busy.rest()).toMatch(/\r\n\r\nlast words$/)
  await stopping
  expect(node.server.connections).toBe(0)
})

test('a slow client gets the whole of a large answer that was under way', async () => {
  const node = await face({ find: () => artifact(fileLike(LARGE)) })
  const reading = await client().open(node.url('a'))
  const start = await reading.take(1_000)
  const stopping = node.server.stop()
  const rest = await reading.slowly(500_000, 1)
  expect(Buffer.concat([start, rest]).equals(LARGE)).toBe(true)
  expect(reading.complete).toBe(true)
  await stopping
})

test('a large answer from memory, which was handed over as a whole, is not cut either', async () => {
  const node = await face({ find: () => artifact(LARGE) })
  const reading = await client().open(node.url('a'))
  await reading.take(1)
  const stopping = node.server.stop()
  expect((await reading.slowly(1_000_000, 1)).length).toBe(LARGE.length - 1)
  await stopping
})

test('what was asked behind an answer under way is answered too', async () => {
  const held: ((found: Found) => void)[] = []
  const node = await face({ find: () => new Promise((resolve) => held.push(resolve)) })
  const connection = await raw(node.origin)
  connection.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`.repeat(3))
  await until(() => held.length === 1)
  const stopping = node.server.stop()
  for (let i = 0; i < 3; i++) {
    await until(() => held.length > i)
    held[i]?.(artifact(Buffer.from(`answer ${i}`)))
  }
  const received = await connection.rest()
  expect(received.match(/answer \d/g)).toEqual(['answer 0', 'answer 1', 'answer 2'])
  await stopping
})

test('a client that never takes its answer is not waited for longer than the limit', async () => {
  const node = await face({ find: () => artifact(fileLike(LARGE)), timeouts: { drain: 100 } })
  const reading = await client().open(node.url('a'))
  await reading.take(1)
  await node.server.stop()
  await expect(reading.take(LARGE.length)).rejects.toThrow()
  expect(reading.complete).toBe(false)
  await until(() => node.pool.taken === 0)
})

test('a request that comes on a busy connection while the node stops hears that it is the last', async () => {
  const held: ((found: Found) => void)[] = []
  const node = await face({ find: () => new Promise((resolve) => held.push(resolve)) })
  const connection = await raw(node.origin)
  connection.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  await until(() => held.length === 1)
  const stopping = node.server.stop()
  connection.send(`GET /m/b HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  held[0]?.(artifact(Buffer.from('first')))
  await until(() => held.length === 2)
  held[1]?.(artifact(Buffer.from('second')))
  const received = await connection.rest()
  const second = parseHead(received.slice(received.indexOf('first') + 5))
  expect([second.headers.get('connection'), second.rest]).toEqual(['close', 'second'])
  await stopping
})

test('stopping twice, or before anything was started, is stopping once', async () => {
  const node = await face()
  await Promise.all([node.server.stop(), node.server.stop()])
  await expect(raw(node.origin)).rejects.toThrow('ECONNREFUSED')
})

test('readiness says no while the node stops, and health goes on to say yes', async () => {
  const held: ((found: Found) => void)[] = []
  const node = await face({ find: () => new Promise((resolve) => held.push(resolve)) })
  const connection = await raw(node.origin)
  connection.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  await until(() => held.length === 1)
  connection.send(`GET /readyz HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  const stopping = node.server.stop()
  held[0]?.(artifact(Buffer.from('first')))
  expect(await connection.rest()).toMatch(/first.*503 .*draining\n$/s)
  await stopping
})
