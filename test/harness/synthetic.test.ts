import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { get } from './http.ts'
import { useLeakCheck } from './leaks.ts'
import { npmCi, npmInstall, succeeded } from './npm.ts'
import { ReplayUpstream } from './replay.ts'
import { SyntheticRegistry } from './synthetic.ts'
import { useTempFolders } from './temp.ts'
import { requireTool } from './tools.ts'
import { differences } from './trees.ts'

useLeakCheck()
const temp = useTempFolders()

const registry = new SyntheticRegistry({ packages: 24 })
let replay: ReplayUpstream

beforeEach(async () => {
  replay = await new ReplayUpstream(registry.recording).start()
})
afterEach(() => replay.stop())

test('documents promise what tarballs hold', async () => {
  for (const one of registry.latest) {
    const packument = JSON.parse((await get(`${replay.url}${one.name.replace('/', '%2f')}`)).body.toString())
    const { dist } = packument.versions[packument['dist-tags'].latest]
    const { body } = await get(dist.tarball)
    expect(createHash('sha1').update(body).digest('hex')).toBe(dist.shasum)
    if (one.name === 'sha1-only') expect(dist).not.toHaveProperty('integrity')
    else expect(dist.integrity).toBe(`sha512-${createHash('sha512').update(body).digest('base64')}`)
    const manifest = JSON.parse((await get(`${replay.url}${one.name}/${one.version}`)).body.toString())
    expect(manifest).toEqual(packument.versions[one.version])
  }
})

test('the same seed makes the same bytes, another seed others', () => {
  const archives = (seed: number) => new SyntheticRegistry({ packages: 3, seed }).latest.map(({ shasum }) => shasum)
  expect(archives(4)).toEqual(archives(4))
  expect(archives(4)).not.toEqual(archives(5))
})

test('npm installs everything from it, with and without a lockfile, to the same tree', async (context) => {
  requireTool(context, 'npm')
  const project = registry.project()
  const locked = succeeded(await npmCi({ project, registry: replay.url, work: temp.create('ci') }))
  const { manifest } = project
  const resolved = succeeded(await npmInstall({ project: { manifest }, registry: replay.url, work: temp.create('install') }))
  expect(differences(locked.nodeModules, resolved.nodeModules)).toEqual([])
  for (const { name, version } of registry.installable) {
    const installed = JSON.parse(readFileSync(join(locked.nodeModules, name, 'package.json'), 'utf8'))
    expect([installed.name, installed.version]).toEqual([name, version])
  }
  expect([...replay.unrecorded]).toEqual([])
})

test('npm ci asks for tarballs only when the lockfile names their URLs', async (context) => {
  requireTool(context, 'npm')
  const project = registry.project(replay.url)
  const cache = temp.create('cache')
  succeeded(await npmCi({ project, registry: replay.url, work: temp.create('first'), cache }))
  expect(replay.tally.kind('tarball').requests).toBe(registry.installable.length)
  expect(replay.tally.total.requests).toBe(registry.installable.length)
  replay.tally.reset()
  succeeded(await npmCi({ project, registry: replay.url, work: temp.create('second'), cache }))
  expect(replay.tally.total.requests).toBe(0)
})

test('npm notices a wrong byte in a tarball', async (context) => {
  requireTool(context, 'npm')
  const victim = registry.latest[3]
  if (!victim) throw new Error('there is no fourth package')
  const lying = new SyntheticRegistry({ packages: 24 })
  const wrong = Buffer.from(victim.archive)
  wrong[wrong.length - 20] = (wrong[wrong.length - 20] ?? 0) ^ 1
  lying.recording.record(victim.tarball, 200, { 'content-type': 'application/octet-stream' }, wrong)
  const liar = await new ReplayUpstream(lying.recording).start()
  const settings = { fetch_retries: '0' }
  const done = await npmCi({ project: lying.project(), registry: liar.url, work: temp.create('lied'), settings })
  await liar.stop()
  expect(done.code).not.toBe(0)
  expect(done.stderr).toMatch(/EINTEGRITY|corrupt/)
  expect(existsSync(join(done.nodeModules, victim.name, 'package.json'))).toBe(false)
})
