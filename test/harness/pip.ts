import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { findProgram } from '../../admin/cli/programs.ts'
import { cleanEnv, type Run, run } from './child-process.ts'
import { missing } from './tools.ts'

const TIMEOUT_MS = 180_000
const ASK_TIMEOUT_MS = 30_000

export interface PipInit {
  /** Base URL of the simple API. */
  readonly index: string
  /** An empty folder that belongs to this run: home, cache and what is installed lie in it. */
  readonly work: string
  /** Requirements. */
  readonly wanted: readonly string[]
  /** Further arguments of the command. */
  readonly args?: readonly string[]
}

export interface PipRun extends Run {
  /** Where the packages are. */
  readonly site: string
}

/** How to run the Python of this machine with a pip; skips the test, saying why, when there is none. */
export async function requirePip(context: TestContext): Promise<string> {
  for (const name of ['python3', 'python']) {
    const python = findProgram(name)
    if (python === undefined) continue
    const asked = await run([python, '-m', 'pip', '--version'], {
      cwd: process.cwd(),
      env: cleanEnv(),
      timeoutMs: ASK_TIMEOUT_MS,
    })
    if (asked.code === 0) return python
  }
  return missing(context, 'pip', 'there is no Python with pip')
}

/** `pip install` into a folder of its own, with nothing of whoever runs the tests but the program. */
export async function pipInstall(python: string, { index, work, wanted, args = [] }: PipInit): Promise<PipRun> {
  const [home, site] = ['home', 'site'].map((name) => join(work, name)) as [string, string]
  mkdirSync(home, { recursive: true })
  const options = ['--target', site, '--no-compile', '--only-binary', ':all:', '--index-url', index]
  const done = await run([python, '-m', 'pip', 'install', ...options, ...args, ...wanted], {
    cwd: work,
    env: cleanEnv({
      HOME: home,
      USERPROFILE: home,
      PIP_CONFIG_FILE: process.platform === 'win32' ? 'nul' : '/dev/null',
      PIP_CACHE_DIR: join(work, 'cache'),
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      PIP_NO_INPUT: '1',
      PIP_ROOT_USER_ACTION: 'ignore',
    }),
    timeoutMs: TIMEOUT_MS,
  })
  return { ...done, site }
}

/**
 * Base URL of the index that this machine's pip asks, with a slash at its end: the configured one, else the one that pip itself
 * knows. Undefined when it does not answer.
 */
export async function configuredIndex(python: string): Promise<string | undefined> {
  const ask = async (...args: string[]) =>
    (await run([python, ...args], { cwd: process.cwd(), env: process.env, timeoutMs: ASK_TIMEOUT_MS })).stdout.trim()
  const set = await ask('-m', 'pip', 'config', 'get', 'global.index-url')
  const url =
    process.env.PIP_INDEX_URL || set || (await ask('-c', 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)'))
  if (!URL.canParse(url)) return undefined
  const base = url.endsWith('/') ? url : `${url}/`
  try {
    const reply = await fetch(`${base}six/`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) })
    await reply.body?.cancel()
    return reply.ok ? base : undefined
  } catch {
    return undefined
  }
}
