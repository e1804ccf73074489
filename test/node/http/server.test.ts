import { expect, test } from 'vitest'
import { HttpServer } from '../../../node/http/server.ts'
import { client, face, raw, using } from './fixture.ts'

const door = { handle: async () => {}, isPlain: () => false, atHand: () => undefined }

function server(...ports: number[]): HttpServer {
  const listen = ports.map((port) => ({ host: '127.0.0.1', port }))
  const made = new HttpServer({ door, admin: () => false }, { listen, adminListen: { host: '127.0.0.1', port: 0 } })
  using({ close: () => made.stop() })
  return made
}

test('when one address is taken, the others are let go again', async () => {
  const node = await face()
  const taken = Number(new URL(node.origin).port)
  const other = await face()
  const free = Number(new URL(other.origin).port)
  await other.server.stop()
  await expect(server(free, taken).start()).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  await expect(raw(other.origin)).rejects.toThrow('ECONNREFUSED')
})

test('starting twice is starting once; after stopping nothing is opened any more', async () => {
  const one = server(0)
  const [first, again] = await Promise.all([one.start(), one.start()])
  expect(again).toBe(first)
  await one.stop()
  const stopped = server(0)
  await stopped.stop()
  await expect(stopped.start()).rejects.toMatchObject({ code: 'DRAINING' })
})

test('stopping while it starts leaves nothing open', async () => {
  const one = server(0)
  const starting = one.start()
  await one.stop()
  const bound = await starting.catch(() => undefined)
  const [first] = bound?.listen ?? []
  if (first && 'port' in first) await expect(raw(`http://127.0.0.1:${first.port}`)).rejects.toThrow('ECONNREFUSED')
  expect(one.connections).toBe(0)
})

test('the admin interface is asked first on its own listener, and only there', async () => {
  const seen: string[] = []
  const node = await face({
    admin: ({ url = '' }, response) => {
      seen.push(url)
      if (!url.startsWith('/admin/')) return false
      response.end('admin')
      return true
    },
  })
  expect((await client().get(`${node.origin}/admin/v1/status`)).body.toString()).toBe('admin')
  expect((await client().get(node.url('fixed'))).body.toString()).toBe('fixed')
  expect(seen).toEqual(['/admin/v1/status', '/m/fixed'])
})

test('a content type without content does not reach the admin interface: it would wait for an end that has been', async () => {
  const types: unknown[] = []
  const node = await face({
    admin: ({ headers }, response) => {
      types.push(headers['content-type'])
      response.end('admin')
      return true
    },
  })
  await client().get(`${node.origin}/admin/x`, { headers: { 'content-type': 'application/json' } })
  await client().get(`${node.origin}/admin/x`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  expect(types).toEqual([undefined, 'application/json'])
})

test.each(['/healthz', '/readyz', '/healthz?x'])('%s is for asking only', async (path) => {
  const node = await face()
  expect((await client().get(`${node.origin}${path}`)).status).toBe(200)
  const head = await client().get(`${node.origin}${path}`, { method: 'HEAD' })
  expect([head.status, head.body.length, head.headers['cache-control']]).toEqual([200, 0, 'no-store'])
  const post = await client().get(`${node.origin}${path}`, { method: 'POST', body: 'x' })
  expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD'])
})

test.each(['/healthzz', '/healthz/', '/m/healthz', '/Healthz'])('%s is not about health', async (path) => {
  const node = await face()
  expect((await client().get(`${node.origin}${path}`)).body.toString()).not.toMatch(/^(?:up|ready)\n/)
})
