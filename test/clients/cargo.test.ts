import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { cargo } from '../../protocols/cargo/index.ts'
import { answer } from '../harness/answer.ts'
import { BarredUpstream } from '../harness/barred-upstream.ts'
import { Cargo, type CargoInit, configuredIndex, defaultIndex } from '../harness/cargo.ts'
import { cutAfter, flip, instead } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { startNodeProcess } from '../harness/node.ts'
import { succeeded } from '../harness/npm.ts'
import { Random } from '../harness/random.ts'
import { ScriptedCargo } from '../harness/scripted-cargo.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { requireTool } from '../harness/tools.ts'

const REAL = 600_000

useLeakCheck()
const temp = useTempFolders()

/** Small crates without anything of their own to build with. */
const DEPENDENCIES = { 'aho-corasick': '1', indexmap: '2' }

function cargoMirror(upstream: string): MirrorConfig {
  return { name: 'cargo', protocol: 'cargo', path: '/cargo/', upstreams: [upstream], local: false }
}

/** Three levels of crates, in two versions each, with a name in capitals. */
async function scripted(): Promise<ScriptedCargo> {
  const registry = await new ScriptedCargo().start()
  onTestFinished(() => registry.stop())
  for (const version of ['1.0.0', '1.1.0+build.1']) {
    registry.publish('MyLeaf', version)
    registry.publish('ab', version, { dependencies: [{ name: 'MyLeaf', req: '^1' }] })
    registry.publish('middle-one', version, {
      dependencies: [
        { name: 'MyLeaf', req: '^1' },
        { name: 'ab', req: '^1' },
      ],
    })
  }
  return registry
}

function client(context: TestContext, url: string, init: Partial<CargoInit> = {}): Cargo {
  const program = requireTool(context, 'cargo')
  return new Cargo({
    program,
    work: temp.create('client'),
    index: `${url}/cargo/`,
    dependencies: { 'middle-one': '1' },
    ...init,
  })
}

describe('a real cargo behind a node', () => {
  it('builds a project, and once more from a restarted node whose upstream is gone', { timeout: REAL }, async (context) => {
    const registry = await scripted()
    const data = temp.create('data')
    const init = { data, upstream: registry.origin, mirrors: [cargoMirror(registry.index)] }
    const before = await startNode(init)
    const first = client(context, before.url)
    succeeded(await first.run('check'))
    expect(first.locked.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'MyLeaf 1.1.0+build.1',
      'ab 1.1.0+build.1',
      'middle-one 1.1.0+build.1',
    ])
    expect(registry.files.tally.total.requests).toBe(3)
    await storeAtRest(before)
    await before.node.stop()

    await registry.gone()
    const after = await startNode(init)
    const second = client(context, after.url)
    succeeded(await second.run('check'))
    expect(second.lock).toBe(first.lock)
    const { requests } = await after.status()
    expect(requests.upstream + requests.flight).toBe(0)
  })

  it('has its index confirmed by 304 after a restart of the node', { timeout: REAL }, async (context) => {
    const registry = await scripted()
    const data = temp.create('data')
    const mirrors = [cargoMirror(registry.index)]
    const before = await startNode({ data, upstream: registry.origin, mirrors })
    const { port } = new URL(before.url)
    const one = client(context, before.url, { env: { CARGO_LOG: 'network=debug', CARGO_HTTP_DEBUG: 'true' } })
    const statuses = ({ stderr }: { stderr: string }) =>
      [...stderr.matchAll(/< HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)
    // The configuration, three index files, three archives.
    expect(statuses(succeeded(await one.run('fetch')))).toEqual(Array(7).fill('200'))
    await before.node.stop()
    const listen = [{ host: '127.0.0.1', port: Number(port) }]
    await startNode({ data, upstream: registry.origin, mirrors, config: { listen } })
    // Without a lockfile the versions are looked up again.
    expect(statuses(succeeded(await one.run('update')))).toEqual(['200', '304', '304', '304'])
  })

  it('has archives and index from the seed of its mesh while upstream gives none', {
    timeout: REAL,
  }, async (context) => {
    const registry = await scripted()
    const init = { upstream: registry.origin, mirrors: [cargoMirror(registry.index)] }
    const mesh = await TestMesh.create(temp, init)
    const first = client(context, mesh.seed.url)
    succeeded(await first.run('fetch'))
    await storeAtRest(mesh.seed)

    registry.files.fail(/./, instead(answer(503, 'no archive today')))
    registry.tally.reset()
    const member = await mesh.join(init)
    const second = client(context, member.url)
    succeeded(await second.run('check'))
    expect(second.lock).toBe(first.lock)
    expect((await member.status()).requests).toMatchObject({ upstream: 0, error: 0 })
    expect(registry.tally.total.requests).toBe(0)
  })

  it('is never given a wrong archive, and is told what is wrong', { timeout: REAL }, async (context) => {
    const registry = await scripted()
    const node = await startNode({
      data: temp.create('data'),
      upstream: registry.origin,
      mirrors: [cargoMirror(registry.index)],
    })
    const heal = registry.files.fail(/MyLeaf/, flip(100))
    const one = client(context, node.url, { env: { CARGO_NET_RETRY: '1' } })
    const failed = await one.run('fetch')
    expect(failed.code).toBe(101)
    // Not «failed to verify the checksum», after which cargo would not try again.
    expect(failed.stderr).toMatch(/spurious network error/)
    expect(failed.stderr).toMatch(/MyLeaf.*got 503/s)
    expect(failed.stderr).toMatch(/nothing of it was kept/)
    heal()
    succeeded(await one.run('fetch'))
  })

  it('does not notice that upstream cuts large archives over and over', { timeout: REAL }, async (context) => {
    const registry = await scripted()
    const padding = new Random(7).bytes(3_000_000)
    const { sha256 } = registry.publish('large', '1.0.0', { padding })
    const node = await startNode({
      data: temp.create('data'),
      upstream: registry.origin,
      mirrors: [cargoMirror(registry.index)],
    })
    registry.files.fail(/large/, cutAfter(1_000_000, 'fin'))
    const one = client(context, node.url, { dependencies: { large: '1' }, env: { CARGO_NET_RETRY: '0' } })
    const done = succeeded(await one.run('fetch'))
    expect(done.stderr).not.toMatch(/spurious/)
    expect(one.locked.map((crate) => crate.sha256)).toEqual([sha256])
    const ranges = registry.files.tally.log.map(({ headers }) => headers.range)
    expect(ranges).toEqual([undefined, 'bytes=1000000-', 'bytes=2000000-', 'bytes=3000000-'])
  })

  it('is told of what does not exist, is withheld or denied, in words', { timeout: REAL }, async (context) => {
    const registry = await scripted()
    const node = await startNode({
      data: temp.create('data'),
      upstream: registry.origin,
      mirrors: [cargoMirror(registry.index)],
    })
    const fetched = async (name: string) => client(context, node.url, { dependencies: { [name]: '1' } }).run('fetch')
    expect((await fetched('no-such_crate')).stderr).toMatch(/no matching package named `no-such_crate` found/)
    registry.fail(/denied/, instead(answer(403, 'go away')))
    const { stderr } = await fetched('denied')
    expect(stderr).toMatch(/got 403/)
    expect(stderr).toMatch(/if it wants a login, that goes under credentials in the configuration/)
  })
})

it('asks the index that cargo itself asks, unless either is told otherwise', { timeout: REAL }, async (context) => {
  expect(cargo.defaultUpstreams).toEqual([await defaultIndex(requireTool(context, 'cargo'))])
})

describe('the registry that cargo on this machine is configured for', () => {
  let asked: ReturnType<typeof configuredIndex> | undefined

  /** Base URL of its index; skips the test, saying why, where it cannot be had. */
  async function reachable(context: TestContext): Promise<string> {
    asked ??= configuredIndex(requireTool(context, 'cargo'))
    return (await asked) ?? context.skip('the registry that cargo is configured for cannot be reached')
  }

  it('is fetched and built from through a node, and once more with the way out cut', { timeout: REAL }, async (context) => {
    const mirrors = { cargo: { protocol: 'cargo', path: '/cargo/', upstreams: [await reachable(context)] } }
    const data = temp.create('data')
    let node = await startNodeProcess({ data, config: { mirrors } })
    try {
      const first = client(context, node.url, { dependencies: DEPENDENCIES })
      succeeded(await first.run('fetch'))
      expect(first.locked.length).toBeGreaterThan(3)
      await node.stop()

      // A proxy that nothing listens on: whatever the node still wanted from outside, it cannot have.
      const env = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' }
      node = await startNodeProcess({ data, config: { mirrors }, env })
      const second = client(context, node.url, { dependencies: DEPENDENCIES })
      succeeded(await second.run('check'))
      expect(second.lock).toBe(first.lock)
      for (const { name, version, sha256 } of first.locked) {
        const reply = await exchange(`${node.url}/cargo/crates/${name}/${version}/${sha256}.crate`)
        expect([reply.status, reply.headers['x-warren-source']]).toEqual([200, 'local'])
        expect(createHash('sha256').update(reply.body).digest('hex')).toBe(sha256)
      }
    } finally {
      await node.stop()
    }
  })

  it('is not needed for archives by a second machine, which has them from the first', { timeout: REAL }, async (context) => {
    const upstream = await reachable(context)
    const init = { upstream, mirrors: [cargoMirror(upstream)] }
    const mesh = await TestMesh.create(temp, init)
    const first = client(context, mesh.seed.url, { dependencies: DEPENDENCIES })
    succeeded(await first.run('fetch'))
    await storeAtRest(mesh.seed)
    // Upstream gets its turn soon, so that on a busy machine it could be the first one to answer.
    const member = await mesh.join({ ...init, overrides: { upstream: new BarredUpstream() } })
    const second = client(context, member.url, { dependencies: DEPENDENCIES, lock: first.lock })
    succeeded(await second.run('fetch', '--locked'))
    const { requests } = await member.status()
    expect([requests.upstream, requests.seed >= first.locked.length]).toEqual([0, true])
  })
})
