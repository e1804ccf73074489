import { expect, it } from 'vitest'
import { answer } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { get } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import type { MemberProcess } from '../harness/member-process.ts'
import { Operator } from '../harness/operator.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { LanMesh } from './lan-mesh.ts'

/** Machines with a node each: few are enough to find a mistake, and more show that it holds for a mesh of real size. */
const MACHINES = Number(process.env.WARREN_TEST_NODES ?? 4)
/** Nobody is told that a wire was cut, or is there again. */
const NOTICED_LIMIT_MS = 90_000 + 10_000 * MACHINES

useLeakCheck()
const temp = useTempFolders()

const isMember = ({ role }: MemberProcess) => role === 'member'
const digestOf = async (node: MemberProcess): Promise<string> => (await node.api('GET', 'ops')).body.digest
const corpOf = async (node: MemberProcess) => (await node.status()).mirrors.find(({ name }) => name === 'corp')?.path

it('a mesh that is changed on both sides of a cut is the same everywhere once it is healed, and what was purged is gone', {
  timeout: 300_000 + 30_000 * MACHINES,
}, async (context) => {
  await using all = await LanMesh.create(context, temp, { machines: MACHINES, packages: 2 })
  const { lan, registry, replay, mesh } = all
  await all.joinAll()
  const [one, other] = registry.latest
  if (!one || !other) throw new Error('there are no packages')
  for (const node of mesh.members)
    for (const { tarball } of [one, other]) expect((await get(`${node.url}/npm${tarball}`)).status).toBe(200)
  const operator = new Operator(mesh.founded)
  const half = Math.ceil(MACHINES / 2)
  const [here, there] = [mesh.members.slice(0, half), mesh.members.slice(half)].map((side) => side.find(isMember))
  if (!here || !there) throw new Error('there is no member on each side')

  const sides = [lan.hosts.slice(0, half), lan.hosts.slice(half)] as const
  lan.partition(...sides)
  const entry = (path: string) => ({ name: 'corp', entry: { protocol: 'npm', path, upstreams: [replay.url] } })
  const purge = { scopes: [{ kind: 'package', purl: `pkg:npm/${one.name}` }] }
  const said = [
    await operator.issue(here, 'mirrors.set', entry('/here/')),
    await operator.issue(there, 'mirrors.set', entry('/there/')),
    await operator.issue(here, 'purge', purge),
    await operator.issue(there, 'policy.block', { purl: `pkg:npm/${other.name}`, reason: 'not on either side' }),
  ]
  expect(said.map(({ status }) => status)).toEqual([202, 202, 202, 202])
  expect(await Promise.all([here, there].map(corpOf))).toEqual(['/here/', '/there/'])
  expect(await digestOf(here)).not.toBe(await digestOf(there))
  expect((await get(`${there.url}/npm${one.tarball}`)).headers['x-warren-source']).toBe('local')

  replay.fail(/\.tgz$/, instead(answer(503, 'not today')))
  lan.heal(...sides)
  const isOne = async () => new Set(await Promise.all(mesh.members.map(digestOf))).size === 1
  await eventually('all ledgers are the same', isOne, NOTICED_LIMIT_MS)
  for (const { body } of said) {
    const isAll = async () => (await here.api('GET', `ops/${body.hash}`)).body.appliedBy?.length === mesh.members.length
    await eventually(`all have acknowledged ${body.type}`, isAll, NOTICED_LIMIT_MS)
  }
  const paths = await Promise.all(mesh.members.map(corpOf))
  expect(new Set(paths).size).toBe(1)
  for (const node of mesh.members) {
    expect((await get(`${node.url}/npm${one.tarball}`)).status).toBe(503)
    const refused = await get(`${node.url}/npm${other.tarball}`)
    expect([refused.status, String(refused.body)]).toEqual([403, expect.stringContaining('not on either side')])
  }
})
