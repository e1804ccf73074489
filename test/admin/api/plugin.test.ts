import { expect, test } from 'vitest'
import { peersSchema } from '../../../admin/api/peers-schema.ts'
import { statusSchema } from '../../../admin/api/status-schema.ts'
import { WarrenError } from '../../../node/errors.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { type FakeNode, PEER, startFakeNode } from '../fake-node.ts'

const folders = useTempFolders()

function ask(path: string, { admin }: FakeNode, authorization?: string): Promise<Response> {
  return fetch(admin + path, authorization === undefined ? {} : { headers: { authorization } })
}

test('counts are for everybody', async () => {
  const node = await startFakeNode(folders.create())
  const answer = await ask('/admin/v1/status', node)
  expect(answer.status).toBe(200)
  expect(statusSchema.parse(await answer.json()).mesh).toMatchObject({ state: 'lone', peer: PEER })
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
      zone: 'eu-1a',
      budget: { requests: 1, fetches: 4, bytes: 2, pulls: 3 },
      ticket: '0123456789abcdef',
      inventory: { keys: 3, state: 'fresh' as const, ignored: null },
    },
  ]
  for (const scheme of ['Bearer', 'bearer']) {
    const answer = await ask('/admin/v1/peers', node, `${scheme} ${node.token.value}`)
    expect(answer.status).toBe(200)
    expect(peersSchema.parse(await answer.json())).toEqual({ peers: node.peers })
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
