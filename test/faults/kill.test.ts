import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { IndexDb } from '../../node/store/index-db.ts'
import { exchange } from '../harness/http.ts'
import { startNodeProcess } from '../harness/node.ts'
import { Random } from '../harness/random.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'

const ROUNDS = 150
/** A fresh data folder after so many rounds, so that there is always something cold to be killed in the middle of. */
const ROUNDS_PER_FOLDER = 6
/** Ms of an installation before the kill. */
const LATEST_KILL = 400

/** Every blob that the index names must be on disk, whole and right. */
async function checkStore(data: string): Promise<number> {
  const index = await IndexDb.open(join(data, 'store', 'index'))
  try {
    let blobs = 0
    for await (const [sha256, { size }] of index.blobs()) {
      const bytes = readFileSync(join(data, 'store', 'blobs', sha256.slice(0, 2), sha256))
      expect(bytes.length).toBe(size)
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
      blobs++
    }
    expect(index.usage.blobs).toBe(blobs)
    return blobs
  } finally {
    await index.close()
  }
}

describe('a node that is killed', () => {
  const temp = useTempFolders('file')

  it(`at ${ROUNDS} random moments of an installation keeps a right store and never serves a part`, {
    timeout: 1_200_000,
  }, async () => {
    const random = new Random(20_261_124)
    const registry = new SyntheticRegistry({ packages: 60, versions: 1, bytes: [1_000, 3_000_000], odd: false, seed: 7 })
    const replay = await new ReplayUpstream(registry.recording).start()
    const mirrors = { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } }
    let open = 0
    let kept = 0
    let data = ''
    try {
      for (let round = 0; round < ROUNDS; round++) {
        if (round % ROUNDS_PER_FOLDER === 0) data = temp.create('data')
        replay.limit(random.between(20, 200) << 20)
        const node = await startNodeProcess({ data, config: { mirrors, log: { level: 'error' }, store: { minFree: '1MiB' } } })
        expect(readdirSync(join(data, 'store', 'tmp'))).toEqual([])

        // What is served in the rush is whole and right, or visibly broken off.
        const order = [...registry.latest].sort(() => random.between(-1, 1))
        const rush = order.map(async ({ tarball, archive }) => {
          const reply = await exchange(node.url + join('/npm', tarball)).catch(() => undefined)
          if (reply?.status === 200 && reply.complete) expect(reply.body.equals(archive)).toBe(true)
        })
        await sleep(random.between(5, LATEST_KILL))
        if (replay.tally.inFlight > 0) open++
        await node.kill('SIGKILL')
        await Promise.all(rush)
        kept += await checkStore(data)
      }

      // The last store once more from the outside: with the upstream gone, whatever is answered is right.
      await replay.gone()
      const node = await startNodeProcess({ data, config: { mirrors, log: { level: 'silent' } } })
      try {
        let served = 0
        for (const { tarball, archive } of registry.latest) {
          const reply = await exchange(node.url + join('/npm', tarball))
          expect([200, 503]).toContain(reply.status)
          if (reply.status === 200) {
            served++
            expect([reply.complete, reply.body.equals(archive)]).toEqual([true, true])
          }
        }
        expect(served).toBeGreaterThan(0)
      } finally {
        await node.stop()
      }
      expect(kept).toBeGreaterThan(0)
      // Most kills must have hit a fetch in the middle, or this test shows nothing.
      expect(open).toBeGreaterThan(ROUNDS * 0.6)
    } finally {
      await replay.stop()
    }
  })
})
