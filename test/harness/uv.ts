import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { findProgram } from '../../admin/cli/programs.ts'
import { cleanEnv, run } from './child-process.ts'
import type { PipInit, PipRun } from './pip.ts'
import { requirePipProgram } from './pip-program.ts'

const TIMEOUT_MS = 180_000

/** Path of uv: the one of this machine, else one that pip puts into the folder of kept clients; skips the test without either. */
export async function requireUv(context: TestContext, python: string): Promise<string> {
  const found = findProgram('uv')
  if (found !== undefined) return found
  return (await requirePipProgram(context, python, { name: 'uv' })).program
}

/** `uv pip install` into a folder of its own, for this machine's Python. */
export async function uvInstall(uv: string, python: string, { index, work, wanted, args = [] }: PipInit): Promise<PipRun> {
  const [home, site] = ['home', 'site'].map((name) => join(work, name)) as [string, string]
  mkdirSync(home, { recursive: true })
  const options = ['--python', python, '--target', site, '--only-binary', ':all:', '--default-index', index, '--no-config']
  const done = await run([uv, 'pip', 'install', ...options, ...args, ...wanted], {
    cwd: work,
    env: cleanEnv({
      HOME: home,
      USERPROFILE: home,
      UV_CACHE_DIR: join(work, 'cache'),
      UV_NO_PROGRESS: '1',
      UV_PYTHON_DOWNLOADS: 'never',
    }),
    timeoutMs: TIMEOUT_MS,
  })
  return { ...done, site }
}
