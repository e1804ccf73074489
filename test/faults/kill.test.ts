import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { exchange } from '../harness/http.ts'
import { type NodeProcessInit, startNodeProcess } from '../harness/node.ts'
import { Random } from '../harness/random.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { checkStore } from '../harness/whole-store.ts'

type Config = NonNullable<NodeProcessInit['config']>

/** Kills that have to hit a node with a fetch under way; those before the first request or after the last answer come on top. */
const KILLS = 150
const MOST_ROUNDS = 2 * KILLS
/** A fresh data folder after so many rounds, so that there is always something cold to be killed in the middle of. */
const ROUNDS_PER_FOLDER = 5
/** Ms between the first fetch and the kill. */
const LATEST_KILL = 400

/** With the upstream gone, whatever a node answers is whole and right. Resolves with the tarballs that it had. */
async function checkFromOutside(data: string, registry: SyntheticRegistry, config: Config): Promise<number> {
  const node = await startNodeProcess({ data, config })
  try {
    let served = 0
    for (const { tarball, archive } of registry.latest) {
      const reply = await exchange(node.url + join('/npm', tarball))
      expect([200, 503]).toContain(reply.status)
      if (reply.status !== 200) continue
      served++
      expect([reply.complete, reply.body.equals(archive)]).toEqual([true, true])
    }
    return served
  } finally {
    await node.stop()
  }
}

describe('a node that is killed', () => {
  const temp = useTempFolders('file')

  it(`${KILLS} times at random moments of an installation keeps a right store and never serves a part`, {
    timeout: 1_800_000,
  }, async () => {
    const random = new Random(20_261_124)
    const registry = new SyntheticRegistry({ packages: 120, versions: 1, bytes: [1_000, 2_000_000], odd: false, seed: 7 })
    const replay = await new ReplayUpstream(registry.recording).start()
    const mirrors = { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } }
    const config: Config = { mirrors, log: { level: 'silent' }, store: { minFree: '1MiB' } }
    let open = 0
    let kept = 0
    let served = 0
    let data = ''
    try {
      for (let round = 0; open < KILLS; round++) {
        expect(round).toBeLessThan(MOST_ROUNDS)
        if (round % ROUNDS_PER_FOLDER === 0) data = temp.create('data')
        // Each answer takes its time too: a starved node asks for so few at once that all together never reach their limit.
        replay.limit(random.between(10, 60) << 20, random.between(1, 6) << 20)
        const node = await startNodeProcess({ data, config })
        expect(readdirSync(join(data, 'store', 'tmp'))).toEqual([])

        // What is served in the rush is whole and right, or visibly broken off.
        const before = replay.tally.total.requests
        const order = [...registry.latest].sort(() => random.between(-1, 1))
        const rush = order.map(async ({ tarball, archive }) => {
          const reply = await exchange(node.url + join('/npm', tarball)).catch(() => undefined)
          if (reply?.status === 200 && reply.complete) expect(reply.body.equals(archive)).toBe(true)
        })
        // However busy the machine is, a kill comes at some moment of the work and not before it.
        await eventually('something is fetched', () => replay.tally.total.requests > before)
        await sleep(random.between(0, LATEST_KILL))
        if (replay.tally.inFlight > 0) open++
        await node.kill('SIGKILL')
        await Promise.all(rush)
        kept += await checkStore(join(data, 'store'))

        if (round % ROUNDS_PER_FOLDER < ROUNDS_PER_FOLDER - 1) continue
        await replay.gone()
        served += await checkFromOutside(data, registry, config)
        await replay.back()
      }
      expect(kept).toBeGreaterThan(0)
      expect(served).toBeGreaterThan(0)
    } finally {
      await replay.stop()
    }
  })
})
