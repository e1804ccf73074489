import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A file in the folder of a store that is there while nobody uses it and its last user left it well: then no file lies there that the
 * index does not name, and nobody has to look through a million of them after each start.
 */
export class TidyMark {
  readonly #folder: string
  readonly #path: string
  #isSpoilt = false

  /** @param folder the store's; it exists, and this process holds its lock */
  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, 'tidy')
  }

  /** Takes the mark away for as long as the store is in use. Resolves with whether there was one. */
  async take(): Promise<boolean> {
    try {
      await rm(this.#path)
      // Else it could be back after a power cut, and speak for a process that did not end well.
      await sync(this.#folder)
      return true
    } catch {
      return false
    }
  }

  /** Something went wrong: files may have been left behind. */
  spoil(): void {
    this.#isSpoilt = true
  }

  /** Once all that the store did is done. Never rejects: without a mark one looks for what was left. */
  async leave(): Promise<void> {
    if (this.#isSpoilt) return
    await open(this.#path, 'w', 0o600).then(
      (file) => file.close(),
      () => {},
    )
  }
}

async function sync(folder: string): Promise<void> {
  // Windows lets no folder be opened, and writes down by itself what becomes of a file.
  const handle = await open(folder, 'r').catch(() => undefined)
  try {
    await handle?.sync()
  } finally {
    await handle?.close()
  }
}
