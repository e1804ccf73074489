import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { builtIns } from '../../node/built-ins.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { requireCoursierJars } from '../harness/coursier.ts'
import { DEAD_END } from '../harness/dead-end.ts'
import { GoClient } from '../harness/go-client.ts'
import { requireIvy } from '../harness/ivy.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { requirePip } from '../harness/pip.ts'
import { requirePoetry } from '../harness/poetry.ts'
import { ScriptedCargo } from '../harness/scripted-cargo.ts'
import { started } from '../harness/scripted-files.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { pomOf, ScriptedMaven } from '../harness/scripted-maven.ts'
import { scriptedIndex } from '../harness/scripted-pypi-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'
import { requireUv } from '../harness/uv.ts'
import { SomeUser } from './set-up.ts'

const TIMEOUT_MS = 240_000
const LIMIT = { timeout: TIMEOUT_MS }

useLeakCheck()
const temp = useTempFolders()

/** Somebody beside a node whose built-in mirror of this name has another upstream. */
function beside(name: string, upstream: string, files: Record<string, string>, more: Partial<MirrorConfig> = {}) {
  const builtIn = builtIns.find((one) => one.name === name)
  if (!builtIn) throw new Error(`there is no built-in mirror ${name}`)
  return SomeUser.beside(temp, { upstream, mirrors: [{ ...builtIn, upstreams: [upstream], local: false, ...more }] }, files)
}

async function besideIndex(files: Record<string, string>): Promise<SomeUser> {
  const index = await scriptedIndex()
  index.publish({ name: 'requests', version: '1.0', requires: ['six'] })
  index.publish({ name: 'six', version: '1.0' })
  return beside('pypi', index.base, files)
}

const BOTH = expect.arrayContaining(['requests', 'six'])

test('pip', LIMIT, async (context) => {
  const python = await requirePip(context)
  const user = await besideIndex({ '.config/pip/pip.conf': '[install]\n# mine\nno-compile = true' })
  await user.setUp('pip', () => user.run([python, '-m', 'pip', 'install', '--no-cache-dir', '--target', 'site', 'requests']))
  expect(readdirSync(join(user.work, 'site'))).toEqual(BOTH)
})

test('pip that is led to an index of its own asks that one through the node', LIMIT, async (context) => {
  const python = await requirePip(context)
  const index = await scriptedIndex()
  index.publish({ name: 'own', version: '1.0' })
  const settings = `[global]\nindex-url = ${index.base}\n`
  const user = await beside('pypi', `http://${DEAD_END}/simple/`, { '.config/pip/pip.conf': settings })
  const install = [python, '-m', 'pip', 'install', '--no-cache-dir', '--target', 'site', 'own'] as const
  await user.setUp('pip', () => user.run(install), '--adopt')
  expect(readdirSync(join(user.work, 'site'))).toContain('own')
  const { mirrors, requests } = await user.node.status()
  expect(mirrors.map(({ upstreams }) => upstreams[0])).toContain(index.base)
  expect(requests.upstream).toBeGreaterThan(0)
})

test('uv', LIMIT, async (context) => {
  const python = await requirePip(context)
  const uv = await requireUv(context, python)
  const user = await besideIndex({ '.config/uv/uv.toml': '# mine\r\ncompile-bytecode = false' })
  const args = ['--python', python, '--target', 'site', '--only-binary', ':all:', 'requests']
  await user.setUp('uv', () => user.run([uv, 'pip', 'install', ...args], { UV_PYTHON_DOWNLOADS: 'never' }))
  expect(readdirSync(join(user.work, 'site'))).toEqual(BOTH)
})

test('Poetry', LIMIT, async (context) => {
  const python = await requirePip(context)
  const poetry = await requirePoetry(context, python)
  const project = '[tool.poetry]\nname = "x"\nversion = "1"\ndescription = ""\nauthors = []\npackage-mode = false # an app\n\n'
  const user = await besideIndex({ 'work/pyproject.toml': `${project}[tool.poetry.dependencies]\nrequests = "1.0"\n` })
  await user.setUp('poetry', () =>
    user.run([python, '-m', 'poetry', 'lock'], { PYTHONPATH: poetry, POETRY_VIRTUALENVS_CREATE: 'false' }),
  )
  expect(readFileSync(join(user.work, 'poetry.lock'), 'utf8')).toContain(`url = "${user.node.url}/pypi/simple"`)
})

async function besideRepository(files: Record<string, string>): Promise<SomeUser> {
  const repository = await new ScriptedMaven().start()
  onTestFinished(() => repository.upstream.stop())
  const parent = pomOf('org.example', 'parent', '1.5').replace('<packaging>jar</packaging>', '')
  repository.deploy(
    'org/example/parent/1.5/parent-1.5.pom',
    parent.replace('</project>', '<packaging>pom</packaging></project>'),
  )
  repository.deploy('org/example/lib/1.0/lib-1.0.pom', pomOf('org.example', 'lib', '1.0'))
  repository.deploy('org/example/lib/1.0/lib-1.0.jar', 'the jar')
  return beside('maven-central', repository.url, files)
}

test('Maven', LIMIT, async (context) => {
  const program = requireTool(context, 'mvn')
  // A parent is the one thing that Maven needs before any plug-in.
  const parent = '<parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>1.5</version></parent>'
  const user = await besideRepository({
    '.m2/settings.xml': '<settings>\r\n  <!-- mine -->\r\n  <interactiveMode>false</interactiveMode>\r\n</settings>',
    'work/pom.xml': `<project><modelVersion>4.0.0</modelVersion>${parent}<artifactId>app</artifactId><packaging>pom</packaging></project>`,
  })
  await user.setUp('maven', () => user.run([program, '-B', `-Duser.home=${user.home}`, 'validate']))
  expect(readdirSync(join(user.home, '.m2/repository/org/example/parent/1.5'))).toContain('parent-1.5.pom')
})

test('coursier', LIMIT, async (context) => {
  const { java, jars } = await requireCoursierJars(context, temp.create('jars'))
  const user = await besideRepository({
    '.config/coursier/mirror.properties': '# mine\nother.from=https://a.test\nother.to=https://b.test',
  })
  const source = join(user.work, 'Get.java')
  const main =
    'System.out.println(coursierapi.Fetch.create().addDependencies(coursierapi.Dependency.of("org.example", "lib", "1.0")).fetch());'
  writeFileSync(source, `public class Get { public static void main(String[] args) throws Exception { ${main} } }\n`)
  const own = [`-Duser.home=${user.home}`, '-cp', jars.join(delimiter), source]
  let said = ''
  await user.setUp('coursier', async () => {
    said = (await user.run([java, ...own])).stdout
  })
  expect(said).toMatch(/lib-1\.0\.jar/)
  expect(said).toContain(new URL(user.node.url).hostname)
})

test('Ivy', LIMIT, async (context) => {
  const ivy = await requireIvy(context, temp.create('ivy'))
  const chain = '<chain name="all">\n  <!-- mine -->\n  <ibiblio name="central" m2compatible="true"/>\n</chain>'
  const settings = `<ivysettings>\n<settings defaultResolver="all"/>\n<resolvers>${chain}</resolvers>\n</ivysettings>\n`
  const user = await besideRepository({ 'work/ivysettings.xml': settings })
  const wanted = ['-settings', 'ivysettings.xml', '-dependency', 'org.example', 'lib', '1.0', '-confs', 'default']
  const retrieve = ['-retrieve', 'lib/[artifact]-[revision].[ext]']
  await user.setUp('ivy', () =>
    user.run([requireTool(context, 'java'), `-Duser.home=${user.home}`, '-jar', ivy.jar, ...wanted, ...retrieve]),
  )
  expect(readdirSync(join(user.work, 'lib'))).toEqual(['lib-1.0.jar'])
})

test('go', LIMIT, async (context) => {
  const program = GoClient.require(context)
  const upstream = await started(new ScriptedGo())
  upstream.publish('ex.test/b', 'v0.1.0', { files: { 'b.go': 'package b\n' } })
  const files = { '.config/go/env': `GOFLAGS=-modcacherw\nGOSUMDB=${upstream.sumdb}\n`, 'work/go.mod': 'module main.test/m\n' }
  const user = await beside('go', upstream.url, files, { sumdb: upstream.sumdb })
  await user.setUp('go', () => user.run([program, 'get', 'ex.test/b@latest'], { GOTOOLCHAIN: 'local', GOVCS: '*:off' }))
  expect(readFileSync(join(user.work, 'go.mod'), 'utf8')).toContain('ex.test/b v0.1.0')
})

test('cargo', LIMIT, async (context) => {
  const program = requireTool(context, 'cargo')
  const registry = await started(new ScriptedCargo())
  registry.publish('leaf', '1.0.0')
  const user = await beside('cargo', registry.index, {
    '.cargo/config.toml': '[net] # mine\r\nretry = 1\r\n\r\n[build]\r\njobs = 1',
    'work/Cargo.toml': '[package]\nname = "project"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\nleaf = "1"\n',
    'work/src/main.rs': 'fn main() {}\n',
  })
  const rustup = process.env.RUSTUP_HOME ?? join(process.env.HOME ?? '', '.rustup')
  await user.setUp('cargo', () => user.run([program, 'fetch'], { RUSTUP_HOME: rustup, CARGO_HOME: join(user.home, '.cargo') }))
  expect(readFileSync(join(user.work, 'Cargo.lock'), 'utf8')).toContain('name = "leaf"')
})
