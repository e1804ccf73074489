import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { run } from './child-process.ts'
import { KEPT_PROGRAMS, missing } from './tools.ts'

const TIMEOUT_MS = 180_000
const VERSION = '2.5.1'

/** Folder for PYTHONPATH from which `python -m poetry` runs: pip puts it there once. Skips the test where it cannot. */
export async function requirePoetry(context: TestContext, python: string): Promise<string> {
  const folder = join(KEPT_PROGRAMS, `poetry-${VERSION}`)
  if (existsSync(folder)) return folder
  mkdirSync(KEPT_PROGRAMS, { recursive: true })
  const making = `${folder}.${process.pid}`
  try {
    const options = ['--target', making, '--only-binary', ':all:', '--no-compile', '--disable-pip-version-check']
    const command = [python, '-m', 'pip', 'install', ...options, `poetry==${VERSION}`] as const
    const done = await run(command, { cwd: KEPT_PROGRAMS, env: process.env, timeoutMs: TIMEOUT_MS })
    if (done.code !== 0) return missing(context, 'poetry', 'Poetry is not installed, and pip could not get it')
    // Whole or not at all: a run that was ended half-way must not leave half of it.
    if (!existsSync(folder)) renameSync(making, folder)
    return folder
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}
