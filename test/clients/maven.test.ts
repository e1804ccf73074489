import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { answer } from '../harness/answer.ts'
import { requireCoursier } from '../harness/coursier.ts'
import { cutAfter, flip, spoil } from '../harness/fault.ts'
import { requireIvy } from '../harness/ivy.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { COMPILE, Maven, type MavenMirrors, requireCentral, writeMavenProject } from '../harness/mvn.ts'
import { succeeded } from '../harness/npm.ts'
import type { ScriptedUpstream } from '../harness/scripted.ts'
import { buildsOf, pomOf, ScriptedMaven, versionsOf } from '../harness/scripted-maven.ts'
import { relayed, relayTo } from '../harness/scripted-maven-relay.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { scripted } from './behind.ts'

const TIMEOUT_MS = 300_000
const TEXT = { group: 'org.apache.commons', artifact: 'commons-text', version: '1.12.0' }
const TEXT_PATH = 'org/apache/commons/commons-text/1.12.0/commons-text-1.12.0'
const SOURCE = 'class A { String title = org.apache.commons.text.WordUtils.capitalize("warren"); }'

useLeakCheck()
const temp = useTempFolders()

function mirror(name: string, upstream: string): MirrorConfig {
  return { name: `maven-${name}`, protocol: 'maven', path: `/maven/${name}/`, upstreams: [upstream], local: false }
}

/** The central repository of this machine behind something that can be counted and taken away. */
async function central(context: TestContext) {
  const { program, url } = await requireCentral(context, temp.create('ask'))
  const upstream = await scripted()
  return { program, upstream, base: relayTo(url, upstream), jar: () => relayed(url, `${TEXT_PATH}.jar`) }
}

function maven(program: string, name: string, mirrors: MavenMirrors): Maven {
  return new Maven(program, temp.create(name), mirrors)
}

function project(name: string): string {
  return writeMavenProject(temp.create(name), { dependencies: [TEXT], sources: { 'src/main/java/A.java': SOURCE } })
}

/** The artifacts that a local repository has, with their bytes. */
function artifactsIn({ repository }: Maven): Map<string, string> {
  const files = readdirSync(repository, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(?:jar|pom)$/.test(file))
  return new Map(files.sort().map((file) => [file, readFileSync(join(repository, file)).toString('base64')]))
}

/** Some valid jar. */
async function aJar(context: TestContext): Promise<string> {
  return (await requireIvy(context, temp.create('jar'))).jar
}

const jarsAsked = ({ tally }: ScriptedUpstream) =>
  tally.log.filter(({ method, path }) => method === 'GET' && /\.jar$/.test(path))

describe('mvn', () => {
  it('compiles with dependencies through a node, and again with a fresh local repository and upstream gone', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const { program, upstream, base } = await central(context)
    const node = await startNode({ data: temp.create('node'), upstream: base, mirrors: [mirror('central', base)] })
    const mirrors = { '*': `${node.url}/maven/central/` }
    const first = maven(program, 'first', mirrors)
    const folder = project('one')
    const { stdout } = succeeded(await first.run(folder, COMPILE))
    expect(stdout).not.toMatch(/checksum/i)
    expect(readdirSync(join(folder, 'target/classes'))).toEqual(['A.class'])
    const fetched = artifactsIn(first)
    expect([...fetched.keys()]).toContain(`${TEXT_PATH}.jar`)
    // Every artifact came once.
    expect(jarsAsked(upstream).length).toBe([...fetched.keys()].filter((file) => file.endsWith('.jar')).length)
    await storeAtRest(node)
    await upstream.gone()
    const again = maven(program, 'again', mirrors)
    succeeded(await again.run(project('two'), COMPILE))
    expect(artifactsIn(again)).toEqual(fetched)
  })

  it('gets jars from another member of the mesh while upstream gives none', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const { program, upstream, base } = await central(context)
    const init = { upstream: base, mirrors: [mirror('central', base)] }
    const mesh = await TestMesh.create(temp, init)
    const second = await mesh.join(init)
    const one = maven(program, 'one', { '*': `${mesh.seed.url}/maven/central/` })
    succeeded(await one.run(project('first'), COMPILE))
    await storeAtRest(mesh.seed)
    upstream.on(/\.jar$/, answer(503, 'no jar today'))
    const two = maven(program, 'two', { '*': `${second.url}/maven/central/` })
    succeeded(await two.run(project('second'), COMPILE))
    expect(artifactsIn(two)).toEqual(artifactsIn(one))
    const jars = [...artifactsIn(two).keys()].filter((file) => file.endsWith('.jar')).length
    expect((await second.status()).requests.seed).toBeGreaterThanOrEqual(jars)
  })

  it('compiles through a group whose first repository has nothing of it, also once that is down', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const { program, upstream, base } = await central(context)
    const corp = await new ScriptedMaven().start()
    onTestFinished(() => corp.upstream.stop())
    const mirrors = [{ ...mirror('group', ''), upstreams: [corp.url, base] }]
    const node = await startNode({ data: temp.create('node'), upstream: base, mirrors })
    const first = maven(program, 'first', { '*': `${node.url}/maven/group/` })
    succeeded(await first.run(project('one'), COMPILE))
    // The file, and one of its checksums; what asks for a checksum of it later may come when its absence counts no more.
    const asked = new Set(corp.log.map((line) => line.replace(/^(?:GET|HEAD) /, '')))
    const files = [...artifactsIn(first).keys()]
    expect(asked).toEqual(new Set(files.flatMap((file) => [file, `${file}.sha1`])))
    expect(corp.log.filter((line) => line.startsWith('GET')).length).toBe(2 * files.length)
    await storeAtRest(node)
    await corp.upstream.gone()
    await upstream.gone()
    const again = maven(program, 'again', { '*': `${node.url}/maven/group/` })
    succeeded(await again.run(project('two'), COMPILE))
    expect(artifactsIn(again)).toEqual(artifactsIn(first))
  })

  it('does not notice that upstream broke off amid a jar', { timeout: TIMEOUT_MS }, async (context) => {
    const { program, upstream, base, jar } = await central(context)
    const node = await startNode({ data: temp.create('node'), upstream: base, mirrors: [mirror('central', base)] })
    const right = await jar()
    upstream.on(`/${TEXT_PATH}.jar`, spoil(right, cutAfter(100_000)), right)
    // This Maven asks for nothing a second time.
    succeeded(await maven(program, 'client', { '*': `${node.url}/maven/central/` }).run(project('one'), COMPILE))
    const asked = upstream.tally.log.filter(({ path }) => path === `/${TEXT_PATH}.jar`)
    expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)])
  })

  it('is refused a jar with one wrong byte, and gets a right one the next time', { timeout: TIMEOUT_MS }, async (context) => {
    const { program, upstream, base, jar } = await central(context)
    const node = await startNode({ data: temp.create('node'), upstream: base, mirrors: [mirror('central', base)] })
    const right = await jar()
    let isWell = false
    upstream.on(`/${TEXT_PATH}.jar`, () => (isWell ? right : spoil(right, flip(right.size - 1000))))
    const client = maven(program, 'client', { '*': `${node.url}/maven/central/` })
    const folder = project('one')
    const { code, stdout } = await client.run(folder, COMPILE)
    expect([code === 0, stdout.includes('commons-text')]).toEqual([false, true])
    isWell = true
    succeeded(await client.run(folder, '-U', COMPILE))
  })

  it('resolves a snapshot that is built anew, without a warning about checksums', { timeout: TIMEOUT_MS }, async (context) => {
    const { program, base } = await central(context)
    const snapshots = await new ScriptedMaven().start()
    onTestFinished(() => snapshots.upstream.stop())
    const jar = readFileSync(await aJar(context))
    const directory = 'test/corp/lib/2.0-SNAPSHOT'
    const build = (timestamp: string, number: number) => {
      const name = `${directory}/lib-2.0-${timestamp}-${number}`
      snapshots.deploy(`${name}.jar`, jar).deploy(`${name}.pom`, pomOf('test.corp', 'lib', '2.0-SNAPSHOT'))
      snapshots.deploy(`${directory}/maven-metadata.xml`, buildsOf('test.corp', 'lib', '2.0-SNAPSHOT', timestamp, number))
    }
    build('20240101.010101', 1)
    const mirrors = [mirror('central', base), { ...mirror('snap', snapshots.url), lifetime: 1 }]
    const node = await startNode({ data: temp.create('node'), upstream: base, mirrors })
    const client = maven(program, 'client', {
      central: `${node.url}/maven/central/`,
      snap: `${node.url}/maven/snap/`,
    })
    const folder = writeMavenProject(temp.create('project'), {
      dependencies: [{ group: 'test.corp', artifact: 'lib', version: '2.0-SNAPSHOT' }],
      sources: { 'src/main/java/A.java': 'class A {}' },
      repositories: { snap: 'http://snap.example.test/' },
    })
    succeeded(await client.run(folder, COMPILE))
    build('20240202.020202', 2)
    const { stdout } = succeeded(await client.run(folder, '-U', COMPILE))
    expect(stdout).not.toMatch(/checksum/i)
    const files = readdirSync(join(client.repository, directory))
    expect(files).toEqual(expect.arrayContaining(['lib-2.0-20240101.010101-1.jar', 'lib-2.0-20240202.020202-2.jar']))
  })
})

describe('Ivy', () => {
  it('resolves what has dependencies from a repository in the layout of Maven', { timeout: TIMEOUT_MS }, async (context) => {
    const ivy = await requireIvy(context, temp.create('ivy'))
    const { upstream, base } = await central(context)
    const node = await startNode({ data: temp.create('node'), upstream: base, mirrors: [mirror('central', base)] })
    const resolver = `<ibiblio name="node" m2compatible="true" root="${node.url}/maven/central/"/>`
    for (const round of ['first', 'again']) {
      const { lib } = succeeded(await ivy.retrieve(round, resolver, [TEXT.group, TEXT.artifact, TEXT.version]))
      expect(readdirSync(lib)).toEqual(expect.arrayContaining(['commons-lang3-3.14.0.jar', 'commons-text-1.12.0.jar']))
      await storeAtRest(node)
      await upstream.gone()
    }
  })

  it('finds the newest revision by what directories list, and in metadata', { timeout: TIMEOUT_MS }, async (context) => {
    const ivy = await requireIvy(context, temp.create('ivy'))
    const repository = await new ScriptedMaven().start()
    onTestFinished(() => repository.upstream.stop())
    const jar = readFileSync(await aJar(context))
    for (const version of ['1.0', '1.1']) {
      const descriptor = `<ivy-module version="2.0"><info organisation="corp" module="thing" revision="${version}"/><publications><artifact/></publications></ivy-module>`
      repository.deploy(`corp/thing/${version}/ivys/ivy.xml`, descriptor).deploy(`corp/thing/${version}/jars/thing.jar`, jar)
      repository.deploy(`corp/other/${version}/other-${version}.jar`, jar)
      repository.deploy(`corp/other/${version}/other-${version}.pom`, pomOf('corp', 'other', version))
    }
    repository.deploy('corp/other/maven-metadata.xml', versionsOf('corp', 'other', ['1.0', '1.1']))
    const node = await startNode({
      data: temp.create('node'),
      upstream: repository.url,
      mirrors: [mirror('ivy', repository.url)],
    })
    const root = `${node.url}/maven/ivy`
    const pattern = '[organisation]/[module]/[revision]/[type]s/[artifact].[ext]'
    const byList = `<url name="node"><ivy pattern="${root}/${pattern}"/><artifact pattern="${root}/${pattern}"/></url>`
    const listed = succeeded(await ivy.retrieve('listed', byList, ['corp', 'thing', 'latest.integration']))
    expect(readdirSync(listed.lib)).toEqual(['thing-1.1.jar'])
    const byMetadata = `<ibiblio name="node" m2compatible="true" root="${root}/"/>`
    const named = succeeded(await ivy.retrieve('named', byMetadata, ['corp', 'other', 'latest.release']))
    expect(readdirSync(named.lib)).toEqual(['other-1.1.jar'])
  })
})

describe('coursier', () => {
  it('fetches what has dependencies, and again with a fresh cache and upstream gone', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const coursier = await requireCoursier(context, temp.create('coursier'))
    const { upstream, base } = await central(context)
    const node = await startNode({ data: temp.create('node'), upstream: base, mirrors: [mirror('central', base)] })
    const rounds: Buffer[][] = []
    for (const round of ['first', 'again']) {
      const jars = await coursier.fetch(round, `${node.url}/maven/central/`, Object.values(TEXT).join(':'))
      expect(jars.map((jar) => basename(jar)).sort()).toEqual(['commons-lang3-3.14.0.jar', 'commons-text-1.12.0.jar'])
      rounds.push(jars.map((jar) => readFileSync(jar)))
      await storeAtRest(node)
      await upstream.gone()
    }
    expect(rounds[1]).toEqual(rounds[0])
  })

  it('finds the newest release of a group, by metadata whose checksum it looks at', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const coursier = await requireCoursier(context, temp.create('coursier'))
    const repositories = [await new ScriptedMaven().start(), await new ScriptedMaven().start()]
    onTestFinished(async () => {
      for (const { upstream } of repositories) await upstream.stop()
    })
    repositories.forEach((repository, at) => {
      const version = `${at + 1}.0`
      repository.deploy('corp/lib/maven-metadata.xml', versionsOf('corp', 'lib', [version], `2024010${at}000000`))
      repository.deploy(`corp/lib/${version}/lib-${version}.pom`, pomOf('corp', 'lib', version))
      repository.deploy(`corp/lib/${version}/lib-${version}.jar`, `jar of ${version}`)
    })
    const upstreams = repositories.map(({ url }) => url)
    const mirrors = [{ ...mirror('group', ''), upstreams }]
    const node = await startNode({ data: temp.create('node'), upstream: upstreams[0] ?? '', mirrors })
    const [jar = ''] = await coursier.fetch('first', `${node.url}/maven/group/`, 'corp:lib:latest.release')
    expect([basename(jar), readFileSync(jar, 'utf8')]).toEqual(['lib-2.0.jar', 'jar of 2.0'])
  })
})
