import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findProgram } from '../admin/cli/programs.ts'
import { DocMachines } from './harness/doc-machines.ts'
import { useLeakCheck } from './harness/leaks.ts'
import { writeProject } from './harness/npm.ts'
import { GUIDE_PAGES } from './harness/readme.ts'
import { ReplayUpstream } from './harness/replay.ts'
import { type ShellBlock, shellBlocksIn } from './harness/shell-blocks.ts'
import { SyntheticRegistry } from './harness/synthetic.ts'
import { useTempFolders } from './harness/temp.ts'

const TIMEOUT_MS = 240_000
const DATA = '.local/share/warren'
/** A node that a recipe began in the background goes on when a line behind that fails. */
const STOP_JOB = 'WARREN_DATA=$HOME/.cache/warren-job sh deploy/ci/warren-ci.sh stop || true'

useLeakCheck()
const temp = useTempFolders()

const blocks = GUIDE_PAGES.flatMap(shellBlocksIn)
const quickStarts = blocks.filter(({ headings }) => headings.includes('Quick starts'))
const operations = blocks.filter(({ page }) => page.endsWith('operations.md'))
const deployment = shellBlocksIn('deploy/README.md')
const others = blocks.filter((block) => !quickStarts.includes(block) && !operations.includes(block))

/** A registry with all packages that the pages name, and machines whose nodes ask it and nobody else. */
async function worldOf(...names: readonly string[]) {
  const registry = new SyntheticRegistry({ packages: 0, odd: false })
  for (const name of ['is-odd', 'left-pad']) registry.publish({ name })
  const upstream = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => upstream.stop())
  const elsewhere = Object.fromEntries(
    ['docker-hub', 'ghcr', 'gcr', 'quay', 'cargo', 'go', 'maven-central', 'pypi'].map((name) => [name, false]),
  )
  const machines = new DocMachines(temp.create('machines'), { mirrors: { npm: { upstreams: [upstream.url] }, ...elsewhere } })
  await machines.add(...names)
  return { machines, upstream, project: registry.project() }
}

test('each block of shell commands is run here, or says why not', () => {
  expect([quickStarts.length, operations.length, others.length].every((count) => count > 5)).toBe(true)
  for (const { page, line, text, notRun } of blocks)
    expect([page, line, notRun === undefined || (notRun.length > 10 && !/^warren /m.test(text))]).toEqual([page, line, true])
  // The tickets for Kubernetes are made in deploy/documented.test.ts.
  expect(deployment.filter(({ notRun }) => notRun === undefined).map(({ headings }) => headings.at(-1))).toEqual([
    'Kubernetes',
    'CI recipes',
  ])
})

test('what the pages of tests and benchmarks name is there, where it is not run', () => {
  const text = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
  const [tests = [], benchmarks = []] = ['test/README.md', 'test/bench/README.md'].map((page) =>
    shellBlocksIn(page).flatMap(({ notRun, text: lines }) => {
      expect([page, notRun]).toEqual([page, expect.stringMatching(/.{10}/)])
      return lines.split('\n').flatMap((line) => (line.startsWith('#') ? [] : [line.replace(/\s+#.*$/, '')]))
    }),
  )
  expect(tests.length).toBeGreaterThan(2)
  for (const line of tests) {
    const [, path = '', name] = /^npx vitest run (?:(test\/[\w/.-]+)|-t '([^']+)')$/.exec(line) ?? []
    const files = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.test.ts'),
    )
    const meant = files.filter((file) =>
      name === undefined ? `test/${file}`.startsWith(path) : text(`test/${file}`).includes(name),
    )
    expect([line, path !== '' || name !== undefined, meant.length > 0]).toEqual([line, true, true])
  }
  expect(benchmarks.length).toBeGreaterThan(3)
  expect(JSON.parse(text('package.json')).scripts.bench).toBe('node test/bench/main.ts')
  const usage = text('test/bench/main.ts')
  for (const line of benchmarks) {
    const [, options = ''] = /^npm run bench(?: -- (--.+))?$/.exec(line) ?? expect.fail(line)
    for (const [flag] of options.matchAll(/--\w+/g)) expect(usage).toMatch(new RegExp(`^ +${flag}\\b`, 'm'))
  }
})

test('what takes an index is run by the tests of real clients', () => {
  const clients = readFileSync(new URL('./clients/documented.test.ts', import.meta.url), 'utf8')
  expect(clients).toContain(`lineWith(url, 'sh', '${RUN_WITH_AN_INDEX}')`)
})

describe('by copy and paste', () => {
  test.for([
    ['One laptop', ['laptop']],
    ['A team without seeds', ['ada', 'bob']],
    ['Seeds and runners', ['seed1', 'seed2', 'runner']],
  ] as const)('%s', { timeout: TIMEOUT_MS }, async ([title, names]) => {
    const { machines, upstream } = await worldOf(...names)
    await using _stopped = machines
    const steps = quickStarts.filter(({ headings }) => headings.includes(title))
    expect(steps.length).toBeGreaterThan(1)
    for (const block of steps) await machines.run(block, names[0])
    // In a clone of this repository nothing is installed beside what it is made of.
    const folder = title === 'One laptop' ? 'try/node_modules' : 'node_modules'
    const installed = names.filter((name) => existsSync(join(machines.home(name), folder, 'is-odd/package.json')))
    expect(installed).toEqual(steps.filter(({ text }) => text.includes('npm install')).flatMap(whereOf(names[0])))
    expect(upstream.tally.kind('tarball').requests).toBe(1)
  })

  test('days of an operator', { timeout: TIMEOUT_MS }, async () => {
    const { machines, upstream, project } = await worldOf('seed1', 'build1', 'build2', 'job', 'laptop', 'island')
    await using _stopped = machines
    const at = (name: string, file: string) => join(machines.home(name), file)
    const copy = (file: string, from: string, to: string) => copyFileSync(at(from, file), at(to, file))
    const idOf = async (name: string) => JSON.parse(await machines.paste(name, 'warren status --json')).node.id
    const run = async (title: string, before: () => void | Promise<void> = () => {}) => {
      await before()
      const steps = operations.filter(({ headings }) => headings.includes(title))
      expect([title, steps.length > 0]).toEqual([title, true])
      for (const block of steps) await machines.run(block, 'seed1')
    }
    await machines.paste('seed1', 'warren mesh create\nwarren mesh ticket > ticket\nscp ticket build1.example:\nwarren up')
    await machines.paste('build1', 'warren mesh join < ticket\nwarren up')
    const id = await idOf('seed1')

    await run('Back up')
    expect(existsSync(at('seed1', `${DATA}/mesh/admin.key`))).toBe(false)
    await machines.stop('seed1')
    rmSync(at('seed1', DATA), { recursive: true })
    await run('Restore')
    await machines.paste('seed1', 'warren up')
    expect(await idOf('seed1')).toBe(id)
    await run('A seed is lost', () => copy('ticket', 'seed1', 'build2'))
    await run('The admin key is lost', () => rmSync(at('seed1', `${DATA}/mesh/admin.key`)))
    await run('A machine was taken over')
    const [recipe] = deployment.filter(({ headings }) => headings.includes('CI recipes'))
    writeProject(project, machines.home('job'))
    copy('ticket', 'seed1', 'job')
    symlinkSync(fileURLToPath(new URL('../deploy', import.meta.url)), at('job', 'deploy'))
    await machines.run(recipe as ShellBlock, 'job').finally(() => machines.paste('job', STOP_JOB))
    expect(existsSync(at('job', 'node_modules/is-odd/package.json'))).toBe(true)
    await run('Something bad is in the cache')
    expect(await machines.paste('build1', 'warren policy')).toContain('pkg:npm/left-pad@1.3.0')

    writeProject(project, machines.home('laptop'))
    writeProject(project, machines.home('island'))
    await machines.paste('laptop', 'warren up')
    const [fetched, packed, unpacked] = operations.filter(({ headings }) => headings.includes('Air gap'))
    await machines.run(fetched as ShellBlock, 'laptop')
    await machines.run(packed as ShellBlock, 'laptop')
    await upstream.gone()
    copy('warren-store.tar', 'laptop', 'island')
    await machines.run(unpacked as ShellBlock, 'island')
    await machines.paste('island', 'warren up')
    await machines.paste('island', 'npm ci --registry http://127.0.0.1:7470/npm/')
    expect(existsSync(at('island', 'node_modules/is-odd/package.json'))).toBe(true)
  })

  test('all that a lone node is asked', { timeout: TIMEOUT_MS }, async () => {
    const { machines, project } = await worldOf('laptop')
    await using _stopped = machines
    writeProject(project, machines.home('laptop'))
    await machines.paste('laptop', 'warren up')
    await machines.paste('laptop', 'warren get pkg:npm/left-pad')
    for (const block of others) {
      if (block.notRun !== undefined) continue
      await machines.run({ ...block, text: withoutWhatOthersRun(block.text) }, 'laptop')
    }
  })
})

function whereOf(usual: string): (block: ShellBlock) => readonly string[] {
  return ({ machines }) => (machines.length > 0 ? machines : [usual])
}

/** Taken from the page by the tests of real clients, which have an index for it. */
const RUN_WITH_AN_INDEX = 'pip install --index-url'

/** Lines for clients that are not installed go as well. */
function withoutWhatOthersRun(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith(RUN_WITH_AN_INDEX))
    .filter((line) => !/^(?:go|pip) /.test(line) || findProgram(line.split(' ')[0] ?? '') !== undefined)
    .join('\n')
}
