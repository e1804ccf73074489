import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MeshFolder } from '../../../node/trust/mesh-folder.ts'
import type { ApiReply } from '../../harness/api.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Operator } from '../../harness/operator.ts'
import { type StartedNode, startNode } from '../../harness/start-node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { TestMesh } from '../../harness/test-mesh.ts'
import { eventually } from '../../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

const UPSTREAM = 'http://127.0.0.1:9/'
const PURL = 'pkg:npm/left-pad'
const BLOCK = { type: 'policy.block', body: { purl: PURL } } as const

async function meshOf(members: number) {
  const mesh = await TestMesh.create(temp, { upstream: UPSTREAM })
  new MeshFolder(mesh.seed.data).writeAdminKey(mesh.adminKey)
  const others = []
  for (let at = 0; at < members; at++) others.push(await mesh.join({ upstream: UPSTREAM }))
  const { membership, adminKey, seed } = mesh
  const operator = new Operator({ mesh: membership.mesh, adminKey })
  return {
    mesh,
    seed,
    others,
    operator,
    all: [seed, ...others],
    newOperator: (init = {}) => new Operator({ mesh: membership.mesh, adminKey }, init),
  }
}

const opsOf = async (node: StartedNode): Promise<ApiReply['body'][]> => (await node.api('GET', 'ops')).body.ops
const codeOf = ({ status, body }: ApiReply) => [status, body.title]

describe('an op that is handed in', () => {
  it('by an operator at a member reaches all, who say that they have put it into effect', async () => {
    const { others, operator, all } = await meshOf(2)
    const [member] = others
    if (!member) throw new Error('nobody joined')
    const reply = await operator.issue(member, BLOCK.type, BLOCK.body)
    expect([reply.status, reply.body]).toMatchObject([
      202,
      { type: 'policy.block', author: operator.key.publicKey, inEffect: true },
    ])
    const { hash } = reply.body
    const peers = await Promise.all(all.map(async (node) => (await node.status()).mesh.peer))
    for (const node of all) {
      const op = await eventually('all have acknowledged it there', async () => {
        const [one] = await opsOf(node)
        return one?.appliedBy?.length === peers.length && one
      })
      expect([op.hash, [...op.appliedBy].sort(), op.missing]).toEqual([hash, [...peers].sort(), []])
      expect((await node.api('GET', `ops/${hash}`)).body).toEqual(op)
    }
  })

  it('is nothing new the second time, wherever that is', async () => {
    const { seed, others, operator } = await meshOf(1)
    const op = await operator.sign(seed, BLOCK.type, BLOCK.body)
    const [first, again] = [await seed.api('POST', 'ops', { op }), await seed.api('POST', 'ops', { op })]
    await eventually('the member has heard of it', async () => (await opsOf(others[0] as StartedNode)).length === 1)
    const elsewhere = await (others[0] as StartedNode).api('POST', 'ops', { op }, 'nobody')
    expect([first, again, elsewhere].map(({ status, body }) => [status, body.hash])).toEqual(
      Array(3).fill([202, first.body.hash]),
    )
    expect((await opsOf(seed)).length).toBe(1)
  })

  it('by whoever has the node token is signed where the admin key is, and refused elsewhere with the way to go', async () => {
    const { seed, others } = await meshOf(1)
    const member = others[0] as StartedNode
    const refused = await member.api('POST', 'ops', BLOCK)
    expect(codeOf(refused)).toEqual([403, 'ADMIN_KEY_ELSEWHERE'])
    expect(refused.body.detail).toContain('warren operator add')
    expect((await seed.api('POST', 'ops', BLOCK)).body).toMatchObject({ operator: null, subject: `block ${PURL}` })
    await eventually('the member has heard of it', async () => (await opsOf(member)).length === 1)
  })

  it.each([
    ['unsigned, without the token', BLOCK, 401, 'TOKEN_REQUIRED', 'nobody'],
    ['of a type that there is not', { type: 'policy.blok', body: {} }, 400, 'BAD_REQUEST', 'token'],
    ['with a body that is none', { type: 'policy.block', body: { purl: 7 } }, 400, 'BAD_REQUEST', 'token'],
    ['that is no statement', { op: 'nonsense' }, 403, 'UNTRUSTED', 'nobody'],
    ['that is neither signed nor to be signed', { purge: 'all' }, 400, 'BAD_REQUEST', 'token'],
  ] as const)('%s changes nothing', async (_, body, status, code, as) => {
    const { seed } = await meshOf(0)
    const reply = await seed.api('POST', 'ops', body, as)
    expect([...codeOf(reply), await opsOf(seed)]).toEqual([status, code, []])
  })

  it('by nobody of the mesh, out of scope, or by a clock that is wrong changes nothing', async () => {
    const { seed, operator, newOperator, mesh } = await meshOf(0)
    const other = await TestMesh.create(temp, { upstream: UPSTREAM })
    const stranger = new Operator({ mesh: mesh.membership.mesh, adminKey: other.adminKey })
    expect(codeOf(await stranger.issue(seed, BLOCK.type, BLOCK.body))).toEqual([403, 'UNTRUSTED'])
    expect(codeOf(await newOperator({ scope: ['purge'] }).issue(seed, BLOCK.type, BLOCK.body))).toEqual([403, 'UNTRUSTED'])
    for (const minutes of [-6, 6]) {
      const op = await operator.sign(seed, BLOCK.type, BLOCK.body, Date.now() + minutes * 60_000)
      const reply = await seed.api('POST', 'ops', { op }, 'nobody')
      expect([...codeOf(reply), reply.body.detail]).toEqual([409, 'MESH_CONFLICT', expect.stringContaining('6 min')])
    }
    expect(await opsOf(seed)).toEqual([])
  })

  it('by an operator who was revoked is refused, and what that one had issued counts no more', async () => {
    const { seed, others, operator } = await meshOf(1)
    const member = others[0] as StartedNode
    const { hash } = (await operator.issue(member, BLOCK.type, BLOCK.body)).body
    await eventually('the seed has heard of it', async () => (await opsOf(seed)).length === 1)
    const revoked = await seed.api('POST', 'ops', { type: 'operator.revoke', body: { operator: operator.key.publicKey } })
    expect(revoked.status).toBe(202)
    await eventually('the member has heard of that', async () => (await member.api('GET', `ops/${hash}`)).body.isVoid)
    const reply = await operator.issue(member, 'policy.block', { purl: 'pkg:npm/other' })
    expect([...codeOf(reply), reply.body.detail]).toEqual([403, 'UNTRUSTED', expect.stringContaining('was revoked')])
  })

  it('is written into the audit log with the key that signed it', async () => {
    const { seed, operator } = await meshOf(0)
    await operator.issue(seed, BLOCK.type, BLOCK.body)
    await seed.api('POST', 'ops', BLOCK, 'nobody')
    const lines = await eventually('both are written', async () => {
      const text = await readFile(join(seed.data, 'audit.log'), 'utf8').catch(() => '')
      const all = text.trim().split('\n')
      return all.length === 2 && all.map((line) => JSON.parse(line))
    })
    expect(lines).toMatchObject([
      {
        who: `key ${operator.key.publicKey}`,
        method: 'POST',
        outcome: 'done',
        change: { what: 'op policy.block', after: BLOCK.body },
      },
      { who: 'none', outcome: 'refused', code: 'TOKEN_REQUIRED' },
    ])
  })
})

it('the ledger of a mesh is read page by page', async () => {
  const { seed } = await meshOf(0)
  for (const name of ['a', 'b', 'c']) await seed.api('POST', 'ops', { type: 'policy.block', body: { purl: `pkg:npm/${name}` } })
  const first = (await seed.api('GET', 'ops?limit=2')).body
  const second = (await seed.api('GET', `ops?limit=2&cursor=${first.next}`)).body
  expect([...first.ops, ...second.ops].map(({ subject }) => subject)).toEqual(
    ['c', 'b', 'a'].map((name) => `block pkg:npm/${name}`),
  )
  expect([first.count, first.confirmed, second.next]).toEqual([3, true, null])
  expect(codeOf(await seed.api('GET', `ops/${'0'.repeat(64)}`))).toEqual([404, 'NO_SUCH_OP'])
  expect((await seed.api('GET', 'ops', undefined, 'nobody')).status).toBe(401)
})

it('a node that runs alone has no ledger', async () => {
  const node = await startNode({ data: temp.create('lone'), upstream: UPSTREAM })
  expect(codeOf(await node.api('GET', 'ops'))).toEqual([409, 'MESH_CONFLICT'])
})
