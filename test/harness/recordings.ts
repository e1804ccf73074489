import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { TestContext } from 'vitest'
import { reasonOf } from '../../node/errors.ts'
import { type AnswerSource, RecordingRegistry } from './fill.ts'
import { npmCi, npmInstall, succeeded } from './npm.ts'
import { ConfiguredRegistry } from './npm-registry.ts'
import { fixtureProject, readProject } from './project.ts'
import { Recording } from './recording.ts'

/** Changes when recordings of before lack something that tests now need. */
const FORMAT = 1
/** A first installation of a big project on a slow line. */
const FILL_TIMEOUT_MS = 600_000

/** Where recordings are kept between runs, outside of the repository. */
function recordingsFolder(): string {
  return process.env.WARREN_TEST_RECORDINGS || join(tmpdir(), 'warren-recordings')
}

/** Folder of a project's recording: another lockfile is another recording. */
function recordingFolderOf(project: string): string {
  const hash = createHash('sha256').update(`${FORMAT}\0`)
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(project, file)))
  return join(recordingsFolder(), `${basename(project)}-${hash.digest('hex').slice(0, 16)}`)
}

/**
 * All that npm asks for when it installs a project with its lockfile and, from the same package.json, without one. Filled
 * from `source`, by default the registry that npm is configured for, the first time; read from disk afterwards.
 */
export async function recordingOf(project: string, source?: AnswerSource): Promise<Recording> {
  const folder = recordingFolderOf(project)
  const kept = Recording.load(folder)
  if (kept) return kept
  mkdirSync(recordingsFolder(), { recursive: true })
  const unfinished = mkdtempSync(`${folder}.part-`)
  try {
    if (source) await fill(unfinished, project, source)
    else await fillFromConfigured(unfinished, project)
    settle(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  const filled = Recording.load(folder)
  if (!filled) throw new Error(`the recording in ${folder} cannot be read back`)
  return filled
}

/** The recording of a fixture project; skips the test, saying why, when it is not there and cannot be made now. */
export async function requireRecording(context: TestContext, name: 'small' | 'big'): Promise<Recording> {
  try {
    return await recordingOf(fixtureProject(name))
  } catch (error) {
    return context.skip(`no recording of the project «${name}», and it cannot be filled: ${reasonOf(error)}`)
  }
}

async function fillFromConfigured(folder: string, project: string): Promise<void> {
  const registry = await ConfiguredRegistry.open()
  try {
    await fill(folder, project, registry)
  } finally {
    await registry.close()
  }
}

async function fill(folder: string, project: string, source: AnswerSource): Promise<void> {
  const recording = Recording.create(folder, source.base)
  const registry = new RecordingRegistry(recording, source)
  await registry.start()
  try {
    const work = join(folder, 'work')
    const common = { registry: registry.url, timeoutMs: FILL_TIMEOUT_MS }
    succeeded(await npmCi({ ...common, project, work: join(work, 'ci') }))
    const { manifest } = readProject(project)
    succeeded(await npmInstall({ ...common, project: { manifest }, work: join(work, 'install') }))
    rmSync(work, { recursive: true })
    await registry.addManifests()
    recording.save(true)
  } finally {
    await registry.stop()
  }
}

/** Puts a finished recording in its place. Two runs may fill the same one at a time: whoever comes second keeps the first. */
function settle(unfinished: string, folder: string): void {
  if (existsSync(folder) && !Recording.load(folder)) rmSync(folder, { recursive: true })
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    if (!Recording.load(folder)) throw error
  }
}
