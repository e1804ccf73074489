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

/** Undefined when there is none, or none that can be read. */
export function readNodeFile(data: string): NodeFile | undefined {
  try {
    return JSON.parse(readFileSync(join(data, NAME), 'utf8')) as NodeFile
  } catch {
    return undefined
  }
}

export function removeNodeFile(data: string): void {
  rmSync(join(data, NAME), { force: true })
}
