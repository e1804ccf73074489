import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { ClientLeft } from '../../../node/http/client-left.ts'
import { RequestBodies } from '../../../node/http/request-bodies.ts'
import { client, face, raw, until } from './fixture.ts'

const size = async (body: Buffer) => body.length
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** An upload whose pieces the test hands in. */
function upload(bodies: RequestBodies, use: (body: Buffer) => Promise<number> = size) {
  const stream = new PassThrough()
  const outcome = bodies.with(stream as never, use)
  outcome.catch(() => {})
  return { stream, outcome }
}

test('a body comes whole, and its memory is free again afterwards', async () => {
  const bodies = new RequestBodies()
  const { stream, outcome } = upload(bodies, async (body) => {
    expect(body.toString()).toBe('abcdef')
    expect(bodies.held).toBeGreaterThanOrEqual(6)
    return 1
  })
  stream.write('abc')
  await turn()
  stream.end('def')
  expect(await outcome).toBe(1)
  expect(bodies.held).toBe(0)
})

test('what fails while a body is used frees it too', async () => {
  const bodies = new RequestBodies()
  const { stream, outcome } = upload(bodies, () => Promise.reject(new Error('upstream said no')))
  stream.end('abc')
  await expect(outcome).rejects.toThrow('upstream said no')
  expect(bodies.held).toBe(0)
})

test('a body of exactly the limit is taken, one byte more is too large', async () => {
  const bodies = new RequestBodies({ maxBytes: 1_000 })
  const exact = upload(bodies)
  exact.stream.end(Buffer.alloc(1_000))
  expect(await exact.outcome).toBe(1_000)
  const over = upload(bodies)
  over.stream.end(Buffer.alloc(1_001))
  await expect(over.outcome).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
})

test('a body that is too large is heard to its end, but held no longer than until that is clear', async () => {
  const bodies = new RequestBodies({ maxBytes: 1_000 })
  const { stream, outcome } = upload(bodies)
  stream.write(Buffer.alloc(900))
  await until(() => bodies.held > 0)
  stream.write(Buffer.alloc(900))
  await until(() => bodies.held === 0)
  stream.end(Buffer.alloc(900))
  await expect(outcome).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  expect(bodies.held).toBe(0)
})

test('nobody is heard for ever', async () => {
  const bodies = new RequestBodies({ maxBytes: 1_000 })
  const { stream, outcome } = upload(bodies)
  let over = false
  outcome.catch(() => {
    over = true
  })
  for (let i = 0; i < 200 && !over; i++) {
    stream.write(Buffer.alloc(1 << 20))
    await turn()
  }
  await expect(outcome).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  expect(stream.destroyed).toBe(false)
})

test('while others fill the memory, a body is asked to come again, and is taken once they are done', async () => {
  const bodies = new RequestBodies({ budgetBytes: 20_000 })
  const others = [upload(bodies), upload(bodies)]
  for (const { stream } of others) stream.write(Buffer.alloc(9_000))
  await until(() => bodies.held > 18_000)
  const refused = upload(bodies)
  refused.stream.end(Buffer.alloc(9_000))
  await expect(refused.outcome).rejects.toMatchObject({ code: 'NODE_BUSY', retryAfter: 1 })
  for (const { stream, outcome } of others) {
    stream.end()
    expect(await outcome).toBe(9_000)
  }
  const again = upload(bodies)
  again.stream.end(Buffer.alloc(9_000))
  expect(await again.outcome).toBe(9_000)
  expect(bodies.held).toBe(0)
})

test('a body that drips in byte by byte is counted with what its pieces cost', async () => {
  const bodies = new RequestBodies({ budgetBytes: 100_000 })
  const { stream, outcome } = upload(bodies)
  for (let i = 0; i < 1_000; i++) {
    stream.write('x')
    await turn()
  }
  stream.end()
  await expect(outcome).rejects.toMatchObject({ code: 'NODE_BUSY' })
  expect(bodies.held).toBe(0)
})

test('a client that leaves in the middle is known to have left, and frees what it sent', async () => {
  const bodies = new RequestBodies()
  const { stream, outcome } = upload(bodies)
  stream.write(Buffer.alloc(1_000))
  await until(() => bodies.held > 0)
  stream.destroy(new Error('ECONNRESET'))
  await expect(outcome).rejects.toThrow(ClientLeft)
  expect(bodies.held).toBe(0)
})

test('a body that is too large is told so over its own connection', async () => {
  const node = await face({ upstream: () => ({ body: 'ok' }) })
  const reply = await client().get(node.url('pass/x'), { method: 'POST', body: Buffer.alloc(20 << 20) })
  expect([reply.status, reply.headers['x-warren-error']]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
  expect(node.upstream.requests).toEqual([])
})

test('a client that leaves in the middle of its upload asks upstream for nothing', async () => {
  const node = await face({ upstream: () => ({ body: 'ok' }) })
  const connection = await raw(node.origin)
  connection.send(`POST /m/pass/x HTTP/1.1\r\nhost: ${node.host}\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(50_000)}`)
  await client().get(node.url('fixed'))
  connection.leave('rst')
  await until(() => node.server.connections === 1)
  expect(node.upstream.requests).toEqual([])
  expect(node.told.filter((told) => 'bug' in told)).toEqual([])
})
