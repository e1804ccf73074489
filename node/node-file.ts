import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a running node writes into its data folder, so that the command line finds it. */
export interface NodeFile {
  readonly pid: number
  /** Base URLs of the mirror listeners. */
  readonly listen: readonly string[]
  /** Base URL of the admin listener, or `unix:` and the path of its socket. */
  readonly admin: string
}

const NAME = 'node.json'

export function writeNodeFile(data: string, file: NodeFile): void {
  writeFileSync(join(data, NAME), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o644 })
}

/**
 * Undefined when there is none, or none that can be read; also when it outlived its node: another user's program may listen there by
 * now, and must not be shown the token.
 */
export function readNodeFile(data: string): NodeFile | undefined {
  try {
    const file = JSON.parse(readFileSync(join(data, NAME), 'utf8')) as NodeFile
    return isRunning(file.pid) ? file : undefined
  } catch {
    return undefined
  }
}

/** Also of a process of another user. Throws TypeError for what is no number. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ESRCH') return false
    if (code === 'EPERM') return true
    throw error
  }
}

export function removeNodeFile(data: string): void {
  rmSync(join(data, NAME), { force: true })
}
