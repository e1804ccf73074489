import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { run } from './child-process.ts'
import { KEPT_PROGRAMS, missing } from './tools.ts'

const TIMEOUT_MS = 240_000

export interface PipProgram {
  /** What the program is called, in its package and where tests require it (`WARREN_TEST_REQUIRE`). */
  readonly name: string
  /** What pip is asked for, if not that name. */
  readonly wanted?: string
  /** What else it is asked for, where the newest of what the program needs does not go with it. */
  readonly beside?: readonly string[]
}

/** Folder into which pip has put a program and all that it needs; skips the test, saying why, where it cannot. */
export async function requirePipProgram(
  context: TestContext,
  python: string,
  { name, wanted = name, beside = [] }: PipProgram,
): Promise<{ folder: string; program: string }> {
  const folder = join(KEPT_PROGRAMS, wanted.replace('==', '-'))
  const program = join(folder, 'bin', process.platform === 'win32' ? `${name}.exe` : name)
  if (!existsSync(program)) await install(python, [wanted, ...beside], folder)
  if (!existsSync(program)) missing(context, name, `pip could not get ${wanted}`)
  return { folder, program }
}

/** Whole or not at all: a run that was ended half-way must not leave half a program. */
async function install(python: string, wanted: readonly string[], folder: string): Promise<void> {
  mkdirSync(KEPT_PROGRAMS, { recursive: true })
  const making = mkdtempSync(join(KEPT_PROGRAMS, 'making-'))
  try {
    const options = ['--target', making, '--only-binary', ':all:', '--quiet']
    const command = [python, '-m', 'pip', 'install', ...options, ...wanted] as const
    const { code } = await run(command, { cwd: making, env: process.env, timeoutMs: TIMEOUT_MS })
    // Another worker may have been first.
    if (code === 0 && !existsSync(folder)) renameSync(making, folder)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}
