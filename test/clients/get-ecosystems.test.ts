import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runWarren } from '../admin/cli/run-warren.ts'
import { json, serve } from '../harness/answer.ts'
import { flip } from '../harness/fault.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { type NodeProcess, startNodeProcess } from '../harness/node.ts'
import { ScriptedCargo } from '../harness/scripted-cargo.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { h1Of } from '../harness/scripted-go-zip.ts'
import { buildsOf, pomOf, ScriptedMaven, versionsOf } from '../harness/scripted-maven.ts'
import { ScriptedIndex } from '../harness/scripted-pypi.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'

const REAL = 120_000

useLeakCheck()
const temp = useTempFolders()

let node: NodeProcess

async function startNode(mirrors: Readonly<Record<string, object>>): Promise<void> {
  node = await startNodeProcess({ data: temp.create('data'), config: { mirrors } })
}

interface Got {
  readonly kind: string
  readonly name: string
  readonly source: string
  readonly verified: string | null
}

interface Facts {
  readonly code: number | null
  readonly stderr: string
  readonly packages: readonly { readonly package: string; readonly mirror: string; readonly files: readonly Got[] }[]
  readonly failures: readonly { readonly package: string; readonly error: string }[]
  readonly skipped: readonly { readonly name: string; readonly why: string }[]
  readonly totals: { readonly files: number; readonly sources: Readonly<Record<string, number>> }
}

async function get(...args: string[]): Promise<Facts> {
  const { code, stdout, stderr } = await runWarren(['get', '--json', '--data', node.data, ...args], {
    home: temp.create('home'),
  })
  if (stdout === '') throw new Error(stderr)
  return { code, stderr, ...JSON.parse(stdout) }
}

function lockfile(name: string, text: string): string[] {
  const file = join(temp.create('project'), name)
  writeFileSync(file, text)
  return ['--lockfile', file]
}

/** Files and documents of the only package, with what each was checked by. */
function brief({ code, failures, packages }: Facts): unknown {
  return { code, failures, files: packages.flatMap(({ files }) => files.map(({ name, verified }) => `${name} ${verified}`)) }
}

/** The same once more, all of it from the node while no upstream is there. */
async function expectKept(args: readonly string[], ...upstreams: readonly { gone(): Promise<void> }[]): Promise<void> {
  await eventually('nothing is on its way any more', async () => {
    const { flights } = await node.status()
    return flights === 0
  })
  for (const upstream of upstreams) await upstream.gone()
  const again = await get(...args)
  expect([again.code, again.failures]).toEqual([0, []])
  expect(Object.keys(again.totals.sources).filter((source) => source !== 'local' && source !== 'stale')).toEqual([])
}

afterEach(() => node.stop())

describe('PyPI', () => {
  let index: ScriptedIndex

  beforeEach(async () => {
    index = await new ScriptedIndex().start()
    await startNode({ pypi: { upstreams: [index.base] } })
  })

  afterEach(() => index.stop())

  it('a version comes with its page and metadata, and is kept', { timeout: REAL }, async () => {
    index.publish({ name: 'foo-bar', version: '1.0' })
    const { file } = index.publish({ name: 'foo-bar', version: '1.1' })
    index.publish({ name: 'foo-bar', version: '2.0rc1' })
    const facts = await get('pkg:pypi/Foo.Bar')
    expect(facts.packages).toMatchObject([{ package: 'pkg:pypi/foo-bar@1.1', mirror: 'pypi' }])
    expect(brief(facts)).toEqual({
      code: 0,
      failures: [],
      files: ['foo-bar (page) null', `${file}.metadata sha256`, `${file} sha256`],
    })
    await expectKept(['pkg:pypi/foo-bar@1.1.0'], index)
  })

  it('of many wheels those for the wanted machines come, and the source archive only in their absence', {
    timeout: REAL,
  }, async () => {
    const add = (file: string) => index.add('many', { file, bytes: Buffer.from(`content of ${file}`), says: {} })
    const wheel = (tags: string) => `many-1.0-${tags}.whl`
    const [linux, arm, mac] = ['manylinux2014_x86_64', 'manylinux2014_aarch64', 'macosx_11_0_arm64'].map((tag) =>
      wheel(`cp312-cp312-${tag}`),
    )
    for (const file of [linux, arm, mac, 'many-1.0.tar.gz']) if (file) add(file)
    const names = async (...args: string[]) => {
      const { packages } = await get('pkg:pypi/many@1.0', ...args)
      return packages.flatMap(({ files }) => files.filter(({ kind }) => kind === 'file').map(({ name }) => name))
    }
    expect(await names('--platform', 'linux/amd64', '--platform', 'darwin/arm64')).toEqual([linux, mac])
    expect(await names('--platform', 'linux/s390x')).toEqual(['many-1.0.tar.gz'])
    expect(await names('--all-platforms')).toHaveLength(4)
    const one = await get('pkg:pypi/many?file_name=many-1.0.tar.gz')
    expect(one.packages).toMatchObject([{ package: 'pkg:pypi/many@1.0', files: [{}, { name: 'many-1.0.tar.gz' }] }])
  })

  it('of requirements only files with a promised hash come, and another hash is a failure', { timeout: REAL }, async () => {
    const good = index.publish({ name: 'good', version: '1.0' })
    index.publish({ name: 'bad', version: '1.0' })
    const hex = createHash('sha256').update(good.bytes).digest('hex')
    const text = `good==1.0 --hash=sha256:${hex}\nbad==1.0 --hash=sha256:${'ab'.repeat(32)}\n`
    const facts = await get(...lockfile('requirements.txt', text))
    expect(facts.code).toBe(1)
    expect(facts.packages).toMatchObject([{ package: 'pkg:pypi/good@1.0' }])
    expect(facts.failures).toEqual([
      { package: 'pkg:pypi/bad@1.0', error: 'bad 1.0 has no file with a digest that the lockfile has: its 1 have others' },
    ])
  })
})

describe('Maven', () => {
  let central: ScriptedMaven

  beforeEach(async () => {
    central = await new ScriptedMaven().start()
    await startNode({ 'maven-central': { upstreams: [central.url] } })
  })

  afterEach(() => central.upstream.stop())

  it('a version comes with its POM, those that it needs, and checksums, and is kept', { timeout: REAL }, async () => {
    const parent = '<parent><groupId>org.x</groupId><artifactId>parent</artifactId><version>7</version></parent>'
    central
      .deploy('org/x/lib/1.0/lib-1.0.pom', pomOf('org.x', 'lib', '1.0').replace('<groupId>', `${parent}<groupId>`))
      .deploy('org/x/lib/1.0/lib-1.0.jar', 'the jar')
      .deploy('org/x/parent/7/parent-7.pom', pomOf('org.x', 'parent', '7'))
      .deploy('org/x/lib/maven-metadata.xml', versionsOf('org.x', 'lib', ['0.9', '1.0']))
    const facts = await get('pkg:maven/org.x/lib')
    expect(facts.packages).toMatchObject([{ package: 'pkg:maven/org.x/lib@1.0', mirror: 'maven-central' }])
    expect(brief(facts)).toEqual({
      code: 0,
      failures: [],
      files: [
        'org.x:lib (versions) null',
        'lib-1.0.pom.sha1 null',
        'lib-1.0.pom sha1',
        'parent-7.pom.sha1 null',
        'parent-7.pom sha1',
        'lib-1.0.jar.sha1 null',
        'lib-1.0.jar sha1',
      ],
    })
    await expectKept(lockfile('list.txt', '[INFO]    org.x:lib:jar:1.0:compile\n'), central.upstream)
  })

  it('classifiers, types and snapshots have their own file names', { timeout: REAL }, async () => {
    const build = '2.0-20240101.010101-7'
    central
      .deploy('org/x/lib/1.0/lib-1.0.pom', pomOf('org.x', 'lib', '1.0'))
      .deploy('org/x/lib/1.0/lib-1.0-dist.zip', 'the zip')
      .deploy('org/x/snap/2.0-SNAPSHOT/maven-metadata.xml', buildsOf('org.x', 'snap', '2.0-SNAPSHOT', '20240101.010101', 7))
      .deploy(`org/x/snap/2.0-SNAPSHOT/snap-${build}.pom`, pomOf('org.x', 'snap', '2.0-SNAPSHOT'))
      .deploy(`org/x/snap/2.0-SNAPSHOT/snap-${build}.jar`, 'the build')
    const { code, packages } = await get(
      'pkg:maven/org.x/lib@1.0?type=zip&classifier=dist',
      'pkg:maven/org.x/snap@2.0-SNAPSHOT',
    )
    expect([code, packages.map(({ files }) => files.at(-1)?.name)]).toEqual([0, ['lib-1.0-dist.zip', `snap-${build}.jar`]])
  })

  it('what has no jar fails, and a POM alone can be asked for', { timeout: REAL }, async () => {
    central.deploy('org/x/bom/1/bom-1.pom', pomOf('org.x', 'bom', '1'))
    const { code, failures } = await get('pkg:maven/org.x/bom@1')
    expect([code, failures.length]).toEqual([1, 1])
    expect(failures[0]?.error).toMatch(/^bom-1\.jar: .*404\)?$/)
    expect((await get('pkg:maven/org.x/bom@1?type=pom')).code).toBe(0)
  })
})

describe('Go', () => {
  let proxy: ScriptedGo

  beforeEach(async () => {
    proxy = await new ScriptedGo().start()
    await startNode({ go: { upstreams: [proxy.url], sumdb: proxy.sumdb } })
  })

  afterEach(() => proxy.stop())

  it('the newest version comes as go mod download would have it, and is kept by go.sum', { timeout: REAL }, async () => {
    const { mod } = proxy.publish('ex.test/Big/A', 'v1.2.0+incompatible')
    proxy.publish('ex.test/low', 'v0.1.0')
    proxy.publish('ex.test/Big/A', 'v1.1.0')
    proxy.publish('ex.test/Big/A', 'v1.3.0-rc.1')
    proxy.publish('ex.test/unlisted', 'v0.0.0-20200101000000-abcdefabcdef', { listed: false })
    proxy.answer('ex.test/unlisted/@latest', json({ Version: 'v0.0.0-20200101000000-abcdefabcdef' }))
    const facts = await get('pkg:golang/ex.test/Big/A', 'pkg:golang/ex.test/low@v0.1.0', 'pkg:golang/ex.test/unlisted')
    expect(facts.packages.map((one) => one.package)).toEqual([
      'pkg:golang/ex.test/Big/A@v1.2.0+incompatible',
      'pkg:golang/ex.test/low@v0.1.0',
      'pkg:golang/ex.test/unlisted@v0.0.0-20200101000000-abcdefabcdef',
    ])
    expect(facts.packages[1]?.files.map(({ name }) => name)).toEqual([
      'ex.test/low@v0.1.0.info',
      'ex.test/low@v0.1.0.mod',
      'ex.test/low@v0.1.0.zip',
    ])
    const h1 = h1Of([{ name: 'go.mod', data: mod }])
    const line = `ex.test/Big/A v1.2.0+incompatible/go.mod`
    const sum = lockfile('go.sum', `${line} ${h1}\n`)
    await expectKept(sum, proxy)
    const other = await get(...lockfile('go.sum', `${line} h1:${Buffer.alloc(32).toString('base64')}\n`))
    expect(other.failures[0]?.error).toContain('.mod is wrong: its hash is h1:')
  })

  it('a zip with other files than go.sum says is a failure, whatever the node knows of it', { timeout: REAL }, async () => {
    const files = { 'a.go': 'package a\n' }
    const { zip } = proxy.publish('git.corp.test/a', 'v1.0.0', { files, logged: false })
    proxy.publish('git.corp.test/bad', 'v1.0.0', { logged: false })
    proxy.answer('git.corp.test/bad/@v/v1.0.0.zip', serve(zip.subarray(1)))
    const right = h1Of(
      ['a.go', 'go.mod'].map((name) => ({
        name: `git.corp.test/a@v1.0.0/${name}`,
        data: name === 'a.go' ? files[name] : 'module git.corp.test/a\n\ngo 1.20\n\n',
      })),
    )
    const other = `h1:${Buffer.alloc(32).toString('base64')}`
    const good = lockfile('go.sum', `git.corp.test/a v1.0.0 ${right}\n`)
    const facts = await get(
      ...good,
      ...lockfile('go.sum', `git.corp.test/a v1.0.0 ${other}\ngit.corp.test/bad v1.0.0 ${right}\n`),
    )
    expect(facts.packages.flatMap((one) => one.files).find(({ name }) => name.endsWith('.zip'))?.verified).toBe('h1')
    expect(facts.failures.map(({ error }) => error).sort()).toEqual([
      `git.corp.test/a@v1.0.0.zip is wrong: its hash is ${right} instead of ${other}`,
      expect.stringMatching(/^git\.corp\.test\/bad@v1\.0\.0\.zip is wrong: it has no hash, where h1:.* is wanted: /),
    ])
    expect([facts.code, facts.packages.length]).toEqual([1, 1])
  })
})

describe('Cargo', () => {
  let registry: ScriptedCargo

  beforeEach(async () => {
    registry = await new ScriptedCargo().start()
    await startNode({ cargo: { upstreams: [registry.index] } })
  })

  afterEach(() => registry.stop())

  it('the newest version comes by its index, and is kept by Cargo.lock', { timeout: REAL }, async () => {
    registry.publish('MyCrate', '0.9.0')
    const { sha256 } = registry.publish('MyCrate', '1.0.0')
    registry.publish('MyCrate', '1.1.0')
    registry.yank('MyCrate', '1.1.0')
    registry.publish('MyCrate', '2.0.0-beta.1')
    const facts = await get('pkg:cargo/MyCrate')
    expect(facts.packages).toMatchObject([{ package: 'pkg:cargo/MyCrate@1.0.0', mirror: 'cargo' }])
    expect(brief(facts)).toEqual({
      code: 0,
      failures: [],
      files: ['config.json of cargo null', 'MyCrate (index) null', 'MyCrate-1.0.0.crate sha256'],
    })
    const entry = (checksum: string) =>
      `[[package]]\nname = "MyCrate"\nversion = "1.0.0"\nsource = "sparse+${registry.index}"\nchecksum = "${checksum}"\n`
    await expectKept(lockfile('Cargo.lock', entry(sha256)), registry)
    const other = await get(...lockfile('Cargo.lock', entry('ab'.repeat(32))))
    expect(other.failures[0]?.error).toMatch(/^MyCrate 1\.0\.0 is wrong: the index has the digest sha256:\w{64} instead of /)
  })

  it('a crate with a wrong byte fails, and the others are fetched', { timeout: REAL }, async () => {
    registry.publish('bad', '1.0.0')
    registry.publish('good', '1.0.0')
    registry.files.fail(/bad/, flip(20))
    const { code, failures, packages } = await get('pkg:cargo/bad@1.0.0', 'pkg:cargo/good@1.0.0')
    expect([code, failures.map((one) => one.package)]).toEqual([1, ['pkg:cargo/bad@1.0.0']])
    expect(packages).toMatchObject([{ package: 'pkg:cargo/good@1.0.0' }])
  })
})
