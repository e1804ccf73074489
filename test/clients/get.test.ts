import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runWarren } from '../admin/cli/run-warren.ts'
import { flip } from '../harness/fault.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { type NodeProcess, startNodeProcess } from '../harness/node.ts'
import { npmCi, npmInstall, succeeded } from '../harness/npm.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'

const REAL = 120_000

useLeakCheck()
const temp = useTempFolders()

let registry: SyntheticRegistry
let replay: ReplayUpstream
let node: NodeProcess

beforeEach(async () => {
  registry = new SyntheticRegistry({ packages: 12, odd: false })
  replay = await new ReplayUpstream(registry.recording).start()
  const mirrors = { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } }
  node = await startNodeProcess({ data: temp.create('data'), config: { mirrors } })
})

afterEach(async () => {
  await node.stop()
  await replay.stop()
})

async function get(...args: string[]) {
  const { code, stdout, stderr } = await runWarren(['get', '--json', '--data', node.data, ...args], {
    home: temp.create('home'),
  })
  return { code, stderr, ...JSON.parse(stdout) }
}

function lockfileOf(project: { lock: unknown }): string {
  const file = join(temp.create('project'), 'package-lock.json')
  writeFileSync(file, JSON.stringify(project.lock))
  return file
}

it('what a package-lock.json names is installed by npm ci once the registry is gone', { timeout: REAL }, async () => {
  const project = registry.project(replay.url)
  const first = await get('--lockfile', lockfileOf(project))
  expect([first.code, first.failures, first.skipped]).toEqual([0, [], []])
  const count = registry.installable.length
  expect(first.totals).toMatchObject({ packages: count, files: count, documents: 0, images: 0 })
  expect(replay.tally.kind('tarball').requests).toBe(count)
  await replay.gone()
  // One that was written through the node names it.
  const own = registry.project(`${node.url}/npm/`)
  const again = await get('--lockfile', lockfileOf(own))
  expect([again.code, Object.keys(again.totals.sources)]).toEqual([0, ['local']])
  succeeded(await npmCi({ project: own, registry: `${node.url}/npm/`, work: temp.create('work') }))
})

it('without URLs in the lockfile its documents are there, too', { timeout: REAL }, async () => {
  const project = registry.project()
  const { code, totals } = await get('--lockfile', lockfileOf(project))
  const count = registry.installable.length
  expect([code, totals.files, totals.documents]).toEqual([0, count, count])
  await replay.gone()
  succeeded(await npmCi({ project, registry: `${node.url}/npm/`, work: temp.create('work') }))
})

it('packages that are named by package URL can be installed once the registry is gone', { timeout: REAL }, async () => {
  const scoped = registry.publish({ name: '@scope/lone' })
  const plain = registry.publish({ name: 'lone' })
  const { code, packages } = await get('pkg:npm/%40scope/lone', `pkg:npm/lone@${plain.version}`)
  expect(code).toBe(0)
  expect(packages).toMatchObject([
    { package: `pkg:npm/%40scope/lone@${scoped.version}`, mirror: 'npm' },
    { package: `pkg:npm/lone@${plain.version}`, files: [{ kind: 'document' }, { kind: 'file', verified: 'sha512' }] },
  ])
  await replay.gone()
  const manifest = { name: 'x', version: '1.0.0', dependencies: { [scoped.name]: scoped.version, [plain.name]: plain.version } }
  succeeded(await npmInstall({ project: { manifest }, registry: `${node.url}/npm/`, work: temp.create('work') }))
})

it('a tarball that is not what the registry promises fails, and the others are fetched', { timeout: REAL }, async () => {
  const [bad, good] = registry.installable
  if (!bad || !good) throw new Error('the synthetic registry is empty')
  replay.fail(new RegExp(`${bad.name}-${bad.version}\\.tgz$`), flip(30))
  const { code, failures, packages, stderr } = await get(
    `pkg:npm/${bad.name}@${bad.version}`,
    `pkg:npm/${good.name}@${good.version}`,
  )
  expect([code, failures.map((one: { package: string }) => one.package)]).toEqual([1, [`pkg:npm/${bad.name}@${bad.version}`]])
  expect(packages).toMatchObject([{ package: `pkg:npm/${good.name}@${good.version}` }])
  expect(stderr).toContain(`warren: pkg:npm/${bad.name}@${bad.version}: ${bad.name}-${bad.version}.tgz`)
})

it('a lockfile that promises another digest than the registry is told', { timeout: REAL }, async () => {
  const project = registry.project(replay.url)
  const [[path, one] = []] = Object.entries(project.lock.packages).slice(1)
  if (!path || !one) throw new Error('the project is empty')
  const other = `sha512-${Buffer.alloc(64, 7).toString('base64')}`
  const lock = { ...project.lock, packages: { ...project.lock.packages, [path]: { ...one, integrity: other } } }
  const { code, failures, totals } = await get('--lockfile', lockfileOf({ lock }))
  expect([code, failures.length, totals.packages]).toEqual([1, 1, registry.installable.length - 1])
  expect(failures[0].error).toMatch(/\.tgz is wrong: its digest is sha512:\w{128} instead of sha512:(?:07){64}$/)
})

it('a version that there is not, and a package that there is not, are told', { timeout: REAL }, async () => {
  const [one] = registry.installable
  const { code, failures } = await get(`pkg:npm/${one?.name}@9.9.9`, 'pkg:npm/no-such-thing')
  expect(code).toBe(1)
  expect(failures.map(({ error }: { error: string }) => error).sort()).toEqual([
    expect.stringMatching(/^no-such-thing \(document\): .*\(404\)$/),
    `${one?.name} has no version 9.9.9, or the policy of the node withholds it; the latest is ${one?.version}`,
  ])
})
