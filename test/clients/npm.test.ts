import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { startNodeProcess } from '../harness/node.ts'
import { npmCi, npmInstall, succeeded } from '../harness/npm.ts'
import { ConfiguredRegistry } from '../harness/npm-registry.ts'
import { fixtureProject, lockedPackages, readProject } from '../harness/project.ts'
import { requireRecording } from '../harness/recordings.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { startNode } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { differences } from '../harness/trees.ts'

const REAL = 600_000

useLeakCheck()

/** A configuration with one npm mirror in front of `upstream`; nothing when the node's own default is wanted. */
const mirrorOf = (upstream: string) => ({ mirrors: { npm: { protocol: 'npm', path: '/npm/', upstreams: [upstream] } } })

describe('a real npm behind a node', () => {
  const temp = useTempFolders()

  it('installs 300 packages and more, and installs the same again from a restarted node whose upstream is gone', {
    timeout: REAL,
  }, async (context) => {
    const replay = await new ReplayUpstream(await requireRecording(context, 'big')).start()
    const data = temp.create('data')
    const project = fixtureProject('big')
    const packages = lockedPackages(readProject(project).lock)
    expect(packages.length).toBeGreaterThanOrEqual(300)
    let node = await startNodeProcess({ data, config: mirrorOf(replay.url) })
    try {
      const first = succeeded(await npmCi({ project, registry: `${node.url}/npm/`, work: temp.create('first') }))
      expect([...replay.unrecorded]).toEqual([])
      expect(replay.tally.kind('tarball').requests).toBeGreaterThan(100)
      await node.stop()
      expect(node.exitCode).toBe(0)

      await replay.gone()
      node = await startNodeProcess({ data, config: mirrorOf(replay.url) })
      const second = succeeded(await npmCi({ project, registry: `${node.url}/npm/`, work: temp.create('second') }))
      expect(differences(first.nodeModules, second.nodeModules)).toEqual([])
      const { requests } = await node.status()
      expect(requests.upstream + requests.flight).toBe(0)
      expect(requests.local).toBeGreaterThan(100)
    } finally {
      await node.stop()
      await replay.stop()
    }
  })

  it('resolves a tree without a lockfile, and again from stale documents while the upstream is gone', {
    timeout: REAL,
  }, async () => {
    // Without the odd names: npm itself cannot resolve a package called «constructor» (arborist's edge reads Object.prototype).
    const registry = new SyntheticRegistry({ packages: 40, odd: false })
    const replay = await new ReplayUpstream(registry.recording).start()
    try {
      const { npm } = await startNode({ data: temp.create('data'), upstream: replay.url })
      const { manifest } = registry.project()
      const first = succeeded(await npmInstall({ project: { manifest }, registry: npm, work: temp.create('first') }))
      await replay.gone()
      const second = succeeded(await npmInstall({ project: { manifest }, registry: npm, work: temp.create('second') }))
      expect(differences(first.nodeModules, second.nodeModules)).toEqual([])
    } finally {
      await replay.stop()
    }
  })

  it('installs from the registry that this machine is configured for, and again with the way out cut', {
    timeout: REAL,
  }, async (context) => {
    const upstream = await reachable()
    if (upstream === undefined) return context.skip('the registry that npm is configured for cannot be reached')
    const data = temp.create('data')
    const project = fixtureProject('small')
    const names = lockedPackages(readProject(project).lock)
    let node = await startNodeProcess({ data, config: mirrorOf(upstream) })
    try {
      const first = succeeded(await npmCi({ project, registry: `${node.url}/npm/`, work: temp.create('first') }))
      await node.stop()
      // A proxy that nothing listens on: whatever the node still wanted from outside, it cannot have.
      node = await startNodeProcess({
        data,
        config: mirrorOf(upstream),
        env: { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' },
      })
      const second = succeeded(await npmCi({ project, registry: `${node.url}/npm/`, work: temp.create('second') }))
      expect(differences(first.nodeModules, second.nodeModules)).toEqual([])
      for (const { name, version } of names) {
        const file = `${name.replace(/^@[^/]+\//, '')}-${version}.tgz`
        const reply = await fetch(`${node.url}/npm/${name}/-/${file}`)
        expect([reply.status, reply.headers.get('x-warren-source')]).toEqual([200, 'local'])
        await reply.body?.cancel()
      }
    } finally {
      await node.stop()
    }
  })
})

describe('fifty clients at once', () => {
  const temp = useTempFolders()

  it.each(['/part-3/-/part-3-1.1.0.tgz', '/@scope/part-7/-/part-7-1.1.0.tgz', '/sha1-only/-/sha1-only-1.1.0.tgz'])(
    'cause one request for the cold tarball %s and at most one for its metadata',
    async (path) => {
      const registry = new SyntheticRegistry({ packages: 10, bytes: [400_000, 500_000] })
      const replay = await new ReplayUpstream(registry.recording).start()
      replay.latencyMs = 30
      try {
        const { npm } = await startNode({ data: temp.create('data'), upstream: replay.url })
        const replies = await Promise.all(Array.from({ length: 50 }, () => exchange(npm + path.slice(1))))
        const wanted = registry.latest.find((one) => path.startsWith(`/${one.name}/`))
        for (const reply of replies) expect([reply.status, reply.body.equals(wanted?.archive as Buffer)]).toEqual([200, true])
        const { tally } = replay
        expect(tally.kind('tarball').requests).toBe(1)
        expect(tally.total.requests).toBeLessThanOrEqual(2)
      } finally {
        await replay.stop()
      }
    },
  )

  it('get the same bytes whatever spelling of a scoped name they use, for one upstream request each', async () => {
    const registry = new SyntheticRegistry({ packages: 10 })
    const replay = await new ReplayUpstream(registry.recording).start()
    try {
      const { npm } = await startNode({ data: temp.create('data'), upstream: replay.url })
      const spellings = ['@scope/part-7', '@scope%2fpart-7', '@scope%2Fpart-7', '%40scope%2Fpart-7']
      const digests = new Set<string>()
      for (const spelling of spellings) {
        const reply = await exchange(npm + spelling)
        expect(reply.status).toBe(200)
        digests.add(createHash('sha256').update(reply.body).digest('hex'))
      }
      expect([digests.size, replay.tally.total.requests]).toEqual([1, 1])
    } finally {
      await replay.stop()
    }
  })
})

/** Base URL of the registry that this machine's npm uses, when it answers. */
async function reachable(): Promise<string | undefined> {
  const registry = await ConfiguredRegistry.open().catch(() => undefined)
  if (!registry) return undefined
  try {
    return (await registry.fetch(`${registry.base}is-number/7.0.0`, 'application/json')).status === 200
      ? registry.base
      : undefined
  } catch {
    return undefined
  } finally {
    await registry.close()
  }
}
