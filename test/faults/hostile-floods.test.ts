import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Digest, formatDigest } from '../../node/digest.ts'
import { artifactPath } from '../../node/mesh/artifacts/artifact-wire.ts'
import { BLOB_PATH } from '../../node/mesh/blobs/constants.ts'
import { headers } from '../harness/fault.ts'
import type { Heard, HostileMember } from '../harness/hostile-member.ts'
import { claimAll, providerName, providersOf } from '../harness/kad-wire.ts'
import { keepLogs } from '../harness/kept-logs.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import type { MemberProcess } from '../harness/member-process.ts'
import type { SyntheticPackage } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { digestOf } from '../node/cache/plans.ts'
import { HostileMesh } from './hostile-mesh.ts'

const TIMEOUT_MS = 300_000
const MIB = 1 << 20
/** What a seed does for one member. */
const BUDGET = { requests: 300, fetches: 40, bytes: 3 * MIB, pulls: 4 }
/** Questions of a flood that are under way at once. */
const AT_ONCE = 8
/** Artifacts of a MiB each that somebody has a seed fetch, and bytes of all that tells what they must be. */
const HOARDED = 16
const MANIFEST_BYTES = 64 << 10
const SEEDS = 2
/** Provider records that a server of the DHT keeps of one member. */
const QUOTA = 20_000
const INVENTORY_PROTOCOL = '/warren/inventory/1.0.0'

useLeakCheck()
const temp = useTempFolders('file')

let all: HostileMesh
beforeAll(async () => {
  all = await HostileMesh.start(temp, {
    registries: {
      npm: { packages: 12, bytes: [5_000, 9_000], seed: 91 },
      flood: { packages: 200, bytes: [5_000, 9_000], seed: 92 },
      heavy: { packages: 56, bytes: [MIB, MIB], seed: 93 },
      counted: { packages: 16, seed: 94 },
    },
    budget: BUDGET,
  })
  all.replay('counted').fail(/./, headers({ 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '90;w=21600' }))
}, TIMEOUT_MS)
afterAll(() => all?.[Symbol.asyncDispose]())

/** Packages whose names stand in keys as they are. */
const plain = (mirror: string) => all.packages(mirror).filter(({ name }) => !name.startsWith('@'))

/** Gives the path at which a seed is asked for what is at a path of a mirror. */
async function pathsOf(mirror: string, of: (one: SyntheticPackage) => string) {
  const [first] = plain(mirror)
  const [node] = all.members
  if (!first || !node) throw new Error('there is nothing to ask for')
  const { name: key } = await node.explain(`/${mirror}${of(first)}`)
  if (key === null) throw new Error('it has no key')
  return (one: SyntheticPackage) => artifactPath(key.replaceAll(first.name, one.name)) ?? ''
}

/** Some at a time. */
async function inCrowds(times: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < times) await work(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** Why a seed did not do it; undefined where it did. */
function refusalOf({ status, headers: told, body }: Heard): string | undefined {
  if (status < 300) return undefined
  expect([status, told['x-warren-error']]).toEqual([429, 'BUDGET_SPENT'])
  return body.toString()
}

const blobPath = (digest: Digest) => BLOB_PATH + formatDigest(digest)
/** By which members ask for what npm knows. */
const bytesAt = async (seed: MemberProcess) => (await seed.status()).store.bytes
const budgetOf = async (seed: MemberProcess, { id }: Pick<HostileMember, 'id'>) =>
  (await seed.peers()).find((peer) => peer.id === id)?.budget

/** A way to have a seed fetch what one does not want. */
interface Hoarding {
  readonly what: string
  /** The first of the artifacts. */
  readonly from: number
  /** Artifacts that may come beyond the budget: they were under way when it was spent. */
  readonly late: number
  ask(liar: HostileMember, seed: MemberProcess, path: string): Promise<unknown>
}

const aByteOf = (path: string) => ({ method: 'GET', path, headers: { range: 'bytes=0-0' } }) as const

describe('a member that has a seed fetch without end', () => {
  it('gets so many questions to upstream an hour and answers a minute, and others get what they want', {
    timeout: TIMEOUT_MS,
  }, async () => {
    keepLogs(() => all.mesh.members)
    const liar = await all.attacker()
    const replay = all.replay('flood')
    const packages = plain('flood')
    const paths = packages.map(await pathsOf('flood', ({ tarball }) => tarball))
    const before = await Promise.all(all.seeds.map(bytesAt))
    for (const seed of all.seeds) {
      const refusals: (string | undefined)[] = []
      await inCrowds(paths.length, async (at) => {
        const method = at % 2 === 0 ? 'GET' : 'POST'
        refusals.push(refusalOf(await liar.ask(seed, { method, path: paths[at] ?? '' })))
      })
      const done = refusals.filter((refusal) => refusal === undefined).length
      expect(done, seed.name).toBeGreaterThan(0)
      expect(refusals.filter((one) => one?.includes(`${BUDGET.fetches} questions to upstream an hour`)).length).toBeGreaterThan(
        0,
      )
      await inCrowds(BUDGET.requests, async () => {
        refusals.push(refusalOf(await liar.ask(seed, { method: 'GET', path: paths[0] ?? '' })))
      })
      expect(refusals.filter((one) => one?.includes(`${BUDGET.requests} questions a minute`)).length).toBeGreaterThan(0)
    }
    await all.atRest()
    // For each artifact a manifest says what it must be, which both seeds may look up.
    expect(replay.tally.kind('tarball').requests).toBeLessThanOrEqual(SEEDS * BUDGET.fetches)
    expect(replay.tally.total.requests).toBeLessThanOrEqual((1 + SEEDS) * SEEDS * BUDGET.fetches)
    const most = Math.max(...packages.map(({ archive }) => archive.length))
    const after = await Promise.all(all.seeds.map(bytesAt))
    for (const [at, bytes] of after.entries()) {
      expect(bytes - (before[at] ?? 0), all.seeds[at]?.name).toBeLessThanOrEqual(2 * SEEDS * BUDGET.fetches * most)
    }
    for (const seed of all.seeds) expect((await budgetOf(seed, liar))?.fetches).toBe(0)
    const sources = []
    for (const node of all.members) {
      for (const one of all.packages('npm').slice(0, 4)) sources.push(await all.install(node, 'npm', one))
    }
    expect(sources).toContain('seed')
    await all.blamesNobodyHonest()
  })

  it.each<Hoarding>([
    { what: 'takes a byte of each', from: 0, late: 1, ask: (liar, seed, path) => liar.ask(seed, aByteOf(path)) },
    { what: 'leaves at once', from: 16, late: 1, ask: (liar, seed, path) => liar.askAndLeave(seed, { method: 'GET', path }) },
    // Four of what members say that they have are fetched at a time.
    { what: 'says that it has all', from: 32, late: 4, ask: (liar, seed, path) => liar.ask(seed, { method: 'POST', path }) },
  ])('fills no disk beyond its budget when it $what', { timeout: TIMEOUT_MS }, async ({ from, late, ask }) => {
    keepLogs(() => all.mesh.members)
    const liar = await all.attacker()
    const { tally } = all.replay('heavy')
    const packages = plain('heavy').slice(from, from + HOARDED)
    const pathOf = await pathsOf('heavy', ({ tarball }) => tarball)
    const before = await Promise.all(all.seeds.map(bytesAt))
    const sentBefore = tally.kind('tarball').bytes
    for (const seed of all.seeds) for (const one of packages) await ask(liar, seed, pathOf(one)).catch(() => {})
    await all.atRest()
    const largest = Math.max(...packages.map(({ archive }) => archive.length))
    const most = SEEDS * (BUDGET.bytes + late * largest) + MANIFEST_BYTES
    const sent = tally.kind('tarball').bytes - sentBefore
    expect(sent).toBeGreaterThanOrEqual(BUDGET.bytes)
    expect(sent).toBeLessThanOrEqual(most)
    const after = await Promise.all(all.seeds.map(bytesAt))
    for (const [at, bytes] of after.entries()) expect(bytes - (before[at] ?? 0), all.seeds[at]?.name).toBeLessThanOrEqual(most)
    for (const seed of all.seeds) expect((await budgetOf(seed, liar))?.bytes).toBe(0)
  })

  it('uses no more of what a registry counts than its pulls', { timeout: TIMEOUT_MS }, async () => {
    keepLogs(() => all.mesh.members)
    const liar = await all.attacker()
    const replay = all.replay('counted')
    const packages = plain('counted')
    const pathOf = await pathsOf('counted', ({ name }) => `/${name}`)
    const refusals: (string | undefined)[] = []
    for (const seed of all.seeds) {
      for (const one of packages) refusals.push(refusalOf(await liar.ask(seed, { method: 'GET', path: pathOf(one) })))
    }
    expect(refusals.filter((one) => one?.includes(`${BUDGET.pulls} pulls a day`)).length).toBeGreaterThan(0)
    // That it counts is known after the first answer.
    expect(replay.tally.total.requests).toBeLessThanOrEqual(SEEDS * (BUDGET.pulls + 1))
    expect(replay.tally.total.requests).toBeGreaterThan(0)
  })
  it('is forgotten as a provider beyond a quota, others are not, and look-ups that lead to it come to a good end', {
    timeout: TIMEOUT_MS,
  }, async () => {
    keepLogs(() => all.mesh.members)
    // Of one that does not tell what it has, the DHT has to be asked.
    const liar = await all.attacker({ deafTo: [INVENTORY_PROTOCOL] })
    const other = await all.attacker()
    const [seed] = all.seeds
    const [node] = all.members
    if (!seed || !node) throw new Error('they did not start')
    const [first, ...flood] = Array.from({ length: QUOTA + 1 }, (_, at) => digestOf(Buffer.from(`made up ${at}`)))
    const others = digestOf(Buffer.from('of another member'))
    if (!first) throw new Error('there is no flood')
    const named = async (digest: Digest) => providersOf(liar.connection(seed), digest)
    await claimAll(other.connection(seed), other.id, [others])
    await claimAll(liar.connection(seed), liar.id, [first])
    expect(await named(first)).toEqual([providerName(liar.id)])
    await claimAll(liar.connection(seed), liar.id, flood)
    expect(await named(first)).toEqual([])
    expect(await named(flood.at(-1) as Digest)).toEqual([providerName(liar.id)])
    expect(await named(others)).toEqual([providerName(other.id)])

    const [held, ...wanted] = all.packages('npm').slice(4)
    if (!held) throw new Error('there are no packages')
    await all.install(seed, 'npm', held)
    await all.atRest()
    expect(await named(digestOf(held.archive))).toContain(providerName(seed.peer))
    for (const one of all.seeds)
      await claimAll(
        liar.connection(one),
        liar.id,
        wanted.map(({ archive }) => digestOf(archive)),
      )
    for (const one of wanted) await all.install(node, 'npm', one)
    const asked = wanted.filter(({ archive }) => liar.askedBy(node.peer, blobPath(digestOf(archive))).length > 0)
    expect(asked.length).toBeGreaterThan(0)
    await all.blamesNobodyHonest()
  })
})
