import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from './child-process.ts'
import { requirePip } from './pip.ts'
import { requirePipProgram } from './pip-program.ts'

const TIMEOUT_MS = 240_000

/** Schemathesis, which asks what the description of an API allows to think of; its arguments are those of `run`. Skips the test without. */
export async function requireSchemathesis(
  context: TestContext,
): Promise<(work: string, args: readonly string[]) => Promise<Run>> {
  const python = await requirePip(context)
  const { folder, program } = await requirePipProgram(context, python, { name: 'schemathesis' })
  return (work, args) => {
    const env = cleanEnv({ HOME: work, PYTHONPATH: folder, NO_COLOR: '1' })
    return run([python, program, 'run', ...args], { cwd: work, env, timeoutMs: TIMEOUT_MS })
  }
}
