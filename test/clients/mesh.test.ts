import { describe, expect, it } from 'vitest'
import { runWarren } from '../admin/cli/run-warren.ts'
import { answer } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { get } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { type NodeProcess, type NodeProcessInit, startNodeProcess } from '../harness/node.ts'
import { npmCi, succeeded } from '../harness/npm.ts'
import { fixtureProject, lockedPackages, readProject } from '../harness/project.ts'
import { parseMetrics, sumOf } from '../harness/prometheus.ts'
import { requireRecording } from '../harness/recordings.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { useTempFolders } from '../harness/temp.ts'
import { differences } from '../harness/trees.ts'
import { eventually } from '../harness/wait.ts'

const REAL = 600_000

useLeakCheck()

/** Runs a command on the node's own data folder, and returns what it said. */
async function warren(node: NodeProcess, ...args: string[]): Promise<string> {
  return succeeded(await runWarren([...args, '--data', node.data], { home: node.data })).stdout.trim()
}

describe('a second machine in a mesh', () => {
  const temp = useTempFolders()

  it('installs 300 packages and more from the first one while upstream gives no tarball', {
    timeout: REAL,
  }, async (context) => {
    const replay = await new ReplayUpstream(await requireRecording(context, 'big')).start()
    const nodes: NodeProcess[] = []
    const start = async (name: string, init: Partial<NodeProcessInit> = {}): Promise<NodeProcess> => {
      const mirrors = { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } }
      const mesh = { listen: '127.0.0.1:0', blobs: '127.0.0.1:0', mdns: false }
      const node = await startNodeProcess({ data: temp.create(name), config: { mirrors, mesh }, ...init })
      nodes.push(node)
      return node
    }
    const project = fixtureProject('big')
    const count = lockedPackages(readProject(project).lock).length
    expect(count).toBeGreaterThanOrEqual(300)
    const install = async (node: NodeProcess, name: string) =>
      succeeded(await npmCi({ project, registry: `${node.url}/npm/`, work: temp.create(name) }))
    try {
      const first = await start('first')
      await warren(first, 'mesh', 'create', '--address', '127.0.0.1:1')
      const listening = await eventually('the first node is in its mesh', async () => (await first.status()).mesh.listen[0])
      const address = `127.0.0.1:${listening.split('/')[4]}`
      const ticket = await warren(first, 'mesh', 'ticket', '--address', address)
      const fetched = await install(first, 'fetched')
      const tarballs = replay.tally.kind('tarball').requests

      replay.fail(/\.tgz$/, instead(answer(503, 'no tarball today')))
      const second = await start('second', { env: { WARREN_TICKET: ticket } })
      const third = await start('third', { env: { WARREN_TICKET: ticket } })
      // Each was told of the first one only.
      for (const node of [second, third])
        await eventually('it is connected to both others', async () => (await node.status()).mesh.peers === 2)
      const installed = await install(second, 'installed')

      expect(differences(fetched.nodeModules, installed.nodeModules)).toEqual([])
      const { requests, mesh } = await second.status()
      expect(requests.seed).toBeGreaterThan(tarballs)
      expect(requests.upstream).toBe(0)
      expect(mesh.bytesIn).toBeGreaterThan(10_000_000)

      // A machine that never spoke to upstream hands them on as well.
      await first.kill()
      const again = await install(third, 'again')
      expect(differences(fetched.nodeModules, again.nodeModules)).toEqual([])
      expect((await third.status()).requests.peer).toBe(tarballs)
      // Small ones came many at a time, and nothing else was tried with them.
      const pages = await Promise.all([second, third].map(async ({ admin }) => (await get(`${admin}/metrics`)).body.toString()))
      const [answered, looked] = pages.map(parseMetrics)
      const batches = answered ? sumOf(answered, 'warren_member_requests_total', { service: 'batches', status: '2xx' }) : 0
      expect(batches).toBeGreaterThan(0)
      expect(batches).toBeLessThan(tarballs)
      expect(looked && sumOf(looked, 'warren_router_lookups_total', { way: 'inventory', outcome: 'hit' })).toBeGreaterThan(
        tarballs / 2,
      )
    } finally {
      await Promise.all(nodes.map((node) => node.stop()))
      await replay.stop()
    }
  })
})
