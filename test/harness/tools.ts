import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { findProgram, npmCommand as npmInPath } from '../../admin/cli/programs.ts'

/** Programs that must be there, comma-separated: where one is listed, a missing one fails instead of being skipped. */
const REQUIRED = 'WARREN_TEST_REQUIRE'

/** Folder in which programs that tests fetch are kept from one run to the next; outside of the repository. */
export const KEPT_PROGRAMS = process.env.WARREN_TEST_CLIENTS ?? join(tmpdir(), 'warren-clients')

/** Path of a program; skips the test, saying why, when it is not installed. */
export function requireTool(context: TestContext, name: string): string {
  const found = findProgram(name)
  return found ?? missing(context, name, `${name} is not installed`)
}

/** Skips the test, saying why, or fails it when whoever runs it wants the program there. */
export function missing(context: TestContext, name: string, why: string): never {
  if ((process.env[REQUIRED] ?? '').split(',').includes(name)) throw new Error(`${why}, and ${REQUIRED} lists it`)
  return context.skip(why)
}

/** How to run npm without a shell: program and first arguments. */
export function npmCommand(): [string, ...string[]] {
  const command = npmInPath()
  if (!command) throw new Error('npm is not in PATH')
  return command
}
