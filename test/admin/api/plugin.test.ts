import { expect, test } from 'vitest'
import { z } from 'zod'
import { peersSchema } from '../../../admin/api/peers-schema.ts'
import { countsSchema, statusSchema } from '../../../admin/api/status-schema.ts'
import { WarrenError } from '../../../node/errors.ts'
import { currentRequestId } from '../../../node/request-id.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { type FakeNode, PEER, startFakeNode } from '../fake-node.ts'
import { startAdminNode } from './admin-node.ts'

const folders = useTempFolders()

function ask(path: string, { admin }: FakeNode, authorization?: string): Promise<Response> {
  return fetch(admin + path, authorization === undefined ? {} : { headers: { authorization } })
}

test('counts are for everybody on this machine, and nothing that names folders, addresses and registries', async () => {
  const node = await startFakeNode(folders.create())
  const answer = await ask('/admin/v1/status', node)
  expect(answer.status).toBe(200)
  const told = z.looseObject({ mesh: z.looseObject({}) }).parse(await answer.json())
  expect(told).toEqual(countsSchema.strict().parse(told))
  expect(told.mesh).toEqual(expect.objectContaining({ state: 'lone', peer: PEER }))
  expect(Object.keys(told)).not.toContain('mirrors')
  expect(JSON.stringify(told)).not.toContain('data')
  const all = await ask('/admin/v1/status', node, `Bearer ${node.token.value}`)
  expect(statusSchema.parse(await all.json())).toMatchObject({ mirrors: [], upstream: [], mesh: { id: null } })
})

test('a wrong token is told, also where none would do', async () => {
  const node = await startFakeNode(folders.create())
  expect((await ask('/admin/v1/status', node, 'Bearer wrong')).status).toBe(401)
})

test.for([
  ['?target=npm', 'query.target is "npm", but must be a path of a mirror, such as /npm/lodash', { value: '"npm"' }],
  ['', 'query.target is missing; it must be a path of a mirror, such as /npm/lodash', {}],
] as const)('what is wrong with the input is told by path, value and what it must be: %j', async ([query, detail, value]) => {
  const node = await startFakeNode(folders.create())
  const answer = await ask(`/admin/v1/pins/place${query}`, node, `Bearer ${node.token.value}`)
  expect(await answer.json()).toEqual({
    status: 400,
    title: 'BAD_REQUEST',
    detail,
    errors: [{ path: 'query.target', ...value, must: 'a path of a mirror, such as /npm/lodash' }],
  })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    400,
    expect.stringContaining('application/problem+json'),
  ])
})

test('the log says more while somebody wants it to', async () => {
  const node = await startAdminNode(folders.create())
  expect((await node.ask('GET', 'log')).json).toEqual({ level: 'trace' })
  expect((await node.ask('PUT', 'log', { level: 'error' })).json).toEqual({ level: 'error' })
  const before = node.lines.length
  await node.ask('PUT', 'mirrors/npm', false)
  expect(node.lines).toHaveLength(before)
  expect((await node.ask('PUT', 'log', { level: 'loud' })).json.detail).toBe(
    'body.level is "loud", but must be one of trace, debug, info, warn, error, fatal, silent',
  )
  await node.node.stop()
  expect(node.audited()[0]).toMatchObject({ change: { what: 'log', before: { level: 'trace' }, after: { level: 'error' } } })
})

test.for([
  ['POST', '/admin/v1/peers', 405, 'METHOD_NOT_ALLOWED'],
  ['GET', '/admin/v1/nothing', 404, 'NOT_FOUND'],
  ['GET', '/admin/v1/%zz', 400, 'BAD_REQUEST'],
] as const)('%s %s is refused with a problem of its own', async ([method, path, status, title]) => {
  const node = await startFakeNode(folders.create())
  const answer = await fetch(node.admin + path, { method })
  expect(await answer.json()).toMatchObject({ status, title })
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  if (status === 405) expect(answer.headers.get('allow')).toBe('GET, HEAD')
})

test('members are shown to whoever has the node token', async () => {
  const node = await startFakeNode(folders.create())
  node.peers = [
    {
      id: PEER,
      role: 'seed',
      version: '0.1.0',
      addresses: ['/ip4/10.0.0.1/tcp/7471'],
      blobs: [],
      connected: true,
      lastSeen: 1,
      latency: 0.5,
      bytesIn: 1,
      bytesOut: 2,
      quarantine: { until: 3, reason: 'it lied' },
      notAfter: 4,
      ledgerDiffersSince: null,
      zone: 'eu-1a',
      budget: { requests: 1, fetches: 4, bytes: 2, pulls: 3 },
      ticket: '0123456789abcdef',
      inventory: { keys: 3, state: 'fresh' as const, ignored: null },
    },
  ]
  for (const scheme of ['Bearer', 'bearer']) {
    const answer = await ask('/admin/v1/peers', node, `${scheme} ${node.token.value}`)
    expect(answer.status).toBe(200)
    expect(peersSchema.parse(await answer.json())).toEqual({ peers: node.peers, next: null })
  }
})

test.for([
  ['no token', undefined, 'this needs the node token'],
  ['another scheme', 'Basic TOKEN', 'this needs the node token'],
  ['no scheme', 'TOKEN', 'this needs the node token'],
  ['something behind it', 'Bearer TOKEN x', 'this needs the node token'],
  ['a part of it', 'Bearer TOKE', 'that is not the token of this node'],
  ['another token', `Bearer ${'A'.repeat(43)}`, 'that is not the token of this node'],
] as const)('with %s nobody is told of members, but where the token is', async ([, sent, what]) => {
  const node = await startFakeNode(folders.create(), { peers: () => Promise.reject(new Error('it was asked')) })
  const { value, file } = node.token
  const answer = await ask('/admin/v1/peers', node, sent?.replace('TOKEN', value).replace('TOKE', value.slice(0, -1)))
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="warren"')
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  expect(await answer.json()).toEqual({
    status: 401,
    title: 'TOKEN_REQUIRED',
    detail: `${what}: send «Authorization: Bearer …» with what stands in ${file}`,
  })
})

test('the token opens nothing under a name that is not of this node', async () => {
  const checkHost = () => {
    throw new WarrenError('FOREIGN_HOST', 'another name')
  }
  const node = await startFakeNode(folders.create(), { checkHost })
  expect((await ask('/admin/v1/peers', node, `Bearer ${node.token.value}`)).status).toBe(421)
})

test('a refusal has the name of the request, by which the log tells of it', async () => {
  const named: (string | undefined)[] = []
  const bug = () => void named.push(currentRequestId())
  const node = await startFakeNode(folders.create(), { bug, peers: () => Promise.reject(new Error('a bug')) })
  const headers = { 'x-request-id': 'ci-7', authorization: `Bearer ${node.token.value}` }
  const answer = await fetch(`${node.admin}/admin/v1/peers`, { headers })
  expect([answer.status, answer.headers.get('x-request-id'), named]).toEqual([500, 'ci-7', ['ci-7']])
  const made = (await ask('/admin/v1/nothing', node)).headers.get('x-request-id')
  expect(made).toMatch(/^[0-9a-f]{8}-[0-9a-z]+$/)
})
