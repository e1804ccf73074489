import { statfsSync } from 'node:fs'
import { FREE_SPACE_TTL, FULL_PAUSE } from './constants.ts'
import { codeOf } from './small-files.ts'

/** `store.minFree`: a share of the file system (0 to 1) or a number of bytes. */
export type MinFree = { readonly share: number } | { readonly bytes: number }

/** Errors with which a disk says that it takes nothing more for now. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EROFS'])

/** Whether something failed since the disk takes nothing more. LevelDB says so in words only. */
export function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const isSaid = FULL.has(codeOf(error)) || /no space left|quota exceeded/i.test(error.message)
  return isSaid || isFull(error.cause)
}

/** Watches the free space of the store's file system: below the limit a node stops storing, never serving. */
export class FreeSpace {
  readonly #folder: string
  readonly #minFree: MinFree
  readonly #now: () => number
  #checkedAt = Number.NEGATIVE_INFINITY
  #refusedAt = Number.NEGATIVE_INFINITY
  #free = 0
  #limit = 0

  constructor(init: { folder: string; minFree: MinFree; now: () => number }) {
    this.#folder = init.folder
    this.#minFree = init.minFree
    this.#now = init.now
  }

  /** Bytes that an unprivileged process may still write. */
  get free(): number {
    this.#look()
    return this.#free
  }

  /** Whether `bytes` more (at least one) may be stored now. */
  allows(bytes: number): boolean {
    if (this.#within(this.#refusedAt, FULL_PAUSE)) return false
    this.#look()
    return this.#free - Math.max(1, bytes) >= this.#limit
  }

  /** Tells that the disk refused a write, with the name of its error: the next ones would only be torn off as well. */
  refused(code: string): void {
    if (FULL.has(code)) this.#refusedAt = this.#now()
  }

  #look(): void {
    if (this.#within(this.#checkedAt, FREE_SPACE_TTL)) return
    this.#checkedAt = this.#now()
    try {
      const stats = statfsSync(this.#folder)
      this.#free = stats.bavail * stats.bsize
      this.#limit = 'share' in this.#minFree ? stats.blocks * stats.bsize * this.#minFree.share : this.#minFree.bytes
    } catch {
      // A folder that cannot be asked takes nothing; what is in memory is still served.
      this.#free = 0
      this.#limit = 1
    }
  }

  /** A clock that was set back makes every such time pass. */
  #within(since: number, span: number): boolean {
    const age = this.#now() - since
    return age >= 0 && age < span
  }
}
