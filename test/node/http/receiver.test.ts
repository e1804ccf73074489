import { createServer, type ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { ClientLeft } from '../../../node/http/client-left.ts'
import { Receiver } from '../../../node/http/receiver.ts'
import { firstOf } from '../../harness/wait.ts'
import { client, raw, until, using } from './fixture.ts'

/** A server whose answers the test writes. */
async function answers() {
  const responses: ServerResponse[] = []
  const server = createServer((_, response) => void responses.push(response))
  using({ close: () => new Promise((resolve) => server.close(resolve)) })
  server.listen(0, '127.0.0.1')
  await firstOf(server, 'listening')
  return { responses, origin: `http://127.0.0.1:${(server.address() as { port: number }).port}` }
}

const REQUEST = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'

test('writes go on only as fast as the client takes them', async () => {
  const { responses, origin } = await answers()
  const opening = client().open(origin)
  await until(() => responses.length === 1)
  const [response] = responses
  if (!response) throw new Error('no response')
  const receiver = new Receiver(response)
  const piece = Buffer.alloc(1 << 20, 'x')
  let written = 0
  const writing = (async () => {
    for (; written < 200; written++) await receiver.write(piece)
    response.end()
  })()
  const reading = await opening
  await reading.take(1)
  const settled = written
  expect(settled).toBeLessThan(100)
  expect(response.writableLength).toBeLessThanOrEqual(2 * piece.length)
  expect((await reading.take(200 << 20)).length).toBe((200 << 20) - 1)
  await writing
})

test('a wait ends when the client leaves: for bytes, for its turn, and for what it never takes', async () => {
  const { responses, origin } = await answers()
  const connection = await raw(origin)
  connection.send(REQUEST + REQUEST)
  await until(() => responses.length === 2)
  const receivers = responses.map((response) => new Receiver(response))
  const waits = receivers.flatMap((receiver) => [
    receiver.orLeft(new Promise(() => {})),
    receiver.write(Buffer.alloc(20 << 20)),
    receiver.write(Buffer.alloc(20 << 20)),
  ])
  const outcomes = Promise.allSettled(waits)
  connection.leave('rst')
  expect((await outcomes).map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual(
    waits.map(() => expect.any(ClientLeft)),
  )
  for (const receiver of [...receivers, ...responses.map((response) => new Receiver(response))]) {
    await expect(receiver.write(Buffer.from('x'))).rejects.toThrow(ClientLeft)
    await expect(receiver.orLeft(Promise.reject(new Error('late')))).rejects.toThrow(ClientLeft)
  }
})

test('work that ends while the client is there ends as it does', async () => {
  const { responses, origin } = await answers()
  const connection = await raw(origin)
  connection.send(REQUEST)
  await until(() => responses.length === 1)
  const [response] = responses
  if (!response) throw new Error('no response')
  const receiver = new Receiver(response)
  expect(await receiver.orLeft(Promise.resolve(7))).toBe(7)
  await expect(receiver.orLeft(Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  response.end()
})
