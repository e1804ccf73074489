import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { builtIns, ecosystems } from '../../node/built-ins.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { Apt } from '../harness/apt.ts'
import { Cargo } from '../harness/cargo.ts'
import { cleanEnv, type Run, run } from '../harness/child-process.ts'
import { NOTHING_OUTSIDE } from '../harness/dead-end.ts'
import { GoClient } from '../harness/go-client.ts'
import { requireIvy } from '../harness/ivy.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Maven } from '../harness/mvn.ts'
import { succeeded } from '../harness/npm.ts'
import { requirePip } from '../harness/pip.ts'
import { Random } from '../harness/random.ts'
import { exampleWith, lineWith } from '../harness/readme.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { ScriptedCargo } from '../harness/scripted-cargo.ts'
import { ScriptedDebian } from '../harness/scripted-debian.ts'
import { started } from '../harness/scripted-files.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { pomOf, ScriptedMaven } from '../harness/scripted-maven.ts'
import { scriptedIndex } from '../harness/scripted-pypi-node.ts'
import { startNode } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { npmCommand, requireTool } from '../harness/tools.ts'
import { requireUv } from '../harness/uv.ts'
import { loadText } from '../node/config/setup.ts'

const TIMEOUT_MS = 240_000

useLeakCheck()
const temp = useTempFolders()

/** A node whose built-in mirror of this name has another upstream. */
async function nodeOf(name: string, upstream: string, more: Partial<MirrorConfig> = {}): Promise<string> {
  const builtIn = builtIns.find((one) => one.name === name)
  if (!builtIn) throw new Error(`there is no built-in mirror ${name}`)
  const mirrors = [{ ...builtIn, upstreams: [upstream], local: false, ...more }]
  return (await startNode({ data: temp.create('node'), upstream, mirrors })).url
}

test('npm, for good and back', { timeout: TIMEOUT_MS }, async () => {
  const registry = new SyntheticRegistry({ packages: 3, odd: false })
  const replay = await started(new ReplayUpstream(registry.recording))
  const url = await nodeOf('npm', replay.url)
  const [program, ...first] = npmCommand()
  const work = temp.create('npm')
  const npm = async (line: string) => succeeded(await command(program, [...first, ...line.split(' ').slice(1)], work)).stdout
  const [one] = registry.installable
  await npm(lineWith(url, 'sh', 'npm config set'))
  expect((await npm(`npm view ${one?.name}@${one?.version} version`)).trim()).toBe(one?.version)
  expect(replay.tally.total.requests).toBeGreaterThan(0)
  await npm(lineWith(url, 'sh', 'npm config delete'))
  expect(await npm('npm config get registry')).not.toContain(url)
})

async function indexAndNode(): Promise<string> {
  const index = await scriptedIndex()
  index.publish({ name: 'requests', version: '1.0', requires: ['six'] })
  index.publish({ name: 'six', version: '1.0' })
  return nodeOf('pypi', index.base)
}

/** A command with nothing of whoever runs the tests but the program, and no way out past this machine. */
function command(program: string, args: readonly string[], work: string, env: Record<string, string> = {}): Promise<Run> {
  const home = join(work, 'home')
  mkdirSync(home, { recursive: true })
  const own = { ...NOTHING_OUTSIDE, NO_PROXY: '127.0.0.1', HOME: home, USERPROFILE: home, ...env }
  return run([program, ...args], { cwd: work, env: cleanEnv(own), timeoutMs: TIMEOUT_MS })
}

test('pip, for one command and for good', { timeout: TIMEOUT_MS }, async (context) => {
  const python = await requirePip(context)
  const url = await indexAndNode()
  const work = temp.create('pip')
  const pip = async (line: string, ...more: string[]) =>
    succeeded(await command(python, ['-m', 'pip', ...line.split(' ').slice(1), ...more], work))
  const installed = async (line: string, site: string) => {
    await pip(line, '--no-cache-dir', '--target', site)
    return readdirSync(join(work, site))
  }
  const both = expect.arrayContaining(['requests', 'six'])
  expect(await installed(lineWith(url, 'sh', 'pip install --index-url'), 'once')).toEqual(both)
  await pip(lineWith(url, 'sh', 'pip config set'))
  expect(await installed('pip install requests', 'for-good')).toEqual(both)
  await pip(lineWith(url, 'sh', 'pip config unset'))
  expect((await pip('pip config list')).stdout).not.toContain('index-url')
})

test.for(['environment', 'file'])('uv, by its %s', { timeout: TIMEOUT_MS }, async (way, context) => {
  const python = await requirePip(context)
  const uv = await requireUv(context, python)
  const url = await indexAndNode()
  const work = temp.create('uv')
  writeFileSync(join(work, 'uv.toml'), way === 'file' ? exampleWith(url, 'toml', '[[index]]') : '')
  const [, name = '', value = ''] = /^export (\w+)=(\S+)$/.exec(lineWith(url, 'sh', 'export UV_')) ?? []
  const env = { UV_PYTHON_DOWNLOADS: 'never', ...(way === 'file' ? {} : { [name]: value }) }
  const args = ['--python', python, '--target', 'site', '--only-binary', ':all:', 'requests']
  succeeded(await command(uv, ['pip', 'install', ...args], work, env))
  expect(readdirSync(join(work, 'site'))).toEqual(expect.arrayContaining(['requests', 'six']))
})

async function repositoryAndNode(): Promise<string> {
  const repository = await new ScriptedMaven().start()
  onTestFinished(() => repository.upstream.stop())
  repository.deploy('org/example/parent/1.5/parent-1.5.pom', parentPom())
  repository.deploy('org/example/lib/1.0/lib-1.0.pom', pomOf('org.example', 'lib', '1.0'))
  repository.deploy('org/example/lib/1.0/lib-1.0.jar', 'the jar')
  return nodeOf('maven-central', repository.url)
}

function parentPom(): string {
  return pomOf('org.example', 'parent', '1.5').replace(
    /<packaging>.*<\/packaging>|(?=<\/project>)/,
    '<packaging>pom</packaging>',
  )
}

test('Maven', { timeout: TIMEOUT_MS }, async (context) => {
  const program = requireTool(context, 'mvn')
  const url = await repositoryAndNode()
  const work = temp.create('maven')
  const maven = new Maven(program, work, {})
  writeFileSync(join(work, 'settings.xml'), exampleWith(url, 'xml', '<mirrorOf>central'))
  const project = temp.create('project')
  // A parent is the one thing that Maven needs before any plug-in.
  const parent = '<parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>1.5</version></parent>'
  const pom = `<project><modelVersion>4.0.0</modelVersion>${parent}<artifactId>app</artifactId><packaging>pom</packaging></project>`
  writeFileSync(join(project, 'pom.xml'), pom)
  succeeded(await maven.run(project, 'validate'))
  expect(readdirSync(join(maven.repository, 'org/example/parent/1.5'))).toContain('parent-1.5.pom')
})

test('Ivy', { timeout: TIMEOUT_MS }, async (context) => {
  const ivy = await requireIvy(context, temp.create('ivy'))
  const url = await repositoryAndNode()
  const resolver = exampleWith(url, 'xml', '<ibiblio').replace('name="warren"', 'name="node"')
  const { lib } = succeeded(await ivy.retrieve('lib', resolver, ['org.example', 'lib', '1.0']))
  expect(readdirSync(lib)).toEqual(['lib-1.0.jar'])
})

test('go', { timeout: TIMEOUT_MS }, async (context) => {
  const program = GoClient.require(context)
  const upstream = await started(new ScriptedGo())
  upstream.publish('ex.test/b', 'v0.1.0', { files: { 'b.go': 'package b\n' } })
  const url = await nodeOf('go', upstream.url, { sumdb: upstream.sumdb })
  const [, proxy = ''] = /^go env -w GOPROXY=(\S+)$/.exec(lineWith(url, 'sh', 'go env -w')) ?? []
  const go = new GoClient({ program, work: temp.create('go'), proxy, sumdb: upstream.sumdb })
  go.write({ 'go.mod': 'module main.test/m\n' })
  await go.go('get', 'ex.test/b@latest')
  expect(go.read('go.mod')).toContain('ex.test/b v0.1.0')
})

test('cargo', { timeout: TIMEOUT_MS }, async (context) => {
  const program = requireTool(context, 'cargo')
  const registry = await started(new ScriptedCargo())
  registry.publish('leaf', '1.0.0')
  const url = await nodeOf('cargo', registry.index)
  const work = temp.create('cargo')
  const cargo = new Cargo({ program, work, index: '', dependencies: { leaf: '1' } })
  writeFileSync(join(work, 'cargo', 'config.toml'), exampleWith(url, 'toml', '[source.crates-io]'))
  succeeded(await cargo.run('fetch'))
  expect(cargo.locked.map(({ name }) => name)).toEqual(['leaf'])
})

test('apt, with the mirror that the example has', { timeout: TIMEOUT_MS }, async (context) => {
  const program = requireTool(context, 'apt-get')
  const archive = await started(new ScriptedDebian({ inRelease: false }))
  archive.add({ name: 'one', bytes: new Random(5).bytes(10_000) })
  archive.publish()
  const settings = exampleWith('http://127.0.0.1', 'yaml', 'debian:').replace(
    'http://debian.mirror.example/debian/',
    archive.base,
  )
  const { mirrors } = loadText(temp.create('config'), settings, { ecosystems }).config
  const { url } = await startNode({ data: temp.create('node'), upstream: archive.base, mirrors })
  const [, base = '', components] = /^deb \[signed-by=\S+\] (\S+) \S+ (.+)$/.exec(lineWith(url, '', 'deb ')) ?? []
  expect(components).toBe('main')
  const apt = new Apt(program, temp.create('apt'), { url: base, suite: 'stable' })
  await apt.update()
  expect([...(await apt.download('one')).keys()]).toEqual(['one_1.0_amd64.deb'])
})
