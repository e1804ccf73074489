import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { WarrenError } from '../../node/errors.ts'
import { MemoryUpstream } from '../../node/upstream/memory-upstream.ts'
import { Cargo } from '../harness/cargo.ts'
import { GoClient } from '../harness/go-client.ts'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { COMPILE, Maven, requireCentral, writeMavenProject } from '../harness/mvn.ts'
import { npmInstall, succeeded } from '../harness/npm.ts'
import { makeMultiArch } from '../harness/oci-images.ts'
import { digestsInLayout } from '../harness/oci-layout.ts'
import { digestsOf } from '../harness/oci-types.ts'
import { pipInstall, requirePip } from '../harness/pip.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { ScriptedCargo } from '../harness/scripted-cargo.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { ScriptedHub } from '../harness/scripted-hub.ts'
import { relayTo } from '../harness/scripted-maven-relay.ts'
import { ScriptedIndex } from '../harness/scripted-pypi.ts'
import { pypiMirror } from '../harness/scripted-pypi-node.ts'
import { Skopeo } from '../harness/skopeo.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { requireTool } from '../harness/tools.ts'
import { differences } from '../harness/trees.ts'

const TIMEOUT_MS = 300_000

useLeakCheck()
const temp = useTempFolders()

interface Upstream {
  start(): Promise<unknown>
  stop(): Promise<void>
}

async function started<U extends Upstream>(upstream: U): Promise<U> {
  await upstream.start()
  onTestFinished(() => upstream.stop())
  return upstream
}

/** Installs through a seed, and then through a member that has nothing and reaches no upstream. */
async function twice<T>(mirrors: readonly MirrorConfig[], install: (url: string, name: string) => Promise<T>): Promise<[T, T]> {
  const init = { upstream: 'http://127.0.0.1:1/', mirrors }
  const mesh = await TestMesh.create(temp, init)
  const first = await install(mesh.seed.url, 'seed')
  await storeAtRest(mesh.seed)
  const cut = new MemoryUpstream(({ url }) => {
    throw new WarrenError('UPSTREAM_UNREACHABLE', `${new URL(url).origin} cannot be reached`)
  })
  const member = await mesh.join({ ...init, overrides: { upstream: cut } })
  const second = await install(member.url, 'member')
  const { requests } = await member.status()
  expect([requests.seed > 0, requests.upstream, requests.error]).toEqual([true, 0, 0])
  return [first, second]
}

describe('a fresh member whose own way to the upstream is cut', () => {
  it('resolves and installs with npm what a seed has', { timeout: TIMEOUT_MS }, async () => {
    const registry = new SyntheticRegistry({ packages: 20 })
    const replay = await started(new ReplayUpstream(registry.recording))
    const npm = { name: 'npm', protocol: 'npm', path: '/npm/', upstreams: [replay.url], local: false }
    const { manifest } = registry.project()
    const [first, second] = await twice([npm], async (url, name) =>
      succeeded(
        await npmInstall({
          project: { manifest },
          registry: `${url}/npm/`,
          work: temp.create(name),
          settings: { fetch_retries: '0' },
        }),
      ),
    )
    expect(differences(first.nodeModules, second.nodeModules)).toEqual([])
  })

  it('resolves and installs with pip what a seed has', { timeout: TIMEOUT_MS }, async (context) => {
    const python = await requirePip(context)
    const index = await started(new ScriptedIndex())
    index.publish({ name: 'aapkg', version: '1.0', requires: ['bb-pkg>=1'] })
    index.publish({ name: 'bb-pkg', version: '1.2', filler: Buffer.alloc(300_000, 'b') })
    const [first, second] = await twice([pypiMirror([index.base])], async (url, name) =>
      succeeded(await pipInstall(python, { index: `${url}/pypi/simple/`, work: temp.create(name), wanted: ['aapkg'] })),
    )
    expect(differences(first.site, second.site)).toEqual([])
  })

  it('resolves and compiles with Maven what a seed has', { timeout: TIMEOUT_MS }, async (context) => {
    const { program, url: central } = await requireCentral(context, temp.create('ask'))
    const upstream = await started(new ScriptedUpstream())
    const mirror = { name: 'maven', protocol: 'maven', path: '/maven/', upstreams: [relayTo(central, upstream)], local: false }
    const [first, second] = await twice([mirror], async (url, name) => {
      const maven = new Maven(program, temp.create(name), { '*': `${url}/maven/` })
      const sources = { 'src/main/java/A.java': 'class A {}' }
      succeeded(await maven.run(writeMavenProject(temp.create('project'), { dependencies: [], sources }), COMPILE))
      const files = readdirSync(maven.repository, { recursive: true, encoding: 'utf8' })
      const artifacts = files.filter((file) => /\.(?:jar|pom)$/.test(file)).sort()
      return artifacts.map((file) => [file, readFileSync(join(maven.repository, file)).toString('base64')])
    })
    expect(second).toEqual(first)
  })

  it('resolves and gets with go what a seed has', { timeout: TIMEOUT_MS }, async (context) => {
    const program = GoClient.require(context)
    const upstream = await started(new ScriptedGo())
    upstream.publish('ex.test/b', 'v0.2.0', { files: { 'b.go': 'package b\n' } })
    upstream.publish('ex.test/Big/A', 'v1.0.0', { files: { 'a.go': 'package a\n' }, requires: ['ex.test/b@v0.2.0'] })
    const { sumdb } = upstream
    const mirror = { name: 'go', protocol: 'go', path: '/go/', upstreams: [upstream.url], local: false, sumdb }
    const [first, second] = await twice([mirror], async (url, name) => {
      const go = new GoClient({ program, work: temp.create(name), proxy: `${url}/go`, sumdb })
      go.write({ 'go.mod': 'module main.test/m\n' })
      await go.go('get', 'ex.test/Big/A@latest')
      await go.go('mod', 'verify')
      return [go.read('go.sum'), ...go.archives().sort()]
    })
    expect(second).toEqual(first)
  })

  it('resolves and fetches with cargo what a seed has', { timeout: TIMEOUT_MS }, async (context) => {
    const program = requireTool(context, 'cargo')
    const registry = await started(new ScriptedCargo())
    registry.publish('leaf', '1.0.0')
    registry.publish('middle', '1.1.0', { dependencies: [{ name: 'leaf', req: '^1' }] })
    const mirror = { name: 'cargo', protocol: 'cargo', path: '/cargo/', upstreams: [registry.index], local: false }
    const [first, second] = await twice([mirror], async (url, name) => {
      const dependencies = { middle: '1' }
      const cargo = new Cargo({ program, work: temp.create(name), index: `${url}/cargo/`, dependencies })
      succeeded(await cargo.run('fetch'))
      return cargo.locked
    })
    expect(first.length).toBe(2)
    expect(second).toEqual(first)
  })

  it('pulls by its tag an image that a seed has', { timeout: TIMEOUT_MS }, async (context) => {
    const program = requireTool(context, 'skopeo')
    const hub = await started(new ScriptedHub())
    const image = await makeMultiArch()
    hub.publish('library/x', 'latest', image)
    const pulled = await twice(imageMirrors({ 'docker.io': hub }), async (url, name) => {
      const skopeo = new Skopeo(program, temp.create(name), { 'docker.io': `${new URL(url).host}/docker.io` })
      const layout = join(temp.create('layout'), 'pulled')
      await skopeo.copy('docker://docker.io/library/x:latest', `oci:${layout}`, '--all')
      return digestsInLayout(layout)
    })
    expect(pulled).toEqual([digestsOf(image), digestsOf(image)])
  })
})
