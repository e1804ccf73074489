import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from './child-process.ts'
import { KEPT_PROGRAMS, missing } from './tools.ts'

const TIMEOUT_MS = 240_000

/** Folder with schemathesis in it, which pip puts among the kept programs; skips the test where it cannot. */
export async function requireSchemathesis(context: TestContext, python: string): Promise<string> {
  const folder = join(KEPT_PROGRAMS, 'schemathesis')
  const program = join(folder, 'bin', 'schemathesis')
  if (existsSync(program)) return folder
  mkdirSync(folder, { recursive: true })
  const options = ['--target', folder, '--only-binary', ':all:', '--upgrade', '--quiet']
  const done = await run([python, '-m', 'pip', 'install', ...options, 'schemathesis'], {
    cwd: folder,
    env: process.env,
    timeoutMs: TIMEOUT_MS,
  })
  return done.code === 0 && existsSync(program) ? folder : missing(context, 'schemathesis', 'pip could not get schemathesis')
}

/** Has it ask what the description at `url` allows to think of. @param args of `schemathesis run` */
export function runSchemathesis(python: string, folder: string, work: string, args: readonly string[]): Promise<Run> {
  const env = cleanEnv({ HOME: work, PYTHONPATH: folder, NO_COLOR: '1' })
  return run([python, join(folder, 'bin', 'schemathesis'), 'run', ...args], { cwd: work, env, timeoutMs: TIMEOUT_MS })
}
