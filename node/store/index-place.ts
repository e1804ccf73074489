import { readFileSync } from 'node:fs'
import { open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../trust/secret-file.ts'

/** What an index is called, the first one and those that took its place. */
const NAME = /^index(?:-(\d{1,15}))?$/
const FIRST = 'index'

/** Which folder of a store has its index: the one that a file names, or `index` where there is no such file. */
export class IndexPlace {
  readonly #folder: string
  readonly #path: string

  /** @param folder the store's */
  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, 'index.current')
  }

  /** Name of the folder. Throws what the system says where the file is there and cannot be read. */
  get current(): string {
    try {
      const name = readFileSync(this.#path, 'utf8').trim()
      if (NAME.test(name)) return name
      throw new Error(`${this.#path} names no index`)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return FIRST
      throw error
    }
  }

  /** A name that nothing in the folder has. */
  async next(): Promise<string> {
    const numbers = (await readdir(this.#folder)).map((name) => Number(NAME.exec(name)?.[1] ?? 0))
    return `${FIRST}-${Math.max(0, ...numbers) + 1}`
  }

  /** After a crash it is the former one or this one; this one for good once it resolves. */
  async set(name: string): Promise<void> {
    const temporary = `${this.#path}.tmp`
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(`${name}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, this.#path)
    syncFolder(this.#folder)
  }

  /** Names of what former indexes and emptied stores left in the folder. */
  async leftovers(): Promise<string[]> {
    const names = await readdir(this.#folder)
    return names.filter((name) => (NAME.test(name) && name !== this.current) || name.startsWith(TRASH))
  }
}

/** With what folders begin whose files nobody needs any more. */
export const TRASH = 'trash-'
