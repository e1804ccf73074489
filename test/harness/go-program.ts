import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { TestContext } from 'vitest'
import { run } from './child-process.ts'
import { KEPT_PROGRAMS, missing, requireTool } from './tools.ts'

const BUILD_TIMEOUT_MS = 300_000

export interface GoProgram {
  /** Path of the package that is the program. */
  readonly module: string
  /** Other programs of its module that are built with it, into the same folder. */
  readonly beside?: readonly string[]
  /** The one that the tests were written with. */
  readonly version: string
  /** What it is called when tests require it (`WARREN_TEST_REQUIRE`), and where it is kept. */
  readonly name: string
}

/** Path of a program that the Go of this machine builds once; skips the test, saying why, when that cannot be done. */
export async function requireGoProgram(
  context: TestContext,
  { module, beside = [], version, name }: GoProgram,
): Promise<string> {
  const folder = join(KEPT_PROGRAMS, `${name}-${version}`)
  if (!existsSync(folder)) {
    const trouble = await build(
      requireTool(context, 'go'),
      [module, ...beside].map((one) => `${one}@${version}`),
      folder,
    )
    if (trouble !== undefined) return missing(context, name, `${name} cannot be built: ${trouble}`)
  }
  // As Go calls what is built of a module of a later major version.
  return join(folder, basename(module.replace(/\/v\d+$/, '')))
}

async function build(go: string, wanted: readonly string[], folder: string): Promise<string | undefined> {
  mkdirSync(KEPT_PROGRAMS, { recursive: true })
  const making = mkdtempSync(join(KEPT_PROGRAMS, 'making-'))
  try {
    // With Go's own settings and caches of this machine: they say where modules come from.
    const env = { ...process.env, GOBIN: making }
    const done = await run([go, 'install', '-ldflags=-s -w', ...wanted], { cwd: making, env, timeoutMs: BUILD_TIMEOUT_MS })
    if (done.code !== 0) return done.stderr.trim().split('\n').at(-1) || `go ended with ${done.code}`
    // Whole or not at all: a run that was ended half-way must not leave half a program.
    if (!existsSync(folder)) renameSync(making, folder)
    return undefined
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}
