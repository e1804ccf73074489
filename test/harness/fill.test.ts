import { readdirSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AnswerSource, RecordingRegistry } from './fill.ts'
import { get } from './http.ts'
import { useLeakCheck } from './leaks.ts'
import { npmCi, succeeded, writeProject } from './npm.ts'
import { fixtureProject, lockedPackages, readProject, withTarballUrls } from './project.ts'
import { Recording } from './recording.ts'
import { recordingOf, requireRecording } from './recordings.ts'
import { ReplayUpstream } from './replay.ts'
import { SyntheticRegistry } from './synthetic.ts'
import { useTempFolders } from './temp.ts'
import { requireTool } from './tools.ts'
import { differences } from './trees.ts'

useLeakCheck()
const temp = useTempFolders()

/** Stands in for the configured registry: gives the synthetic one's answers under its own, unreachable host name. */
class StandIn implements AnswerSource {
  readonly base: string
  readonly asked: string[] = []
  readonly #registry: SyntheticRegistry

  constructor(registry: SyntheticRegistry) {
    this.#registry = registry
    this.base = registry.recording.base
  }

  async fetch(url: string) {
    this.asked.push(url)
    const { pathname } = new URL(url)
    const found = this.#registry.recording.find(decodeURIComponent(pathname), '')
    if (!found) return { status: 404, headers: {}, body: Buffer.from('{}') }
    return { status: found.status, headers: found.headers, body: found.open().bytes ?? Buffer.alloc(0) }
  }
}

describe('a recording registry', () => {
  const synthetic = new SyntheticRegistry({ packages: 6 })
  let source: StandIn
  let registry: RecordingRegistry

  beforeEach(async () => {
    source = new StandIn(synthetic)
    registry = new RecordingRegistry(Recording.create(temp.create('recording'), source.base), source)
    await registry.start()
  })
  afterEach(() => registry.stop())

  test('asks its source once for each path, however many ask at a time', async () => {
    await Promise.all(Array.from({ length: 10 }, () => get(`${registry.url}@scope%2fconstructor`)))
    await get(`${registry.url}@scope/constructor`)
    expect(source.asked).toEqual([`${source.base}@scope%2fconstructor`])
  })

  test('names itself in documents, and the source in what it asks for them', async () => {
    const packument = JSON.parse((await get(`${registry.url}far-tarball`)).body.toString())
    const { tarball } = packument.versions['1.0.0'].dist
    expect(tarball).toBe(`${registry.url}files/f/ar/1.0.0/download.tgz`)
    await get(tarball)
    expect(source.asked.at(-1)).toBe(`${source.base}files/f/ar/1.0.0/download.tgz`)
  })

  test('adds the manifest of every version whose tarball was asked for', async () => {
    await get(`${registry.url}far-tarball`)
    await get(`${registry.url}files/f/ar/1.0.0/download.tgz`)
    await get(`${registry.url}@scope/constructor/-/constructor-1.1.0.tgz`)
    expect(await registry.addManifests()).toBe(2)
    for (const path of ['/far-tarball/1.0.0', '/@scope/constructor/1.1.0']) {
      expect(registry.recording.find(path, '')?.status).toBe(200)
    }
  })
})

describe('the recording of a project', () => {
  beforeEach(() => {
    process.env.WARREN_TEST_RECORDINGS = temp.create('recordings')
  })
  afterEach(() => {
    delete process.env.WARREN_TEST_RECORDINGS
  })

  test('is filled once and installs again when the registry is gone', async (context) => {
    requireTool(context, 'npm')
    const synthetic = new SyntheticRegistry({ packages: 8 })
    const project = temp.create('project')
    writeProject(synthetic.project(), project)
    const source = new StandIn(synthetic)
    const first = await recordingOf(project, source)
    const asked = source.asked.length
    expect(asked).toBe(first.size)
    expect((await recordingOf(project, source)).folder).toBe(first.folder)
    expect(source.asked.length).toBe(asked)
    const replay = await new ReplayUpstream(first).start()
    succeeded(await npmCi({ project, registry: replay.url, work: temp.create('again') }))
    await replay.stop()
    expect([...replay.unrecorded]).toEqual([])
  })

  test('that failed leaves nothing that could pass for one', async (context) => {
    requireTool(context, 'npm')
    const project = temp.create('project')
    writeProject(new SyntheticRegistry({ packages: 8 }).project(), project)
    const lacking = new StandIn(new SyntheticRegistry({ packages: 2, odd: false }))
    await expect(recordingOf(project, lacking)).rejects.toThrow(/the client ended with/)
    expect(readdirSync(process.env.WARREN_TEST_RECORDINGS ?? '')).toEqual([])
  })
})

test('the small fixture project is recorded from the registry that npm is configured for', async (context) => {
  requireTool(context, 'npm')
  const recording = await requireRecording(context, 'small')
  const replay = await new ReplayUpstream(recording).start()
  const project = readProject(fixtureProject('small'))
  const packages = lockedPackages(project.lock)
  const resolving = succeeded(await npmCi({ project, registry: replay.url, work: temp.create('small') }))
  const asked = () => (['packument', 'tarball'] as const).map((kind) => replay.tally.kind(kind).requests)
  expect(asked()).toEqual([packages.length, packages.length])
  replay.tally.reset()
  const located = withTarballUrls(project, replay.url)
  const direct = succeeded(await npmCi({ project: located, registry: replay.url, work: temp.create('small') }))
  expect(asked()).toEqual([0, packages.length])
  await replay.stop()
  expect(differences(resolving.nodeModules, direct.nodeModules)).toEqual([])
  const base = new URL(recording.base).pathname
  for (const { name, version } of packages) expect(recording.find(`${base}${name}/${version}`, '')?.status).toBe(200)
})
