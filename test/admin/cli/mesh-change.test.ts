import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadNodeToken } from '../../../node/node-token.ts'
import { MeshFolder } from '../../../node/trust/mesh-folder.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { type MeshNode, TestMesh } from '../../harness/test-mesh.ts'
import { eventually } from '../../harness/wait.ts'
import { runWarren } from './run-warren.ts'

const folders = useTempFolders()

const PURL = 'pkg:npm/left-pad'
const ALL = 'in effect at all 2 nodes of the mesh'

/** A seed that has the admin key, and a member, each with the command line on its machine. */
async function world() {
  const upstream = 'http://127.0.0.1:9/'
  const mesh = await TestMesh.create(folders, { upstream })
  new MeshFolder(mesh.seed.data).writeAdminKey(mesh.adminKey)
  const member = await mesh.join({ upstream })
  const home = folders.create('home')
  const at = (node: MeshNode, env: Record<string, string> = {}) => {
    return (...args: string[]) => runWarren([...args, '--data', node.data], { home, env })
  }
  const made = await at(mesh.seed)('operator', 'add', 'ada')
  const key = made.stdout.trim()
  const file = join(home, 'operator')
  writeFileSync(file, `${key}\n`)
  const blocked = async (node: MeshNode) =>
    (await node.api('GET', 'policy/blocks')).body.blocks.map(({ purl }: { purl: string }) => purl)
  return { seed: mesh.seed, member, at, key, file, blocked, home }
}

test('a package is blocked and unblocked in the whole mesh by an operator, at any node', async () => {
  const { seed, member, at, key, blocked } = await world()
  const warren = at(member, { WARREN_OPERATOR_KEY: key })
  const done = await warren('block', PURL, '--mesh', '--reason', 'it was taken over')
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toBe(`${PURL} is given out no more: ${ALL}; «warren unblock --mesh» takes it back.\n`)
  expect(await Promise.all([seed, member].map(blocked))).toEqual([[PURL], [PURL]])
  const undone = await warren('unblock', PURL, '--mesh', '--json')
  expect(JSON.parse(undone.stdout)).toMatchObject({ type: 'policy.unblock', operator: 'ada', missing: [] })
  expect(await Promise.all([seed, member].map(blocked))).toEqual([[], []])
})

test('the ledger of a node is listed wherever that runs, with what has become of each op', async () => {
  const { seed, member, at, key, home } = await world()
  const elsewhere = (...args: string[]) =>
    runWarren([...args, '--node', member.admin], { home, env: { WARREN_TOKEN: loadNodeToken(member.data).value } })
  expect(await elsewhere('ledger')).toMatchObject({ code: 0, stdout: expect.stringContaining('is empty'), stderr: '' })
  const warren = at(seed, { WARREN_OPERATOR_KEY: key })
  for (const reason of ['one', 'two']) await warren('block', PURL, '--mesh', '--reason', reason)
  await eventually('it has heard that all have done so', async () => {
    const { stdout } = await elsewhere('ledger')
    const rows = stdout.split('\n').map((row) => row.split(/ {2,}/).slice(2))
    return (
      JSON.stringify(rows.slice(0, 3)) ===
      JSON.stringify([
        ['author', 'type', 'subject', 'effect', 'nodes'],
        ['ada', 'policy.block', `block ${PURL}`, 'replaced by a later op', rows[1]?.[4]],
        ['ada', 'policy.block', `block ${PURL}`, 'in effect', 'all 2'],
      ])
    )
  })
  const { ops } = JSON.parse((await elsewhere('ledger', '--json')).stdout)
  expect(ops.map(({ body }: { body: { reason: string } }) => body.reason)).toEqual(['one', 'two'])
  const refused = await runWarren(['ledger', '--node', member.admin], { home })
  expect([refused.code, refused.stdout]).toEqual([1, ''])
  expect(refused.stderr).toContain('WARREN_TOKEN')
})

test('without a key a member refuses to change the mesh, and says how it is done', async () => {
  const { member, at, blocked } = await world()
  const { code, stdout, stderr } = await at(member)('block', PURL, '--mesh')
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('warren operator add')])
  expect(await blocked(member)).toEqual([])
})

test('where the admin key is, the node signs: a purge of everything goes to all', async () => {
  const { seed, member, at } = await world()
  const purged = await at(seed)('purge', '--all', '--mesh', '--yes')
  expect(purged).toMatchObject({ code: 0, stdout: `The purge is ${ALL}.\n` })
  const runs = async () => (await member.api('GET', 'purges')).body.purges
  expect(await runs()).toMatchObject([{ scopes: [{ kind: 'all' }] }])
  const ofMirror = await at(seed)('purge', '--mirror', 'npm', '--mesh', '--yes', '--json')
  expect(JSON.parse(ofMirror.stdout).body).toEqual({
    scopes: [{ kind: 'upstream', ecosystem: 'npm', base: 'http://127.0.0.1:9/' }],
  })
  await eventually('the member has heard of both', async () => (await runs()).length === 2)
})

test('mirrors of a node are given to the mesh, and taken back', async () => {
  const { seed, member, at, file } = await world()
  const warren = at(seed)
  await warren('mirrors', 'add', 'corp', '--protocol', 'npm', '--upstream', 'http://127.0.0.1:9/corp/')
  const pushed = await warren('mirrors', 'push', 'corp', '--operator-key', file)
  expect(pushed).toMatchObject({ code: 0, stdout: `corp is a mirror of the mesh: ${ALL}.\n` })
  const mirror = async () => (await member.api('GET', 'mirrors/corp')).body
  expect(await mirror()).toMatchObject({ layer: 'ledger', entry: { protocol: 'npm', upstreams: ['http://127.0.0.1:9/corp/'] } })
  expect((await warren('mirrors', 'push', 'corp', '--undo', '--operator-key', file)).stdout).toBe(
    `corp is a mirror of the mesh no more: ${ALL}.\n`,
  )
  expect((await mirror()).title).toBe('NOT_FOUND')
  await warren('mirrors', 'remove', 'npm')
  expect((await warren('mirrors', 'push', 'npm')).stdout).toBe(`npm is taken away in the mesh: ${ALL}.\n`)
})

test('an operator key without --mesh is refused: it would be of no use', async () => {
  const { member, at, file, blocked } = await world()
  const { code, stderr } = await at(member)('block', PURL, '--operator-key', file)
  expect([code, stderr]).toEqual([2, expect.stringContaining('give --mesh as well')])
  expect(await blocked(member)).toEqual([])
})

test('the ledger of a running node tells who has put each op into effect', async () => {
  const { seed, member, at, key } = await world()
  await at(member, { WARREN_OPERATOR_KEY: key })('block', PURL, '--mesh')
  const shown = await at(seed)('ledger')
  expect(shown.stdout.split('\n').map((line) => line.split(/ {2,}/).slice(2))).toEqual([
    ['author', 'type', 'subject', 'effect', 'nodes'],
    ['ada', 'policy.block', PURL, 'package blocked', 'all 2'],
    [],
  ])
  await member.node.stop()
  const purged = await at(seed)('purge', '--all', '--mesh', '--yes')
  expect(purged.stdout).toContain(`in effect at 1 node; not yet heard of by ${member.peer} (away)`)
  expect((await at(seed)('ledger')).stdout).toContain('1, 1 missing')
  const { ops } = JSON.parse((await at(seed)('ledger', '--json')).stdout)
  expect(ops[1]).toMatchObject({ type: 'purge', missing: [{ peer: member.peer, connected: false }] })
})

test.each([
  ['of another mesh', async () => (await world()).key, 2, 'the operator key is for mesh'],
  ['that is none', async () => 'nonsense', 2, 'this is no operator key'],
])('an operator key %s is refused before anything is sent', async (_, given, code, message) => {
  const { member, at } = await world()
  const refused = await at(member, { WARREN_OPERATOR_KEY: await given() })('block', PURL, '--mesh')
  expect([refused.code, refused.stderr]).toEqual([code, expect.stringContaining(message)])
})
