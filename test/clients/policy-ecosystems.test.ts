import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import type { Config } from '../../node/config/schema.ts'
import { startHub, startImageNode } from '../faults/image-node.ts'
import { GoClient } from '../harness/go-client.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { succeeded } from '../harness/npm.ts'
import { makeImage } from '../harness/oci-images.ts'
import { pipInstall, requirePip } from '../harness/pip.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { pypiMirror, scriptedIndex } from '../harness/scripted-pypi-node.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { Skopeo } from '../harness/skopeo.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'
import { treeOf } from '../harness/trees.ts'

const SLOW = 240_000
const DAY = 86_400_000

useLeakCheck()
const temp = useTempFolders()

function policy(settings: Partial<Config['policy']>): Pick<Config, 'policy'> {
  return { policy: { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [], ...settings } }
}

describe('a policy about modules', () => {
  async function start(context: TestContext, settings: Partial<Config['policy']>) {
    const upstream = await new ScriptedGo().start()
    onTestFinished(() => upstream.stop())
    const ages = { 'v0.1.0': 50, 'v0.2.0': 0 }
    for (const [version, days] of Object.entries(ages)) {
      const time = new Date(Date.now() - days * DAY).toISOString()
      upstream.publish('ex.test/b', version, { files: { 'b.go': 'package b\n' }, time })
    }
    const mirrors = [
      { name: 'go', protocol: 'go', path: '/go/', upstreams: [upstream.url], sumdb: upstream.sumdb, local: false },
    ]
    const node = await startNode({
      data: temp.create('node'),
      upstream: upstream.url,
      mirrors,
      config: policy(settings),
    })
    const program = GoClient.require(context)
    const go = new GoClient({ program, work: temp.create('go'), proxy: `${node.url}/go`, sumdb: upstream.sumdb })
    go.write({ 'go.mod': 'module main.test/m\n' })
    return { upstream, go }
  }

  it('has go take the newest that is let through, and tell the rule for others', { timeout: SLOW }, async (context) => {
    const rule = 'pkg:golang/ex.test/b@>=0.2'
    const { upstream, go } = await start(context, { deny: [rule] })
    const denied = await go.try('get', 'ex.test/b@v0.2.0')
    expect([denied.code, denied.stderr]).toEqual([
      1,
      expect.stringContaining(`pkg:golang/ex.test/b@v0.2.0 is denied by the rule ${rule} (policy.deny)`),
    ])
    await go.go('get', 'ex.test/b@<v1.0.0')
    expect(go.read('go.mod')).toContain('ex.test/b v0.1.0')
    expect(upstream.tally.log.filter(({ path }) => path.startsWith('/ex.test/b/@v/v0.2.0'))).toEqual([])
  })

  it('has go take the newest that is old enough, though its lists have no dates, and tell what is too young', {
    timeout: SLOW,
  }, async (context) => {
    const { go } = await start(context, { minimumAge: { golang: 3 * DAY } })
    await go.go('get', 'ex.test/b@latest')
    expect(go.read('go.mod')).toContain('ex.test/b v0.1.0')
    const denied = await go.try('get', 'ex.test/b@v0.2.0')
    const why =
      'pkg:golang/ex.test/b@v0.2.0 was published 0 min ago as far as its registry tells, and versions are let through after 3 days'
    expect([denied.code, denied.stderr]).toEqual([1, expect.stringContaining(why)])
  })
})

describe('a policy about images', () => {
  it('has skopeo tell the rule', { timeout: SLOW }, async (context) => {
    const program = requireTool(context, 'skopeo')
    const hub = await startHub()
    for (const tag of ['1.0', '2.0']) hub.publish('library/x', tag, await makeImage())
    const config = policy({ deny: ['pkg:docker/x@1.*'] })
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub }, config })
    const skopeo = new Skopeo(program, temp.create('skopeo'))
    const inspect = (tag: string) =>
      skopeo.run('inspect', '--raw', '--tls-verify=false', `docker://${new URL(node.url).host}/docker.io/library/x:${tag}`)
    const denied = await inspect('1.0')
    expect([denied.code, denied.stderr]).toEqual([
      1,
      expect.stringContaining('pkg:docker/library/x@1.0 is denied by the rule pkg:docker/x@1.* (policy.deny)'),
    ])
    succeeded(await inspect('2.0'))
  })
})

describe('a minimum age', () => {
  it('has pip take the newest version that is old enough', { timeout: SLOW }, async (context) => {
    const python = await requirePip(context)
    const index = await scriptedIndex()
    const clock = new ShiftedClock()
    const daysAgo = (days: number) => ({ 'upload-time': new Date(clock.now() - days * DAY).toISOString() })
    index.publish({ name: 'aapkg', version: '1.0' }, daysAgo(10))
    index.publish({ name: 'aapkg', version: '2.0' }, daysAgo(1))
    const node = await startNode({
      data: temp.create('data'),
      upstream: index.origin,
      mirrors: [pypiMirror([index.base])],
      config: policy({ minimumAge: { pypi: 3 * DAY } }),
      overrides: { clock },
    })
    const install = async (name: string, ...wanted: string[]) =>
      pipInstall(python, { index: `${node.url}/pypi/simple/`, work: temp.create(name), wanted })
    const installed = async (name: string) =>
      [...treeOf(succeeded(await install(name, 'aapkg')).site).keys()].filter((path) => path.endsWith('.dist-info/METADATA'))
    expect(await installed('young')).toEqual(['aapkg-1.0.dist-info/METADATA'])
    expect((await install('pinned', 'aapkg==2.0')).code).toBe(1)
    clock.pass(3 * DAY)
    expect(await installed('of-age')).toEqual(['aapkg-2.0.dist-info/METADATA'])
  })
})
