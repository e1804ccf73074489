import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atHome, cleanEnv, type Run, run } from '../../harness/child-process.ts'

export const ENTRY = fileURLToPath(new URL('../../../admin/cli/warren.js', import.meta.url))

export interface WarrenInit {
  /** Home and working folder: whoever runs the tests may have settings of their own. */
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
  /** What it gets on stdin. */
  readonly input?: string
  /** Pretends to be this version of Node. */
  readonly nodeVersion?: string
}

/** Runs the command as a user does, to its end. */
export function runWarren(args: readonly string[], { home, env, input, nodeVersion }: WarrenInit): Promise<Run> {
  const shim = nodeVersion === undefined ? [] : ['--require', versionShim(home, nodeVersion)]
  return run([process.execPath, ...shim, ENTRY, ...args], {
    cwd: home,
    env: cleanEnv({ ...atHome(home), ...env }),
    timeoutMs: 30_000,
    ...(input !== undefined && { input }),
  })
}

function versionShim(folder: string, version: string): string {
  const file = join(folder, 'version.cjs')
  writeFileSync(
    file,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: ${JSON.stringify(version)} } })`,
  )
  return file
}
