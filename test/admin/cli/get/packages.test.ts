import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answer, json, serve } from '../../../harness/answer.ts'
import type { Run } from '../../../harness/child-process.ts'
import { cutAfter, spoil } from '../../../harness/fault.ts'
import { ScriptedUpstream } from '../../../harness/scripted.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { type FakeNode, startFakeNode } from '../../fake-node.ts'
import { runWarren } from '../run-warren.ts'

const folders = useTempFolders()
/** Stands for the mirrors of the node. */
let mirrors: ScriptedUpstream
let node: FakeNode
let data: string

beforeEach(async () => {
  mirrors = await new ScriptedUpstream().start()
  data = folders.create('data')
  node = await startFakeNode(data)
  node.listen = [mirrors.origin]
  node.mirrors = [
    { name: 'npm', protocol: 'npm', path: '/npm/', upstreams: ['https://npm.test/'] },
    { name: 'corp', protocol: 'npm', path: '/corp/', upstreams: ['https://npm.corp.test/'] },
    { name: 'pypi', protocol: 'pypi', path: '/pypi/', upstreams: ['https://py.test/simple/'] },
    { name: 'maven', protocol: 'maven', path: '/maven/', upstreams: ['https://maven.test/'] },
    { name: 'cargo', protocol: 'cargo', path: '/cargo/', upstreams: ['https://cargo.test/'] },
  ]
})

afterEach(() => mirrors.stop())

function get(...args: string[]): Promise<Run> {
  return runWarren(['get', '--data', data, ...args], { home: folders.create('home') })
}

async function getJson(...args: string[]) {
  const { code, stdout, stderr } = await get('--json', ...args)
  return { code, stderr, ...JSON.parse(stdout) }
}

function sri(bytes: string): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`
}

function lockfile(packages: Readonly<Record<string, object>>): string[] {
  const file = join(folders.create('project'), 'package-lock.json')
  const entries = Object.entries(packages).map(([name, one]) => [`node_modules/${name}`, { version: '1.0.0', ...one }])
  writeFileSync(file, JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(entries) }))
  return ['--lockfile', file]
}

/** An entry of the public mirror, which has its tarball. */
function published(name: string, host = 'npm.test'): object {
  const path = host === 'npm.test' ? 'npm' : 'corp'
  mirrors.on(`/${path}/${name}/-/${name}-1.0.0.tgz`, serve(`tarball of ${name}`, { 'x-warren-source': 'peer' }))
  return { resolved: `https://${host}/${name}/-/${name}-1.0.0.tgz`, integrity: sri(`tarball of ${name}`) }
}

test('in a pipe there is a line for each file, none for documents, and a summary', async () => {
  const dist = { tarball: `${mirrors.origin}/npm/a/-/a-1.0.0.tgz`, integrity: sri('tarball of a') }
  mirrors.on(
    '/npm/a',
    json({ 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': { dist } } }, { 'x-warren-source': 'stale' }),
  )
  published('a')
  const { code, stdout, stderr } = await get('pkg:npm/a')
  expect([code, stderr]).toEqual([0, ''])
  const [line, summary, ...more] = stdout.trimEnd().split('\n')
  expect(line).toMatch(/^ {8}12 B {2}.{12} {2}peer {6}a-1\.0\.0\.tgz$/)
  expect(summary).toMatch(/^1 package, 1 file, 1 document, \d+ B in \d\.\d s; stale \d+ B, peer 12 B$/)
  expect(more).toEqual([])
})

test('each package is asked for at the mirror of its registry, and once', async () => {
  const names = ['a', 'b'].map((name) => [name, published(name)] as const)
  const lock = lockfile({ ...Object.fromEntries(names), own: published('own', 'npm.corp.test') })
  const { code, packages, totals } = await getJson(...lock, ...lock)
  expect([code, totals.packages, totals.files, mirrors.tally.total.requests]).toEqual([0, 3, 3, 3])
  expect(packages.map(({ mirror }: { mirror: string }) => mirror)).toEqual(['npm', 'npm', 'corp'])
})

test('a registry that no mirror asks is told once, and --mirror names one for it', async () => {
  published('a')
  published('b')
  const far = (name: string) => ({
    resolved: `https://far.test/${name}/-/${name}-1.0.0.tgz`,
    integrity: sri(`tarball of ${name}`),
  })
  const lock = lockfile({ a: far('a'), b: far('b') })
  const { code, stderr, failures } = await getJson(...lock)
  expect([code, failures.length, mirrors.tally.total.requests]).toEqual([1, 2, 0])
  const reason =
    'it is from far.test, which no mirror of the node asks: there is npm (https://npm.test/), corp (https://npm.corp.test/); add one, or name one with --mirror'
  expect(stderr.split('\n')).toEqual([
    `warren: pkg:npm/a@1.0.0: ${reason}`,
    `warren: 1 more: ${reason}`,
    expect.stringMatching(/^2 failed, 0 packages, 0 files, 0 documents, 0 B in /),
    '',
  ])
  expect((await getJson(...lock, '--mirror', 'npm')).code).toBe(0)
  const { code: usage, stderr: message } = await get(...lock, '--mirror', 'nope')
  expect([usage, message]).toEqual([2, 'warren: the node has no mirror «nope»; it has npm, corp, pypi, maven, cargo\n'])
})

test('lockfiles that were written through another node of this machine are asked for at this one', async () => {
  for (const name of ['a', 'b']) published(name)
  published('own', 'npm.corp.test')
  const other = 'http://localhost:1'
  const lock = lockfile({
    a: { resolved: `${other}/npm/a/-/a-1.0.0.tgz`, integrity: sri('tarball of a') },
    own: { resolved: `${other}/corp/own/-/own-1.0.0.tgz`, integrity: sri('tarball of own') },
  })
  const yarn = join(folders.create('project'), 'yarn.lock')
  const fields = ['  version "1.0.0"', `  resolved "${other}/npm/b/-/b-1.0.0.tgz#0"`, `  integrity ${sri('tarball of b')}`, '']
  writeFileSync(yarn, ['# yarn lockfile v1', '', 'b@^1.0.0:', ...fields].join('\n'))
  const { code, failures, packages } = await getJson(...lock, '--lockfile', yarn)
  expect([code, failures]).toEqual([0, []])
  expect(packages.map(({ mirror }: { mirror: string }) => mirror).sort()).toEqual(['corp', 'npm', 'npm'])
  expect(mirrors.tally.log.map(({ path }) => path).sort()).toEqual([
    '/corp/own/-/own-1.0.0.tgz',
    '/npm/a/-/a-1.0.0.tgz',
    '/npm/b/-/b-1.0.0.tgz',
  ])
})

test('what no mirror could have, and what is for other machines, is left out and told', async () => {
  const lock = lockfile({
    g: { resolved: 'git+ssh://git@git.test/g.git#abc' },
    mac: { ...published('mac'), os: ['darwin'] },
    a: published('a'),
  })
  const { code, stdout } = await get(...lock, '--platform', 'linux/amd64')
  expect(code).toBe(0)
  expect(stdout.split('\n').slice(1, 3)).toEqual([
    'left out: g: is a git repository',
    'left out: pkg:npm/mac@1.0.0: is for other platforms',
  ])
  expect((await getJson(...lock, '--all-platforms')).totals.files).toBe(2)
})

test('no more than eight things are fetched at once', async () => {
  const names = Array.from({ length: 30 }, (_, at) => `p${at}`)
  const entries = names.map((name) => [name, published(name)] as const)
  mirrors.on(/^\/npm\//, async ({ path }) => {
    // Until as many are there as may be, and a while for those that must not be.
    while (mirrors.tally.peak < 8) await setImmediate()
    await setTimeout(20)
    return serve(`tarball of ${/\/npm\/(\w+)/.exec(path)?.[1]}`)
  })
  const { code, totals } = await getJson(...lockfile(Object.fromEntries(entries)))
  expect([code, totals.files, mirrors.tally.peak]).toEqual([0, 30, 8])
})

test('what the node wants to be asked again for, and what breaks off, is asked for again', async () => {
  const lock = lockfile({ a: published('a'), b: published('b') })
  mirrors.on('/npm/a/-/a-1.0.0.tgz', answer(503, '', { 'retry-after': '0' }), serve('tarball of a'))
  mirrors.on('/npm/b/-/b-1.0.0.tgz', spoil(serve('tarball of b'), cutAfter(5)), serve('tarball of b'))
  const { code, totals } = await getJson(...lock)
  expect([code, totals.files, mirrors.tally.total.requests]).toEqual([0, 2, 4])
})

test('three times at the most, and not at all where it is to wait for long', async () => {
  const lock = lockfile({ a: published('a'), b: published('b') })
  const error = (text: string) => JSON.stringify({ error: text })
  mirrors.on('/npm/a/-/a-1.0.0.tgz', answer(503, error('far away'), { 'retry-after': '0' }))
  mirrors.on('/npm/b/-/b-1.0.0.tgz', answer(429, error('slow down'), { 'retry-after': '60' }))
  const { code, failures } = await getJson(...lock)
  expect([code, mirrors.count('/npm/a/-/a-1.0.0.tgz'), mirrors.count('/npm/b/-/b-1.0.0.tgz')]).toEqual([1, 3, 1])
  expect(failures.map(({ error: text }: { error: string }) => text).sort()).toEqual([
    'a-1.0.0.tgz: far away (503)',
    'b-1.0.0.tgz: slow down (429)',
  ])
})

test.for([
  ['pkg:pypi/x@1', /^x \(page\) cannot be used: it is HTML and no application\/vnd\.pypi\.simple\.v1\+json$/],
  ['pkg:pypi/y@1', /^y-1\.tar\.gz is not at the node: its page leads to elsewhere\.test$/],
  ['pkg:cargo/zz@1.0.0', /^zz 1\.0\.0 is not at the node: config\.json leads to elsewhere\.test$/],
  ['pkg:npm/n@1.0.0', /^n \(document\) cannot be used: versions: Invalid input/],
] as const)('%s whose documents lead away, or are none, fails and nothing else is asked', async ([purl, message]) => {
  mirrors.on('/pypi/simple/x/', serve('<html>', { 'content-type': 'text/html' }))
  mirrors.on(
    '/pypi/simple/y/',
    json({ files: [{ filename: 'y-1.tar.gz', url: 'http://elsewhere.test/y-1.tar.gz', hashes: {} }] }),
  )
  mirrors.on('/cargo/config.json', json({ dl: 'http://elsewhere.test/dl' }))
  mirrors.on('/cargo/2/zz', serve(JSON.stringify({ name: 'zz', vers: '1.0.0', cksum: '00'.repeat(32) })))
  mirrors.on('/npm/n', json({}))
  const { code, failures } = await getJson(purl)
  expect([code, failures]).toEqual([1, [{ package: purl, error: expect.stringMatching(message) }]])
})

test('a parent that this repository does not have is no failure, while a checksum that does not match is one', async () => {
  const parent = '<parent><groupId>far</groupId><artifactId>parent</artifactId><version>1</version></parent>'
  mirrors.on('/maven/g/x/a/1/a-1.pom', serve(`<project>${parent}</project>`))
  mirrors.on('/maven/g/x/a/1/a-1.jar', serve('the jar'))
  expect(await getJson('pkg:maven/g.x/a@1')).toMatchObject({ code: 0, totals: { files: 1, documents: 1 } })
  expect(mirrors.count('/maven/far/parent/1/parent-1.pom')).toBe(1)
  mirrors.on('/maven/g/x/a/1/a-1.jar.sha1', serve(`${'0A'.repeat(20)}  a-1.jar\r\n`))
  const { code, failures } = await getJson('pkg:maven/g.x/a@1')
  expect([code, failures[0].error]).toEqual([
    1,
    expect.stringMatching(/^a-1\.jar is wrong: its digest is sha1:\w{40} instead of sha1:(?:0a){20}$/),
  ])
  mirrors.on('/maven/g/x/a/1/a-1.pom.sha1', serve(`SHA1(a-1.pom)= ${'b'.repeat(38)}`))
  expect((await getJson('pkg:maven/g.x/a@1')).failures[0].error).toMatch(/^a-1\.pom is wrong: .* instead of sha1:00b{38}$/)
})

test('a lockfile of nothing was asked for no images', async () => {
  const { code, stdout } = await get(...lockfile({}))
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^0 packages, 0 files, 0 documents, 0 B in /)])
})

test('a node that goes away in between is an exit code of its own', async () => {
  const lock = lockfile({ a: published('a'), b: published('b') })
  await mirrors.gone()
  const { code, stderr } = await get(...lock)
  expect([code, stderr.split('\n')]).toEqual([
    3,
    [expect.stringMatching(`^warren: no node answers at ${mirrors.origin}: .*ECONNREFUSED`), ''],
  ])
})

test('all names that are none are told at once', async () => {
  const { code, stderr } = await get('pkg:npm', 'UPPER', 'pkg:npm/a', '--lockfile', '/no/such/file')
  expect([code, stderr.split('\n')]).toEqual([
    2,
    [
      expect.stringMatching(/^warren: "pkg:npm" is no package URL;/),
      expect.stringMatching(/^warren: "UPPER" names no image:/),
      expect.stringMatching(/^warren: \/no\/such\/file cannot be read: ENOENT/),
      '',
    ],
  ])
  expect(mirrors.tally.total.requests).toBe(0)
})

test.for([
  [[], /^warren: nothing to get: .* --lockfile; «npm run» passes .*: npm run -s warren get -- --lockfile FILE\n$/],
  [['Cargo.lock'], /names no image: .*; did you mean --lockfile Cargo\.lock\? «npm run» passes .* --lockfile FILE\n$/],
] as const)('%j may be what «npm run» left of a lockfile', async ([args, message]) => {
  const home = folders.create('home')
  writeFileSync(join(home, 'Cargo.lock'), '')
  const env = { npm_lifecycle_event: 'warren' }
  const { code, stderr } = await runWarren(['get', '--data', data, ...args], { home, env })
  expect(code).toBe(2)
  expect(stderr).toMatch(message)
})

test.for([
  [['pkg:npm'], 'is no package URL'],
  [['--lockfile', '/no/such/file'], '/no/such/file cannot be read: ENOENT'],
] as const)('%j is wrong usage', async ([args, message]) => {
  const { code, stdout, stderr } = await get(...args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
})
