import { createHash } from 'node:crypto'
import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { HastyClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { type MeshNode, TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'
import { fileOf } from '../node/store/fixture.ts'

useLeakCheck()
const temp = useTempFolders()

it('a seed whose disk rots finds that out by itself, and has it healed by a member, with upstream gone', {
  timeout: 120_000,
}, async () => {
  const registry = new SyntheticRegistry({ packages: 12, versions: 1, bytes: [1_000, 200_000], odd: false, seed: 21 })
  const replay = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => replay.stop())
  const clock = new HastyClock()
  const mesh = await TestMesh.create(temp, { upstream: replay.url, overrides: { clock } })
  const member = await mesh.join({ upstream: replay.url })
  const ask = async (node: MeshNode) => {
    for (const { tarball, archive } of registry.latest) {
      const reply = await exchange(node.url + join('/npm', tarball))
      expect([reply.status, reply.body.equals(archive)]).toEqual([200, true])
    }
    await storeAtRest(node)
  }
  await ask(mesh.seed)
  await ask(member)
  await replay.gone()

  const [lost, ...rotten] = registry.latest.slice(0, 5).map(({ archive }) => ({ archive, file: fileIn(mesh.seed, archive) }))
  rmSync(lost?.file ?? '')
  for (const { archive, file } of rotten) {
    // As it comes from a disk: the same size and times, and one bit turned.
    const { atime, mtime } = statSync(file)
    const bytes = Buffer.from(archive)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    writeFileSync(file, bytes)
    utimesSync(file, atime, mtime)
  }
  const { scrub } = await eventually('all is healed', async () => {
    clock.advance(5_000)
    const { store } = await mesh.seed.status()
    return store.scrub?.healed === 5 && store.scrub.progress === null && store
  })
  expect(scrub).toMatchObject({ bad: 5, healed: 5, lost: 0, waiting: 0 })
  // Nothing of that was fetched by whoever asks now.
  await member.node.stop()
  await ask(mesh.seed)
  await replay.back()
})

function fileIn(node: MeshNode, archive: Buffer): string {
  return fileOf(join(node.data, 'store'), createHash('sha256').update(archive).digest('hex'))
}
