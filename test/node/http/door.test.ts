import { expect, test } from 'vitest'
import type { Found } from '../../../node/cache/found.ts'
import { WarrenError } from '../../../node/errors.ts'
import { Mounts } from '../../../node/http/mounts.ts'
import { npm } from '../../../protocols/npm/index.ts'
import { artifact, client, face, mirrorAt, plain, until } from './fixture.ts'

const absent = () => Promise.reject(new WarrenError('UPSTREAM_ABSENT', 'no such thing'))

test('where no mirror is, that is said in plain words, with those that there are', async () => {
  const node = await face()
  const reply = await client().get(`${node.origin}/elsewhere/x`)
  expect([reply.status, reply.headers['x-warren-error']]).toEqual([404, 'NO_SUCH_MIRROR'])
  expect(reply.body.toString()).toBe('no mirror is mounted at «/elsewhere/x»; there are: /m/\n')
  expect(node.told).toMatchObject([{ refused: '-', path: '/elsewhere/x' }])
})

test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'POST'])('%s is not for a mirror: it reads', async (method) => {
  const node = await face()
  const reply = await client().get(node.url('a'), { method })
  expect([reply.status, reply.headers.allow, reply.headers['x-warren-error']]).toEqual([405, 'GET, HEAD', 'METHOD_NOT_ALLOWED'])
})

test('a refused upload is answered before its end, and the answer arrives', async () => {
  const node = await face()
  const reply = await client().get(node.url('a'), { method: 'PUT', body: Buffer.alloc(4 << 20) })
  expect([reply.status, reply.headers.connection]).toEqual([405, 'close'])
})

test.each([
  ['BAD_REQUEST', undefined],
  ['UPSTREAM_GONE', undefined],
  ['UPSTREAM_BUSY', '5'],
  ['UPSTREAM_UNREACHABLE', '5'],
  ['DRAINING', '5'],
] as const)('%s comes in the form of the ecosystem', async (code, retryAfter) => {
  const error = new WarrenError(code, 'what was wrong; what would be right')
  const node = await face({ find: () => Promise.reject(error) })
  const reply = await client().get(node.url('a'))
  expect(reply.status).toBe(error.status)
  expect(reply.headers).toMatchObject({
    'content-type': 'application/json',
    'x-warren-error': code,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  expect(reply.headers['retry-after']).toBe(retryAfter)
  expect(JSON.parse(reply.body.toString())).toEqual({ code, message: error.message })
  expect(node.told).toEqual([{ refused: 'plain', error, path: '/m/a' }])
})

test.each([
  [7, '7'],
  [0.2, '1'],
  [-3, '1'],
  [1e9, '86400'],
  [Number.NaN, '5'],
  [Number.POSITIVE_INFINITY, '86400'],
])('«try again in %d s» becomes Retry-After: %s', async (retryAfter, header) => {
  const node = await face({ find: () => Promise.reject(new WarrenError('UPSTREAM_BUSY', 'slow down', { retryAfter })) })
  expect((await client().get(node.url('a'))).headers['retry-after']).toBe(header)
})

test('HEAD of an error has its headers and no body', async () => {
  const node = await face({ find: absent })
  const one = client(1)
  const reply = await one.get(node.url('a'), { method: 'HEAD' })
  expect([reply.status, reply.body.length]).toEqual([404, 0])
  expect(Number(reply.headers['content-length'])).toBeGreaterThan(0)
  expect((await one.get(node.url('fixed'))).body.toString()).toBe('fixed')
  expect(one.connections).toBe(1)
})

test.each([
  ['in the grammar', 'broken', undefined],
  ['in the cache', 'a', () => Promise.reject(new TypeError('x is undefined at /secret/place/cache.ts:12'))],
  [
    'in the cache, thrown at once',
    'a',
    () => {
      throw new RangeError('/secret/place')
    },
  ],
] as const)('a bug %s is a 500 that tells nothing of it, and the node goes on', async (_, path, find) => {
  const node = await face(find ? { find } : {})
  const reply = await client().get(node.url(path))
  expect([reply.status, reply.headers['x-warren-error']]).toEqual([500, 'INTERNAL'])
  expect(reply.body.toString()).not.toMatch(/secret|\.ts|at |undefined/)
  expect(node.told).toMatchObject([{ bug: expect.any(Error), path: `/m/${path}` }, { refused: 'plain' }])
  expect((await client().get(node.url('fixed'))).status).toBe(200)
})

test('a bug in the form of an error ends the connection and is told', async () => {
  const node = await face()
  const formatError = () => {
    throw new TypeError('a mistake')
  }
  node.door.mounts = new Mounts([mirrorAt('/m/', { ...plain, formatError })])
  await expect(client().get(node.url('bad'))).rejects.toThrow()
  expect(node.told.at(-1)).toMatchObject({ bug: expect.any(TypeError) })
  expect((await client().get(node.url('fixed'))).status).toBe(200)
})

test.each([
  ['1.1 warren-node-1', 508],
  ['1.0 other, 1.1 warren-node-1', 508],
  ['HTTP/1.1  warren-node-1 (comment)', 508],
  ['1.1 other,1.1\twarren-node-1', 508],
  ['1.1 warren-node-10', 200],
  ['1.1 xwarren-node-1', 200],
  ['warren-node-1', 200],
  ['1.1 other (warren-node-1)', 200],
  ['', 200],
])('Via «%s» is answered %i', async (via, status) => {
  const node = await face({ find: () => artifact(Buffer.from('x')) })
  const reply = await client().get(node.url('a'), { headers: { via } })
  expect(reply.status).toBe(status)
  if (status === 508) expect(JSON.parse(reply.body.toString()).code).toBe('LOOP')
})

test('the second upstream is asked when the first has no such thing, and only then', async () => {
  const asked: string[] = []
  const node = await face({
    find: ({ key }) => {
      asked.push(key)
      if (key === 'two/busy#1') return Promise.reject(new WarrenError('UPSTREAM_BUSY', 'slow down'))
      return key.endsWith('#1') || key.startsWith('two/none') ? absent() : artifact(Buffer.from('second'))
    },
  })
  expect((await client().get(node.url('two/a'))).body.toString()).toBe('second')
  expect((await client().get(node.url('two/busy'))).status).toBe(429)
  expect((await client().get(node.url('two/none'))).status).toBe(404)
  expect(asked).toEqual(['two/a#1', 'two/a#2', 'two/busy#1', 'two/none#1', 'two/none#2'])
})

test.each([
  [{ 'cache-control': 'no-cache' }, true],
  [{ 'cache-control': 'max-age=0' }, true],
  [{ 'cache-control': 'public,NO-CACHE' }, true],
  [{ 'cache-control': 'max-age=01' }, false],
  [{ 'cache-control': 'x-no-cache' }, false],
  [{ 'cache-control': 'max-age=60', pragma: 'no-cache' }, false],
  [{ pragma: 'no-cache' }, true],
  [{}, false],
] as const)('%j asks for what was confirmed just now: %s', async (headers, wanted) => {
  const seen: unknown[] = []
  const node = await face({
    find: (_, { revalidate, head }) => {
      seen.push([revalidate, head])
      return artifact(Buffer.from('x'))
    },
  })
  await client().get(node.url('a'), { headers })
  await client().get(node.url('a'), { headers, method: 'HEAD' })
  expect(seen).toEqual([
    [wanted, false],
    [wanted, true],
  ])
})

test('new mirrors serve at once, old ones are gone, and an answer under way is finished', async () => {
  const held: ((found: Found) => void)[] = []
  const node = await face({
    find: ({ key }) => (key === 'slow' ? new Promise((resolve) => held.push(resolve)) : artifact(Buffer.from(key))),
  })
  expect((await client().get(node.url('a'))).body.toString()).toBe('a')
  const slow = client().get(node.url('slow'))
  await until(() => held.length === 1)
  node.door.mounts = new Mounts([mirrorAt('/other/')])
  expect((await client().get(`${node.origin}/other/a`)).body.toString()).toBe('a')
  expect((await client().get(node.url('a'))).status).toBe(404)
  held[0]?.(artifact(Buffer.from('slow')))
  expect((await slow).body.toString()).toBe('slow')
  expect(node.door.mounts.all.map(({ mirror }) => mirror.path)).toEqual(['/other/'])
  node.door.mounts = new Mounts([])
  expect((await client().get(`${node.origin}/other/a`)).body.toString()).toContain('there are: none')
})

test('npm is told in its own form', async () => {
  const node = await face({ find: absent })
  node.door.mounts = new Mounts([mirrorAt('/npm/', npm)])
  const reply = await client().get(`${node.origin}/npm/lodash`)
  expect(reply.headers['content-type']).toBe('application/json')
  expect(JSON.parse(reply.body.toString())).toEqual({ error: 'no such thing; check the name and the version' })
  const foreign = await client().get(`${node.origin}/npm/lodash`, { headers: { host: 'evil.example.test' } })
  expect(JSON.parse(foreign.body.toString()).error).toMatch(/^this node is not known as «evil\.example\.test»/)
})
