import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { get } from './http.ts'
import { useLeakCheck } from './leaks.ts'
import { MeshOfProcesses } from './process-mesh.ts'
import { ReplayUpstream } from './replay.ts'
import { SyntheticRegistry } from './synthetic.ts'
import { useTempFolders } from './temp.ts'
import { eventually } from './wait.ts'

useLeakCheck()
const temp = useTempFolders()

it('processes become one mesh, and one that was killed and has lost its disk comes back as who it was', {
  timeout: 300_000,
}, async () => {
  const registry = new SyntheticRegistry({ packages: 1 })
  const replay = await new ReplayUpstream(registry.recording).start()
  const mirrors = { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } }
  try {
    await using mesh = new MeshOfProcesses(temp, { config: { mirrors } })
    const [seed] = await mesh.joinAll(1, { role: 'seed' })
    const [member, other] = await mesh.joinAll(2)
    if (!seed || !member || !other) throw new Error('they did not start')
    await mesh.connected()
    expect((await member.peers()).map(({ id, role }) => [id, role]).sort()).toEqual(
      [
        [seed.peer, 'seed'],
        [other.peer, 'member'],
      ].sort(),
    )
    const [one] = registry.latest
    expect((await get(`${member.url}/npm${one?.tarball}`)).status).toBe(200)
    // It goes out before it is written down.
    await eventually('it is kept', async () => (await member.status()).store.blobs > 0)

    const { peer } = member
    await member.kill()
    expect([member.running, mesh.running.length]).toEqual([false, 2])
    member.loseStore()
    expect(existsSync(join(member.data, 'store'))).toBe(false)
    await member.start()
    await mesh.connected()
    expect([member.peer, (await member.status()).store.blobs]).toEqual([peer, 0])
  } finally {
    await replay.stop()
  }
})
