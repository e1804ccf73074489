import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cleanEnv, run } from '../harness/child-process.ts'
import { VirtualClock } from '../harness/clock.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { startNodeProcess } from '../harness/node.ts'
import { npmCi, npmInstall, succeeded } from '../harness/npm.ts'
import type { Project } from '../harness/project.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { startNode } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { npmCommand } from '../harness/tools.ts'
import { eventually } from '../harness/wait.ts'

const SLOW = 180_000

useLeakCheck()
const temp = useTempFolders()

/** A registry with 1.0.0, 1.1.0 and 1.2.0 of `thing`, published on the first three days of 2020. */
async function thingRegistry(): Promise<ReplayUpstream> {
  const registry = new SyntheticRegistry({ packages: 0, versions: 3, odd: false })
  registry.publish({ name: 'thing' })
  const replay = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => replay.stop())
  return replay
}

function projectWith(range: string): Project {
  return { manifest: { name: 'project', version: '1.0.0', dependencies: { thing: range } } }
}

describe('a real npm behind a node with a policy', () => {
  it('is not offered what is denied, and says why where it asks for it all the same', { timeout: SLOW }, async () => {
    const replay = await thingRegistry()
    const policy = { allow: [], deny: ['pkg:npm/thing@>=1.1'], minimumAge: {}, minimumAgeExceptions: [] }
    const { npm: registry } = await startNode({ data: temp.create('data'), upstream: replay.url, config: { policy } })

    const installed = succeeded(await npmInstall({ project: projectWith('^1.0.0'), registry, work: temp.create('install') }))
    expect(installed.stdout).toContain('added 1 package')
    const home = temp.create('home')
    const env = cleanEnv({
      HOME: home,
      npm_config_registry: registry,
      npm_config_cache: join(home, 'cache'),
      npm_config_update_notifier: 'false',
    })
    const view = succeeded(
      await run([...npmCommand(), 'view', 'thing', 'versions', 'dist-tags', '--json'], { cwd: home, env, timeoutMs: SLOW }),
    )
    expect(JSON.parse(view.stdout)).toEqual({ versions: ['1.0.0'], 'dist-tags': { latest: '1.0.0' } })

    const exact = await npmInstall({ project: projectWith('1.2.0'), registry, work: temp.create('exact') })
    expect([exact.code, exact.stderr]).toEqual([1, expect.stringContaining('No matching version found for thing@1.2.0')])
    // Of a lockfile: it names the version, and no document is looked at for what there is.
    const locked: Project = {
      ...projectWith('1.2.0'),
      lock: {
        name: 'project',
        version: '1.0.0',
        lockfileVersion: 3,
        requires: true,
        packages: {
          '': { name: 'project', version: '1.0.0', dependencies: { thing: '1.2.0' } },
          'node_modules/thing': { version: '1.2.0', resolved: `${registry}thing/-/thing-1.2.0.tgz` },
        },
      },
    }
    const ci = await npmCi({ project: locked, registry, work: temp.create('ci') })
    expect([ci.code, ci.stderr]).toEqual([1, expect.stringContaining('403')])
    expect(ci.stderr).toContain('pkg:npm/thing@1.2.0 is denied by the rule pkg:npm/thing@>=1.1 (policy.deny)')
    expect(replay.tally.log.filter(({ path }) => path.includes('1.2.0'))).toEqual([])
  })

  it('installs the newest version that is old enough', { timeout: SLOW }, async () => {
    const replay = await thingRegistry()
    // Half a day after the third version.
    const clock = new VirtualClock(Date.UTC(2020, 0, 3, 12))
    const policy = { allow: [], deny: [], minimumAge: { npm: 86_400_000 }, minimumAgeExceptions: [] }
    const { npm: registry } = await startNode({
      data: temp.create('data'),
      upstream: replay.url,
      config: { policy },
      overrides: { clock },
    })
    const versionOf = async (work: string) => {
      const { nodeModules } = succeeded(await npmInstall({ project: projectWith('*'), registry, work: temp.create(work) }))
      return (await import(join(nodeModules, 'thing/package.json'), { with: { type: 'json' } })).default.version as string
    }
    expect(await versionOf('young')).toBe('1.1.0')
    await clock.advance(86_400_000)
    expect(await versionOf('of-age')).toBe('1.2.0')
  })
})

describe('a node that runs', () => {
  it('takes another policy over from its file, without a restart', { timeout: SLOW }, async () => {
    const replay = await thingRegistry()
    const data = temp.create('data')
    const mirrors = { npm: { upstreams: [replay.url] } }
    const node = await startNodeProcess({ data, config: { mirrors } })
    try {
      const tarball = () => exchange(`${node.url}/npm/thing/-/thing-1.2.0.tgz`)
      expect((await tarball()).status).toBe(200)
      const write = (policy: object) => writeFileSync(join(data, 'test-config.yaml'), JSON.stringify({ mirrors, policy }))
      write({ deny: ['pkg:npm/thing@1.2.0'] })
      const denied = await eventually('it is denied', async () => {
        const reply = await tarball()
        return reply.status === 403 && reply
      })
      expect(String(denied.body)).toContain('is denied by the rule pkg:npm/thing@1.2.0 (policy.deny)')
      write({ deny: ['left-pad'] })
      await eventually('the mistake is told', () => node.output.includes('policy.deny[0] is "left-pad"'))
      expect((await tarball()).status).toBe(403)
      write({})
      await eventually('it is let through again', async () => (await tarball()).status === 200)
      expect(node.output).not.toContain('restart')
    } finally {
      await node.stop()
    }
  })
})
