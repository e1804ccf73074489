import { randomFillSync } from 'node:crypto'
import { open, rm, stat } from 'node:fs/promises'
import { RESERVE_BYTES } from './constants.ts'
import { isFull } from './free-space.ts'

/** Bytes that are written in one go. */
const PIECE = 1 << 20

/**
 * A file that holds room on the disk. Where others fill the disk to the last byte, even to delete is more than the index could write
 * down, and it could not be opened again: then this file makes room for that.
 */
export class Reserve {
  readonly #path: string
  #taking: Promise<void> | undefined

  /** @param path of the file; its folder exists */
  constructor(path: string) {
    this.#path = path
  }

  /** Takes the room, unless it has it, or there are fewer than four times as many bytes `free`. Never rejects. */
  take(free: number): Promise<void> {
    this.#taking ??= this.#take(free).finally(() => {
      this.#taking = undefined
    })
    return this.#taking
  }

  /** Does `work`, and once more with the room given up where the disk was too full for it. Rejects as it does. */
  async behind<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!isFull(error) || !(await this.#give())) throw error
      return await work()
    }
  }

  async #take(free: number): Promise<void> {
    if (free < 4 * RESERVE_BYTES) return
    try {
      if ((await stat(this.#path).catch(() => undefined))?.size === RESERVE_BYTES) return
      await this.#write()
    } catch {
      await rm(this.#path, { force: true }).catch(() => {})
    }
  }

  /** Whether there was any. */
  #give(): Promise<boolean> {
    return rm(this.#path).then(
      () => true,
      () => false,
    )
  }

  async #write(): Promise<void> {
    const file = await open(this.#path, 'w', 0o600)
    try {
      const piece = Buffer.alloc(PIECE)
      for (let size = 0; size < RESERVE_BYTES; size += PIECE) {
        // A file system that compresses would hold no room for zeros.
        await file.write(randomFillSync(piece))
      }
      await file.datasync()
    } finally {
      await file.close()
    }
  }
}
