import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { homeOf } from '../../node/cache/home.ts'
import { systemClock } from '../../node/clock.ts'
import { ranked } from '../../node/mesh/rendezvous.ts'
import type { Seeds } from '../../node/mesh/seeds.ts'
import { DiskStore } from '../../node/store/disk-store.ts'
import { protocols } from '../../protocols/index.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Members } from '../harness/members.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { type MeshNode, TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

const REAL = 180_000
/** Ms in which seeds see who came, sweep, and bring what is missing. */
const LIMIT_MS = 60_000

useLeakCheck()
const temp = useTempFolders()

/** Seeds of one mesh before a registry that was never anywhere. */
async function seedsOf(count: number, packages: number) {
  const registry = new SyntheticRegistry({ packages, odd: false })
  const replay = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => replay.stop())
  const mesh = await TestMesh.create(temp, { upstream: replay.url })
  const seeds: MeshNode[] = [mesh.seed]
  while (seeds.length < count) seeds.push(await mesh.join({ upstream: replay.url, role: 'seed' }))
  const paths = registry.latest.flatMap(({ name, tarball }) => [name, new URL(tarball, replay.url).pathname.slice(1)])
  return { mesh, seeds, replay, paths }
}

/** Resolves once each seed has swept, later than `since` (ms since the epoch), and all pins are on all their seeds. */
async function complete(seeds: readonly MeshNode[], since = 0): Promise<void> {
  const isComplete = async () => {
    const all = await Promise.all(seeds.map((seed) => seed.pins()))
    return all.every((own) => own?.missing === 0 && own.wanted > 0 && (own.sweep.endedAt ?? 0) > since)
  }
  await eventually('all pins are on all their seeds', isComplete, LIMIT_MS)
}

/** The pins in the store of a node that has stopped, each of which has its bytes. */
async function pinsOn(data: string): Promise<string[]> {
  const components = { now: systemClock.now, trouble: (what: string) => expect.fail(what) }
  const store = await DiskStore.open(components, { folder: join(data, 'store'), minFree: { bytes: 0 }, hotBytes: 0 })
  try {
    const keys: string[] = []
    for await (const [key, { blob }] of store.records.entries('')) {
      const body = await store.blobs.open(blob)
      expect(body?.sha256).toBe(blob)
      body?.close()
      keys.push(key)
    }
    return keys
  } finally {
    await store.close()
  }
}

describe('three seeds', () => {
  it('have every pin on two of them again when one comes back with an empty disk', { timeout: REAL }, async () => {
    const { seeds, paths, replay } = await seedsOf(3, 12)
    const fetched = await Promise.all(paths.map((path, at) => exchange(`${seeds[at % 3]?.npm}${path}`)))
    expect(new Set(fetched.map(({ status }) => status))).toEqual(new Set([200]))
    for (const seed of seeds) await storeAtRest(seed)
    await complete(seeds)
    const [first, second, victim] = seeds as [MeshNode, MeshNode, MeshNode]
    const asked = replay.tally.total.requests

    await victim.node.stop()
    rmSync(join(victim.data, 'store'), { recursive: true })
    const since = Date.now()
    const back: MeshNode = { ...victim, ...(await startNode({ upstream: replay.url, data: victim.data })) }
    await complete([first, second, back], since)
    expect(replay.tally.total.requests).toBe(asked)
    for (const path of paths) {
      const places = await Promise.all([first, second].map((seed) => seed.placeOf(`/npm/${path}`)))
      const known = places.find((place) => place && place.blob !== null)?.seeds ?? []
      expect(known.filter(({ belongs }) => belongs).map(({ holds }) => holds)).toEqual([true, true])
    }

    for (const { node } of [first, second, back]) await node.stop()
    const held = new Map<string, string[]>()
    for (const { peer, data } of seeds) for (const key of await pinsOn(data)) held.set(key, [...(held.get(key) ?? []), peer])
    expect(held.size).toBeGreaterThanOrEqual(paths.length)
    const ids = seeds.map(({ peer }) => peer)
    for (const [key, holders] of held)
      expect(holders).toEqual(expect.arrayContaining(ranked(homeOf(key, protocols), ids).slice(0, 2)))
    const share = [...held].filter(([key]) => ranked(homeOf(key, protocols), ids).indexOf(victim.peer) < 2).length
    expect([...held].filter(([, holders]) => holders.includes(victim.peer))).toHaveLength(share)
    expect(share).toBeGreaterThan(0)
  })
})

describe('a member that plays a seed', () => {
  it('is told nothing but how the pins stand, and changes nothing', { timeout: REAL }, async () => {
    const { mesh, seeds, paths } = await seedsOf(1, 2)
    const [seed] = seeds as [MeshNode]
    await exchange(seed.npm + paths[0])
    const { blobs, bytes, records } = await storeAtRest(seed)
    let view: Seeds | undefined
    const members = new Members(temp, { ticket: (joiner) => mesh.ticket(joiner) })
    const pins = {
      start: (started: Seeds) => {
        view = started
      },
      stop: async () => {},
    }
    try {
      await members.join({ pins, mesh: { bootstrap: (await seed.status()).mesh.listen } })
      const never = new AbortController().signal
      const ask = async (method: 'GET' | 'POST', path: string, question?: unknown) => {
        const body = Buffer.from(question === undefined ? '' : JSON.stringify(question))
        const headers = { 'content-length': String(body.length) }
        const asked = { method, path, ...(question !== undefined && { body, headers }) }
        const { status, body: answer } = (await view?.ask(seed.peer, asked, 1 << 20, never)) ?? { status: 0, body: '' }
        return { status, text: answer.toString() }
      }
      const key = ['npm', 'https://registry.test/', 'evil', '', ''].join('\n')
      const record = {
        v: 1,
        blob: '0'.repeat(64),
        size: 1,
        headers: {},
        fetchedAt: 1,
        checkedAt: 1,
        freshFor: null,
        verified: [],
      }
      expect(await ask('POST', '/pins/v1/records', { v: 1, pins: [{ key, record }] })).toMatchObject({ status: 403 })
      expect(await ask('POST', '/pins/v1/holds', { v: 1, keys: [key] })).toMatchObject({ status: 403 })
      expect(await ask('POST', '/pins/v1/records', 'nothing of the kind')).toMatchObject({ status: 403 })
      const summary = await ask('GET', '/pins/v1/summary')
      expect(summary.status).toBe(200)
      expect(JSON.parse(summary.text).pins).toMatchObject({ replicas: 2 })
      expect(summary.text).not.toContain('package')
      expect(await storeAtRest(seed)).toMatchObject({ blobs, bytes, records })
    } finally {
      await members.close()
    }
  })
})
