import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'

/** Folders of this process start like this, so that the leak check can tell ours from those of a run beside it. */
const PREFIX = `warren-test-${process.pid}-`
/** A process that was just killed may still be writing (and on Windows, hold its files) for a moment. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const

/** Makes temporary folders and removes them all. */
export class TempFolders {
  readonly #folders: string[] = []

  /** A new, empty folder; `name` shows in its path. */
  create(name = 'folder'): string {
    const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${name}-`))
    this.#folders.push(folder)
    return folder
  }

  /** A path in a new folder, whose parent exists and which itself does not. */
  path(name: string): string {
    return join(this.create(name), name)
  }

  /** A folder inside a new one, made with its parents. */
  nested(...names: [string, ...string[]]): string {
    const folder = join(this.create(names[0]), ...names)
    mkdirSync(folder, { recursive: true })
    return folder
  }

  async removeAll(): Promise<void> {
    for (const folder of this.#folders.splice(0)) await rm(folder, REMOVAL)
  }
}

/**
 * Temporary folders that are removed after each test, or after the file. Call it before the hooks that stop what uses the
 * folders: vitest runs the last registered hook first.
 */
export function useTempFolders(scope: 'test' | 'file' = 'test'): TempFolders {
  const folders = new TempFolders()
  const hook = scope === 'test' ? afterEach : afterAll
  hook(() => folders.removeAll())
  return folders
}

/** Temporary folders of this process that nobody removed. */
export function leftOverFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))
}
