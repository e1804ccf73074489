import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { type MeshNode, TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

const QUOTA = 1 << 20
/** Of which one is no more than what is left when room begins to be made. */
const BYTES: [number, number] = [18_000, 26_000]

/** Asks a node for packages one after the other; how many it had, all of them right. */
async function ask(node: MeshNode, packages: SyntheticRegistry['latest']): Promise<number> {
  let had = 0
  for (const { tarball, archive } of packages) {
    const reply = await exchange(node.url + join('/npm', tarball))
    if (reply.status !== 200) continue
    expect([reply.complete, reply.body.equals(archive)]).toEqual([true, true])
    had++
  }
  return had
}

describe('a member with a small quota', () => {
  it('evicts only what its seed holds, and has it again from there', { timeout: 120_000 }, async () => {
    const registry = new SyntheticRegistry({ packages: 70, versions: 1, bytes: BYTES, odd: false, seed: 11 })
    const replay = await new ReplayUpstream(registry.recording).start()
    onTestFinished(() => replay.stop())
    const mesh = await TestMesh.create(temp, { upstream: replay.url })
    const member = await mesh.join({ upstream: replay.url, config: { store: { minFree: { bytes: 0 }, quota: QUOTA } } })
    // Some the seed has before; of the rest it may have what it fetched for the member, or what that handed over.
    const [shared, others] = [registry.latest.slice(0, 40), registry.latest.slice(40, 65)]
    expect(await ask(mesh.seed, shared)).toBe(40)
    await storeAtRest(mesh.seed)
    expect(await ask(member, others)).toBe(25)
    for (const one of shared) {
      // What comes faster than room is made is served and not kept, documents as well, which are missing when upstream is gone.
      await eventually('there is room', async () => (await storeAtRest(member)).bytes <= 0.95 * QUOTA)
      expect(await ask(member, [one])).toBe(1)
    }
    const { store } = await eventually('room was made', async () => {
      const now = await member.status()
      return now.store.evicted !== undefined && now.store.evicted.blobs > 0 && now.flights === 0 && now
    })
    expect(store.quota).toBe(QUOTA)
    expect(store.bytes).toBeLessThanOrEqual(QUOTA)

    // Whatever is here no more is there.
    await replay.gone()
    expect(await ask(member, others)).toBe(25)
    const before = (await member.status()).requests
    expect(await ask(member, shared)).toBe(40)
    const after = (await member.status()).requests
    expect(after.seed).toBeGreaterThan(before.seed)
    expect((await member.status()).store.bytes).toBeLessThanOrEqual(QUOTA)
    await replay.back()
  })

  it('stores nothing more than its quota while no seed is there, and evicts nothing', { timeout: 120_000 }, async () => {
    const registry = new SyntheticRegistry({ packages: 70, versions: 1, bytes: BYTES, odd: false, seed: 12 })
    const replay = await new ReplayUpstream(registry.recording).start()
    onTestFinished(() => replay.stop())
    const mesh = await TestMesh.create(temp, { upstream: replay.url })
    const member = await mesh.join({ upstream: replay.url, config: { store: { minFree: { bytes: 0 }, quota: QUOTA } } })
    await mesh.seed.node.stop()
    await eventually('the seed is gone', async () => (await member.status()).mesh.peers === 0)
    expect(await ask(member, registry.latest)).toBe(70)
    const store = await eventually('it is known why nothing can be evicted', async () => {
      const now = await storeAtRest(member)
      return (now.evicted?.obstacle ?? null) !== null && now
    })
    expect(store.bytes).toBeLessThanOrEqual(QUOTA)
    expect(store.evicted).toEqual({ blobs: 0, bytes: 0, obstacle: 'no seed' })
    // Each answer is the last one's successor: what was kept first is still here.
    await replay.gone()
    expect(await ask(member, registry.latest)).toBeGreaterThan(10)
    await replay.back()
  })
})
