import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { parseVerifier } from '../../protocols/go/note.ts'
import { databaseOf, defaultUpstreams } from '../../protocols/go/upstreams.ts'
import { cutAfter, delay, flip } from '../harness/fault.ts'
import { configured, GoClient } from '../harness/go-client.ts'
import { Relay } from '../harness/go-relay.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { type StartedNode, startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'

const TIMEOUT_MS = 240_000

useLeakCheck()
const temp = useTempFolders()

const MAIN = {
  'main.go': 'package main\n\nimport "ex.test/Big/A"\n\nfunc main() { println(a.Say()) }\n',
  'go.mod': 'module main.test/m\n',
}

/** A module in capital letters that needs another one, the second of whose versions is a large one. */
async function proxy(): Promise<ScriptedGo> {
  const upstream = await new ScriptedGo().start()
  onTestFinished(() => upstream.stop())
  upstream.fill(700)
  const say = 'package b\n\nfunc Say() string { return "hello" }\n'
  upstream.publish('ex.test/b', 'v0.1.0', { files: { 'b.go': say } })
  upstream.publish('ex.test/b', 'v0.2.0', { files: { 'b.go': say, 'large.txt': 'x'.repeat(700_000) }, way: { stored: true } })
  const a = 'package a\n\nimport "ex.test/b"\n\nfunc Say() string { return b.Say() }\n'
  upstream.publish('ex.test/Big/A', 'v1.0.0', { files: { 'a.go': a }, requires: ['ex.test/b@v0.2.0'] })
  upstream.fill(300)
  return upstream
}

function mirror(upstream: string, sumdb?: string): MirrorConfig {
  const common = { name: 'go', protocol: 'go', path: '/go/', upstreams: [upstream], local: false }
  return sumdb === undefined ? common : { ...common, sumdb }
}

const behind = (upstream: ScriptedGo) => ({ upstream: upstream.url, mirrors: [mirror(upstream.url, upstream.sumdb)] })

function client(
  context: TestContext,
  { url }: StartedNode,
  name: string,
  { sumdb, cache }: { sumdb?: string; cache?: string },
): GoClient {
  const common = { program: GoClient.require(context), work: temp.create(name), proxy: `${url}/go` }
  const init = cache === undefined ? common : { ...common, cache }
  return new GoClient(sumdb === undefined ? init : { ...init, sumdb })
}

describe('go, with a checksum database', () => {
  it('gets and builds a module with a dependency, once more with upstream gone', { timeout: TIMEOUT_MS }, async (context) => {
    const upstream = await proxy()
    const node = await startNode({ data: temp.create('node'), ...behind(upstream) })
    const cache = temp.create('cache')
    for (const round of ['first', 'second']) {
      const go = client(context, node, round, { sumdb: upstream.sumdb, cache })
      go.write(MAIN)
      await go.go('get', 'ex.test/Big/A@latest')
      await go.go('build', './...')
      expect(go.read('go.sum')).toMatch(/^ex\.test\/Big\/A v1\.0\.0 h1:.{43}=$/m)
      expect(await go.go('mod', 'verify')).toContain('all modules verified')
      await storeAtRest(node)
      if (round === 'first') expect(upstream.tally.kind('zip').requests).toBe(2)
      await upstream.gone()
    }
    const verified = await node.status()
    expect(verified.store.records).toBeGreaterThan(8)
  })

  it('is told of a wrong byte, and nothing of it is kept', { timeout: TIMEOUT_MS }, async (context) => {
    const upstream = await proxy()
    const node = await startNode({ data: temp.create('node'), ...behind(upstream) })
    upstream.fail(/b\/@v\/v0\.2\.0\.zip$/, flip(600_000), 1)
    const go = client(context, node, 'lied-to', upstream)
    go.write(MAIN)
    const lied = await go.try('get', 'ex.test/Big/A@latest')
    expect(lied.code).not.toBe(0)
    expect(lied.stderr).toContain('ex.test/b')
    await storeAtRest(node)
    await go.go('get', 'ex.test/Big/A@latest')
    expect(await go.go('mod', 'verify')).toContain('all modules verified')
  })

  it('notices nothing of a body that is cut', { timeout: TIMEOUT_MS }, async (context) => {
    const upstream = await proxy()
    const node = await startNode({ data: temp.create('node'), ...behind(upstream) })
    upstream.fail(/\.zip$/, cutAfter(400_000, 'fin'), 2)
    const go = client(context, node, 'cut', upstream)
    go.write(MAIN)
    await go.go('get', 'ex.test/Big/A@latest')
    expect(await go.go('mod', 'verify')).toContain('all modules verified')
    const asked = upstream.tally.log.filter(({ kind, path }) => kind === 'zip' && path.includes('/b/'))
    expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=400000-'])
  })

  it('has archives, lists and the database from the seed of its mesh', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const upstream = await proxy()
    const mesh = await TestMesh.create(temp, behind(upstream))
    const second = await mesh.join(behind(upstream))
    const first = client(context, mesh.seed, 'first', upstream)
    first.write(MAIN)
    await first.go('get', 'ex.test/Big/A@latest')
    await storeAtRest(mesh.seed)
    // Whoever is asked first has more than enough time.
    upstream.fail(/\.(?:zip|mod)$/, delay(3_000))
    const files = () => upstream.tally.kind('zip').bytes + upstream.tally.kind('mod').bytes
    const sent = files()
    const go = client(context, second, 'second', upstream)
    go.write(MAIN)
    await go.go('get', 'ex.test/Big/A@latest')
    expect(await go.go('mod', 'verify')).toContain('all modules verified')
    const { requests } = await second.status()
    expect([files() - sent, requests.upstream, requests.seed > 4]).toEqual([0, 0, true])
  })

  it('stops at a node that is gone where «,» stands behind it, and goes on where «|» does', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const upstream = await proxy()
    const program = GoClient.require(context)
    const dead = 'http://127.0.0.1:1/go'
    const stops = new GoClient({
      program,
      work: temp.create('comma'),
      proxy: `${dead},${upstream.origin}`,
      sumdb: upstream.sumdb,
    })
    stops.write(MAIN)
    expect((await stops.try('get', 'ex.test/Big/A@latest')).stderr).toContain('connection refused')
    const goesOn = new GoClient({
      program,
      work: temp.create('pipe'),
      proxy: `${dead}|${upstream.origin}`,
      sumdb: upstream.sumdb,
    })
    goesOn.write(MAIN)
    await goesOn.go('get', 'ex.test/Big/A@latest')
  })

  it('goes on to the next proxy for a private module, of which upstream never hears', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const upstream = await proxy()
    const own = await new ScriptedGo('sum.corp.test').start()
    onTestFinished(() => own.stop())
    own.publish('git.corp.test/team/x', 'v1.0.0', { files: { 'x.go': 'package x\n' } })
    const routes = [{ pattern: 'git.corp.test', upstream: undefined, levels: '/' }]
    const mirrors = [{ ...mirror(upstream.url, upstream.sumdb), routes }]
    const node = await startNode({ data: temp.create('node'), upstream: upstream.url, mirrors })
    const go = new GoClient({
      program: GoClient.require(context),
      work: temp.create('private'),
      proxy: `${node.url}/go,${own.origin}`,
      sumdb: upstream.sumdb,
      // Else the client asks the database for it: a route is not known to it.
      env: { GONOSUMDB: 'git.corp.test' },
    })
    go.write({
      'go.mod': 'module main.test/m\n',
      'main.go': 'package main\n\nimport _ "git.corp.test/team/x"\n\nfunc main() {}\n',
    })
    await go.go('get', 'git.corp.test/team/x@latest')
    expect(upstream.tally.total.requests).toBe(0)
    expect(own.tally.kind('zip').requests).toBe(1)
  })
})

describe('the public proxy that go is configured for', () => {
  it('is the one that a node asks, and its database the one that is believed', async (context) => {
    const { proxy, sumdb, root } = await configured(GoClient.require(context), temp.create('env'))
    const text = readFileSync(join(root, 'src', 'cmd', 'go', 'internal', 'modfetch', 'key.go'), 'utf8')
    const keys = [...text.matchAll(/"(\S+\+[0-9a-f]{8}\+\S+)"/g)].map(([, key = '']) => key)
    expect(keys.length).toBeGreaterThan(0)
    const database = databaseOf({ name: 'go', upstreams: defaultUpstreams })
    const known = keys.map(parseVerifier).find(({ name }) => name === database?.name)
    expect(known && database?.verifier.key.equals(known.key)).toBe(true)
    // Whoever configured this machine otherwise has another proxy.
    if (keys.some((key) => key.startsWith(`${sumdb}+`))) expect(database?.name).toBe(sumdb)
    if (new URL(proxy).host.replace(/^proxy\./, 'sum.') === sumdb) expect(defaultUpstreams).toEqual([new URL(proxy).href])
  })

  it('gives a real module with dependencies, to a second node by way of the first one, and again when it is gone', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const program = GoClient.require(context)
    const { proxy } = await configured(program, temp.create('env'))
    const relay = await Relay.to(new URL(proxy.endsWith('/') ? proxy : `${proxy}/`).href)
    if (!(await relay.reaches('rsc.io/quote/@v/v1.5.2.info'))) return context.skip(`${proxy} cannot be reached`)
    // What is behind it is the public proxy, whose database is passed on.
    const init = { upstream: relay.url, mirrors: [mirror(relay.url)] }
    const mesh = await TestMesh.create(temp, init)
    const second = await mesh.join(init)
    const cache = temp.create('cache')
    const install = async (node: StartedNode, name: string): Promise<GoClient> => {
      const go = client(context, node, name, { cache })
      go.write({
        'go.mod': 'module main.test/m\n',
        'main.go': 'package main\n\nimport "rsc.io/quote"\n\nfunc main() { println(quote.Hello()) }\n',
      })
      await go.go('get', 'rsc.io/quote@v1.5.2')
      await go.go('build', './...')
      expect(await go.go('mod', 'verify')).toContain('all modules verified')
      await storeAtRest(node)
      return go
    }
    const first = await install(mesh.seed, 'first')
    const archives = first.archives()
    expect(archives.length).toBeGreaterThanOrEqual(3)
    relay.slow = /\.(?:zip|mod)$/
    const other = await install(second, 'second')
    for (const path of archives) expect(other.downloaded(path).equals(first.downloaded(path))).toBe(true)
    expect((await second.status()).requests.seed).toBeGreaterThanOrEqual(archives.length)
    await relay.gone()
    const again = await install(second, 'again')
    for (const path of archives) expect(again.downloaded(path).equals(first.downloaded(path))).toBe(true)
  })
})
