import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

/** Folders of this process start like this, so that the leak check can tell ours from those of a run beside it. */
const PREFIX = `warren-test-${process.pid}-`
/** A process that was just killed may still be writing (and on Windows, hold its files) for a moment. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const

/** Makes temporary folders and removes them all. */
export class TempFolders {
  readonly #folders: string[] = []
  readonly #onFirst: () => void

  /** @param onFirst called when there is something to remove */
  constructor(onFirst: () => void = () => {}) {
    this.#onFirst = onFirst
  }

  /** A new, empty folder; `name` shows in its path. */
  create(name = 'folder'): string {
    if (this.#folders.length === 0) this.#onFirst()
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
 * Temporary folders that are removed after each test, or after the file. Those of a test go last of all: after its `afterEach`
 * hooks, and after whatever `onTestFinished` stops that was started once the first folder was there. A node that is still
 * writing would make its folder anew. Those of the file: call it before the hooks that stop what uses them.
 */
export function useTempFolders(scope: 'test' | 'file' = 'test'): TempFolders {
  if (scope === 'test') {
    const folders = new TempFolders(() => onTestFinished(() => folders.removeAll()))
    return folders
  }
  const folders = new TempFolders()
  afterAll(() => folders.removeAll())
  return folders
}

/** Temporary folders of this process that nobody removed. */
export function leftOverFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))
}
