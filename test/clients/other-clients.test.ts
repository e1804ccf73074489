import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { npm } from '../../protocols/npm/index.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { npmCi, npmInstall, succeeded } from '../harness/npm.ts'
import { withTarballUrls } from '../harness/project.ts'
import { type SyntheticPackage, SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { nodeBeforeReplay } from './behind.ts'
import { CLIENT_NAMES, type ClientName, install, requireClient } from './package-managers.ts'

useLeakCheck()
const temp = useTempFolders()
const LIMIT = { timeout: 300_000 }

/** Which origins a lockfile names. */
function originsIn(lock: string): string[] {
  return [...new Set(lock.match(/https?:\/\/[^/\s"'#]+/g))].sort()
}

/** Throws unless the folder has exactly the bytes that were published. */
function expectInstalled(nodeModules: string, packages: readonly SyntheticPackage[]): void {
  for (const { name, version, archive } of packages) {
    const read = (file: string) => readFileSync(join(nodeModules, name, file))
    expect(JSON.parse(read('package.json').toString())).toMatchObject({ name, version })
    const unpacked = gunzipSync(archive)
    for (const file of ['index.js', 'content.bin']) expect(unpacked.includes(read(file)), `${file} of ${name}`).toBe(true)
  }
}

describe.each(CLIENT_NAMES)('%s behind a node', (name) => {
  /** Whether its lockfile names the registry that it was made with. */
  const contaminates: Record<ClientName, boolean> = { pnpm: false, berry: false, yarn: true, bun: true }

  it('installs what was published, and the same again by its lockfile with upstream gone', LIMIT, async (context) => {
    const program = await requireClient(context, name)
    const { npm, replay, registry, status } = await nodeBeforeReplay(temp, new SyntheticRegistry({ packages: 16 }))
    const { manifest } = registry.project()
    const first = succeeded(await install(name, program, { manifest, registry: npm, work: temp.create('first') }))
    expectInstalled(first.nodeModules, registry.installable)
    expect([...replay.unrecorded]).toEqual([])
    const sent = replay.tally.log.filter(({ kind, status: code }) => kind === 'tarball' && code === 200)
    expect(sent.length).toBe(registry.installable.length)

    await replay.gone()
    const work = temp.create('second')
    const second = succeeded(await install(name, program, { manifest, registry: npm, work, lock: first.lock }))
    expectInstalled(second.nodeModules, registry.installable)
    const { local, flight } = (await status()).requests
    // What was fetched last may still be on its way to the disk.
    expect(local + flight).toBeGreaterThanOrEqual(registry.installable.length)
  })

  it(
    `writes a lockfile that names ${contaminates[name] ? 'the node and nothing else' : 'no host at all'}`,
    LIMIT,
    async (context) => {
      const program = await requireClient(context, name)
      const { url, npm, registry } = await nodeBeforeReplay(temp, new SyntheticRegistry({ packages: 16 }))
      const { manifest } = registry.project()
      const done = succeeded(await install(name, program, { manifest, registry: npm, work: temp.create('work') }))
      expect(done.lock).toContain('part-0')
      expect(originsIn(done.lock)).toEqual(contaminates[name] ? [url] : [])
    },
  )
})

describe('npm behind a node', () => {
  it.each([
    ['the node and nothing else', {}, true],
    ['no host at all when it is told to omit it', { omit_lockfile_registry_resolved: 'true' }, false],
  ])('writes a lockfile that names %s', LIMIT, async (_, settings, named) => {
    const { url, npm, registry } = await nodeBeforeReplay(temp, new SyntheticRegistry({ packages: 16, odd: false }))
    const project = { manifest: registry.project().manifest }
    const done = succeeded(await npmInstall({ project, registry: npm, work: temp.create('work'), settings }))
    const lock = readFileSync(join(done.folder, 'package-lock.json'), 'utf8')
    expect(lock).toContain('node_modules/part-0')
    expect(originsIn(lock)).toEqual(named ? [url] : [])
  })
})

describe('npm with a lockfile that was made elsewhere', () => {
  it.each([
    ['at the public registry, swaps that host for the node’s', npm.defaultUpstreams[0] ?? '', {}],
    [
      'through a node on another port, does so when it is told to',
      'http://127.0.0.1:9/npm/',
      { replace_registry_host: 'always' },
    ],
  ])('%s, and asks for tarballs only', LIMIT, async (_, elsewhere, settings) => {
    const { npm: registry, replay, registry: published } = await nodeBeforeReplay(temp, new SyntheticRegistry({ packages: 16 }))
    const project = withTarballUrls(published.project(), elsewhere)
    const done = succeeded(await npmCi({ project, registry, work: temp.create('work'), settings }))
    expectInstalled(done.nodeModules, published.installable)
    const sent = replay.tally.log.filter(({ kind, status: code }) => kind === 'tarball' && code === 200)
    expect([sent.length, replay.tally.kind('packument').requests]).toEqual([published.installable.length, 0])
  })
})

describe('all clients behind one node', () => {
  it('cause one upstream request for each tarball, and at most two for each document', LIMIT, async (context) => {
    const programs = new Map<ClientName, string>()
    for (const name of CLIENT_NAMES) programs.set(name, await requireClient(context, name))
    const { npm, replay, registry } = await nodeBeforeReplay(temp, new SyntheticRegistry({ packages: 16, odd: false }))
    const { manifest } = registry.project()
    succeeded(await npmInstall({ project: { manifest }, registry: npm, work: temp.create('npm') }))
    for (const [name, program] of programs) {
      succeeded(await install(name, program, { manifest, registry: npm, work: temp.create(name) }))
    }
    for (const { name, tarball } of registry.installable) {
      expect([tarball, replay.tally.path(tarball).requests]).toEqual([tarball, 1])
      expect(replay.tally.path(`/${name}`).requests).toBeLessThanOrEqual(2)
    }
  })
})
