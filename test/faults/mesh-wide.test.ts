import { describe, expect, it, onTestFinished } from 'vitest'
import { answer } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { get } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Operator } from '../harness/operator.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { type MeshNode, TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

const MINUTE = 60_000
/** Members beside the seed, where it matters how many there are. */
const MEMBERS = Number(process.env.WARREN_TEST_NODES ?? 3) - 1
const TIMEOUT = 60_000 + 15_000 * MEMBERS
const ALL = { scopes: [{ kind: 'all' }] }

/** A seed and members, each with a clock of its own, before a registry with some packages. */
async function world(members: number) {
  const registry = new SyntheticRegistry({ packages: 3, odd: false })
  const replay = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => replay.stop())
  const clocks = Array.from({ length: members + 1 }, () => new ShiftedClock())
  const init = (at: number) => ({ upstream: replay.url, overrides: { clock: clocks[at] ?? new ShiftedClock() } })
  const mesh = await TestMesh.create(temp, init(0))
  const others: MeshNode[] = []
  for (let at = 1; at <= members; at++) others.push(await mesh.join(init(at)))
  const { membership, adminKey, seed } = mesh
  const operator = new Operator({ mesh: membership.mesh, adminKey })
  const [one] = registry.latest
  if (!one) throw new Error('there is no package')
  return { registry, replay, mesh, clocks, seed, others, all: [seed, ...others], operator, one, init }
}

const sourceOf = async (node: MeshNode, path: string) => {
  const { status, headers } = await get(`${node.url}/npm${path}`)
  return [status, headers['x-warren-source']]
}

async function acknowledged(node: MeshNode, hash: string, by: readonly MeshNode[]): Promise<void> {
  await eventually('all have put it into effect', async () => {
    const appliedBy: readonly string[] | null = (await node.api('GET', `ops/${hash}`)).body.appliedBy
    return by.every(({ peer }) => appliedBy?.includes(peer))
  })
}

describe('a purge of the whole mesh', () => {
  it('takes from every node what it is about, and upstream is asked anew', async () => {
    const { all, others, operator, one, replay } = await world(2)
    const kept = new Map<string, number>()
    for (const node of all) {
      expect((await get(`${node.url}/npm${one.tarball}`)).status).toBe(200)
      kept.set(node.peer, (await storeAtRest(node)).bytes)
    }
    const asked = () => replay.tally.path(one.tarball).requests
    expect(asked()).toBe(1)
    const { hash } = (await operator.issue(others[0] as MeshNode, 'purge', ALL)).body
    await acknowledged(others[1] as MeshNode, hash, all)
    for (const node of all) await eventually('nothing is left', async () => (await node.status()).store.records === 0)
    const freed = await eventually('each has told what it has freed', async () => {
      const op = (await (others[1] as MeshNode).api('GET', `ops/${hash}`)).body
      return op.freed.length === all.length && op.freed
    })
    expect(new Map(freed.map(({ peer, bytes }: { peer: string; bytes: number }) => [peer, bytes]))).toEqual(kept)
    expect(await sourceOf(others[1] as MeshNode, one.tarball)).toEqual([200, 'seed'])
    expect(asked()).toBe(2)
  })

  it('is caught up with by who was away: what was purged is neither served to others nor learnt from it again', {
    timeout: TIMEOUT,
  }, async () => {
    const { mesh, seed, others, operator, one, init, replay } = await world(MEMBERS - 1)
    const [away] = others as [MeshNode]
    for (const node of [seed, away]) expect((await get(`${node.url}/npm${one.tarball}`)).status).toBe(200)
    await storeAtRest(away)
    await away.node.stop()
    const { hash } = (await operator.issue(seed, 'purge', ALL)).body
    await acknowledged(seed, hash, [seed])
    const fresh = await mesh.join(init(1))
    replay.fail(/\.tgz$/, instead(answer(503, 'not today')))
    const back = await mesh.again(away, init(1))
    // From the first moment on: it may have heard of the purge, or nobody takes anything from it.
    for (let round = 0; round < 20; round++) expect((await get(`${fresh.url}/npm${one.tarball}`)).status).toBe(503)
    await acknowledged(seed, hash, [back])
    expect((await get(`${back.url}/npm${one.tarball}`)).status).toBe(503)
  })

  it('asks no clock: nodes that are ten minutes apart carry it out alike', { timeout: TIMEOUT }, async () => {
    const { all, clocks, others, operator, one } = await world(MEMBERS)
    for (const node of all) expect((await get(`${node.url}/npm${one.tarball}`)).status).toBe(200)
    for (const [at, clock] of clocks.entries()) clock.shift = ((at % 3) - 1) * 10 * MINUTE
    const { hash } = (await operator.issue(others[0] as MeshNode, 'purge', ALL)).body
    await acknowledged(others[0] as MeshNode, hash, all)
    for (const node of all) await eventually('nothing is left', async () => (await node.status()).store.records === 0)
    for (const node of all) expect((await get(`${node.url}/npm${one.tarball}`)).status).toBe(200)
    for (const node of all) expect((await storeAtRest(node)).records).toBeGreaterThan(0)
  })
})

describe('a change of the whole mesh', () => {
  it('that blocks a package has every node refuse it, with the reason, until that is taken back', async () => {
    const { all, others, operator, one } = await world(2)
    const purl = `pkg:npm/${one.name}`
    const { hash } = (await operator.issue(others[0] as MeshNode, 'policy.block', { purl, reason: 'it steals tokens' })).body
    await acknowledged(others[0] as MeshNode, hash, all)
    for (const node of all) {
      const { status, body } = await get(`${node.url}/npm${one.tarball}`)
      expect([status, String(body)]).toEqual([403, expect.stringContaining('it steals tokens')])
    }
    const undone = (await operator.issue(others[1] as MeshNode, 'policy.unblock', { purl })).body.hash
    await acknowledged(others[0] as MeshNode, undone, all)
    for (const node of all) expect((await get(`${node.url}/npm${one.tarball}`)).status).toBe(200)
  })

  it('adds a mirror that works at every node without a restart, and takes it away again', async () => {
    const { all, others, operator, one, replay } = await world(1)
    const entry = { protocol: 'npm', path: '/npm-corp/', upstreams: [replay.url] }
    const { hash } = (await operator.issue(others[0] as MeshNode, 'mirrors.set', { name: 'corp', entry })).body
    await acknowledged(others[0] as MeshNode, hash, all)
    const statuses = () => Promise.all(all.map(async ({ url }) => (await get(`${url}/npm-corp${one.tarball}`)).status))
    expect(await statuses()).toEqual([200, 200])
    const gone = (await operator.issue(all[0] as MeshNode, 'mirrors.unset', { name: 'corp' })).body.hash
    await acknowledged(others[0] as MeshNode, gone, all)
    expect(await statuses()).toEqual([404, 404])
  })

  it('is over for a node that leaves its mesh', async () => {
    const { others, operator, one } = await world(1)
    const [member] = others as [MeshNode]
    const { hash } = (await operator.issue(member, 'policy.block', { purl: `pkg:npm/${one.name}` })).body
    await acknowledged(member, hash, [member])
    expect((await get(`${member.url}/npm${one.tarball}`)).status).toBe(403)
    member.leave()
    await eventually('the block is gone', async () => (await get(`${member.url}/npm${one.tarball}`)).status === 200)
  })

  it.each([
    ['policy.block', { purl: 'left-pad' }, 'purl'],
    ['policy.set', { setting: 'minimumAge', value: 'soon' }, 'minimumAge must be'],
    ['mirrors.set', { name: 'corp', entry: { protocol: 'nmp', upstreams: ['https://corp.test/'] } }, 'mirrors.corp.protocol'],
    ['purge', { scopes: [{ kind: 'some' }] }, 'scopes.0'],
  ] as const)('by %s that no node could put into effect is refused where it is handed in', async (type, body, message) => {
    const { seed, operator } = await world(0)
    const reply = await operator.issue(seed, type, body as never)
    expect([reply.status, reply.body.title, reply.body.detail]).toEqual([400, 'BAD_REQUEST', expect.stringContaining(message)])
    expect((await seed.api('GET', 'ops')).body.ops).toEqual([])
  })
})
