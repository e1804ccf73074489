import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scripted } from '../../clients/behind.ts'
import { answer } from '../../harness/answer.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startAdminNode } from './admin-node.ts'

const folders = useTempFolders()

const corp = { protocol: 'npm', upstreams: ['http://127.0.0.1:9/'] }

test('a mirror is added, changed and taken back while the node runs, and is there after the next start', async () => {
  const data = folders.create('data')
  const node = await startAdminNode(data)
  const mirror = async () => (await fetch(`${node.url}/corp/x`)).headers.get('x-warren-error')
  expect(await mirror()).toBe('NO_SUCH_MIRROR')
  const put = await node.ask('PUT', 'mirrors/corp', corp)
  expect([put.status, put.json]).toEqual([
    200,
    {
      name: 'corp',
      layer: 'overlay',
      mirror: expect.objectContaining({ name: 'corp', protocol: 'npm', path: '/corp/', upstreams: corp.upstreams }),
      entry: corp,
      shadows: [],
    },
  ])
  expect(await mirror()).toBe('UPSTREAM_UNREACHABLE')
  expect(statSync(join(data, 'overlay.json')).mode & 0o777).toBe(0o600)
  expect(JSON.parse(readFileSync(join(data, 'overlay.json'), 'utf8'))).toEqual({ v: 1, mirrors: { corp }, policy: {} })
  await node.node.stop()
  const again = await startAdminNode(data)
  expect((await again.ask('GET', 'mirrors/corp')).json.layer).toBe('overlay')
  expect((await again.ask('DELETE', 'mirrors/corp')).json).toEqual({ mirror: null })
  expect((await again.ask('GET', 'mirrors/corp')).status).toBe(404)
  await again.node.stop()
  expect(again.audited()).toMatchObject([
    { method: 'PUT', who: 'token', outcome: 'done', change: { what: 'mirror corp', before: null, after: corp } },
    { method: 'DELETE', outcome: 'done', change: { what: 'mirror corp', before: corp, after: null } },
  ])
})

test('what is shadowed is shown, and there again when the change is taken back', async () => {
  const node = await startAdminNode(folders.create())
  const file = { protocol: 'npm', path: '/npm/', upstreams: ['http://127.0.0.1:1/'] }
  expect((await node.ask('PUT', 'mirrors/npm', false)).json).toEqual({
    name: 'npm',
    layer: 'overlay',
    mirror: null,
    entry: false,
    shadows: [{ layer: 'file', entry: file }],
  })
  expect((await fetch(`${node.url}/npm/x`)).headers.get('x-warren-error')).toBe('NO_SUCH_MIRROR')
  const { mirror } = (await node.ask('DELETE', 'mirrors/npm')).json
  expect(mirror).toMatchObject({ layer: 'file', entry: file, shadows: [] })
  expect((await fetch(`${node.url}/npm/x`)).headers.get('x-warren-error')).toBe('UPSTREAM_UNREACHABLE')
})

test('an edit of the file goes on beside what was changed at the node', async () => {
  const node = await startAdminNode(folders.create())
  await node.ask('PUT', 'mirrors/corp', corp)
  const other = { name: 'other', protocol: 'npm', path: '/other/', upstreams: ['http://127.0.0.1:1/'], local: false }
  node.node.applyMirrors([other])
  const { mirrors } = (await node.ask('GET', 'mirrors')).json
  expect(mirrors.map(({ name, layer }: { name: string; layer: string }) => [name, layer])).toEqual([
    ['corp', 'overlay'],
    ['other', 'file'],
  ])
  expect(() => node.node.applyMirrors([{ ...other, path: '/corp/' }])).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('overlay.json: mirrors.corp.path') }),
  )
  expect((await node.ask('GET', 'mirrors/other')).json.mirror.path).toBe('/other/')
})

test.for([
  [{ ...corp, path: '/npm/' }, 'body: mirrors.corp.path is "/npm/", but must be apart from /npm/, the path of mirrors.npm'],
  [{ ...corp, protocol: 'gopher' }, 'mirrors.corp.protocol is "gopher", but must be one of npm, '],
  [{ ...corp, token: 's3cret' }, 'body.token must be left out: logins belong under the key credentials of the file'],
  [{ protocol: 'npm', upstreams: ['http://ann:s3cret@127.0.0.1/'] }, 'must be a URL without user name and password'],
  [7, 'body is 7, but must be a group of protocol, path and upstreams, or false'],
] as const)('%j is refused with a reason, changes nothing and shows no secret', async ([body, reason]) => {
  const node = await startAdminNode(folders.create())
  const { status, json } = await node.ask('PUT', 'mirrors/corp', body)
  expect([status, json]).toEqual([
    400,
    expect.objectContaining({ title: 'BAD_REQUEST', detail: expect.stringContaining(reason) }),
  ])
  expect((await node.ask('GET', 'mirrors/corp')).status).toBe(404)
  await node.node.stop()
  expect(node.audited()).toMatchObject([{ outcome: 'refused', status: 400 }])
  expect(JSON.stringify([json, node.lines, node.audited()])).not.toContain('s3cret')
})

test('a change is made only to what its author has seen', async () => {
  const node = await startAdminNode(folders.create())
  const first = await node.ask('PUT', 'mirrors/corp', corp, { 'if-none-match': '*' })
  const seen = first.headers.get('etag') ?? ''
  expect((await node.ask('GET', 'mirrors/corp')).headers.get('etag')).toBe(seen)
  expect((await node.ask('PUT', 'mirrors/corp', corp, { 'if-none-match': '*' })).status).toBe(412)
  const changed = { ...corp, lifetime: '1m' }
  const second = await node.ask('PUT', 'mirrors/corp', changed, { 'if-match': seen })
  expect(second.status).toBe(200)
  expect((await node.ask('DELETE', 'mirrors/corp', undefined, { 'if-match': seen })).status).toBe(412)
  expect((await node.ask('GET', 'mirrors/corp')).json.entry).toEqual(changed)
  expect((await node.ask('DELETE', 'mirrors/gone', undefined, { 'if-match': '*' })).status).toBe(412)
})

test('a long list comes in parts', async () => {
  const node = await startAdminNode(folders.create())
  for (const name of ['b', 'd', 'a', 'c']) await node.ask('PUT', `mirrors/${name}`, corp)
  const first = (await node.ask('GET', 'mirrors?limit=2')).json
  const second = (await node.ask('GET', `mirrors?limit=2&cursor=${first.next}`)).json
  const third = (await node.ask('GET', `mirrors?limit=2&cursor=${second.next}`)).json
  const names = [first, second, third].map(({ mirrors }) => mirrors.map(({ name }: { name: string }) => name))
  expect(names).toEqual([['a', 'b'], ['c', 'd'], ['npm']])
  expect(third.next).toBeNull()
  expect((await node.ask('GET', 'mirrors?limt=2')).json.detail).toBe('there is no query.limt here')
  expect((await node.ask('GET', 'mirrors?limit=0')).json.detail).toBe(
    'query.limit is "0", but must be a whole number from 1 to 1000',
  )
})

test('the upstreams of a mirror are asked, and what is wrong with one is said', async () => {
  const registries = await Promise.all([200, 401, 500].map(async (status) => (await scripted()).on(/./, answer(status))))
  const node = await startAdminNode(folders.create())
  const upstreams = [...registries.map(({ origin }) => origin), 'http://127.0.0.1:1'].map((url) => `${url}/`)
  await node.ask('PUT', 'mirrors/corp', { protocol: 'npm', upstreams })
  const { json } = await node.ask('POST', 'mirrors/corp/test')
  expect(json.upstreams).toEqual([
    { url: upstreams[0], reachable: true, status: 200, ms: expect.any(Number), problem: null },
    {
      url: upstreams[1],
      reachable: true,
      status: 401,
      ms: expect.any(Number),
      problem: expect.stringContaining('it wants a login'),
    },
    { url: upstreams[2], reachable: true, status: null, ms: expect.any(Number), problem: expect.stringContaining('500') },
    {
      url: upstreams[3],
      reachable: false,
      status: null,
      ms: expect.any(Number),
      problem: expect.stringContaining('ECONNREFUSED'),
    },
  ])
})

test('a change that cannot be kept is not made', async () => {
  const data = folders.create()
  const node = await startAdminNode(data)
  mkdirSync(join(data, 'overlay.json'))
  const { status, json } = await node.ask('PUT', 'mirrors/corp', corp)
  expect([status, json.title]).toEqual([500, 'STORE_UNUSABLE'])
  expect((await node.ask('GET', 'mirrors/corp')).status).toBe(404)
  expect((await fetch(`${node.url}/corp/x`)).headers.get('x-warren-error')).toBe('NO_SUCH_MIRROR')
  await node.node.stop()
  expect(node.audited()).toMatchObject([{ outcome: 'failed', status: 500, code: 'STORE_UNUSABLE' }])
})

test.for([
  ['{"v": 2}', 0o600, 'CONFIG_INVALID'],
  ['{"v": 1, "mirrors": {"x": 7}, "policy": {}}', 0o600, 'CONFIG_INVALID'],
  ['{"v": 1, "mirrors": {}, "policy": {}}', 0o666, 'SECRET_EXPOSED'],
] as const)('a node does not start with an overlay of %s and mode %o', async ([text, mode, code]) => {
  const data = folders.create()
  writeFileSync(join(data, 'overlay.json'), text)
  chmodSync(join(data, 'overlay.json'), mode)
  await expect(startAdminNode(data)).rejects.toThrow(expect.objectContaining({ code }))
})
