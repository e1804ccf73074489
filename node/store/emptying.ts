import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { reasonOf } from '../errors.ts'
import { SCANNED_AT_ONCE } from './constants.ts'
import type { Custody } from './custody.ts'
import type { DiskBlobs } from './disk-blobs.ts'
import type { FormerIndex, IndexDb } from './index-db.ts'
import { type IndexPlace, TRASH } from './index-place.ts'
import type { Reserve } from './reserve.ts'
import type { Freed } from './store.ts'

export interface EmptyingComponents {
  readonly index: IndexDb
  readonly place: IndexPlace
  readonly files: Pick<DiskBlobs, 'moveAway'>
  readonly custody: Pick<Custody, 'onUnused'>
  readonly reserve: Pick<Reserve, 'behind'>
  trouble(what: string): void
}

/**
 * Empties a store at once, however much is in it: an empty index takes the place of the full one, and then an empty folder that of the
 * files. What was there is told of and removed behind. A crash before the first step is one before all of it; one after leaves files that no
 * entry names, and folders that the next start removes.
 */
export class Emptying {
  readonly #components: EmptyingComponents
  readonly #folder: string
  readonly #signal: AbortSignal
  #removing: Promise<void>
  /** Name of an index that is being made, and is not in its place yet. */
  #coming: string | undefined

  /** @param init.folder the store's. @param init.signal ends what is removed; the next start goes on with it */
  constructor(components: EmptyingComponents, init: { readonly folder: string; readonly signal: AbortSignal }) {
    this.#components = components
    this.#folder = init.folder
    this.#signal = init.signal
    this.#removing = this.#removeLeftovers(undefined)
  }

  /** Resolves once nothing is there any more. Runs inside the queue. */
  async run(): Promise<Freed> {
    const { index, place, files, reserve } = this.#components
    const { usage } = index
    const name = await place.next()
    this.#coming = name
    const former = await reserve.behind(() => index.replace(join(this.#folder, name), () => place.set(name)))
    await files.moveAway(join(this.#folder, `${TRASH}${name}`))
    this.#removing = this.#removing.then(() => this.#removeLeftovers(former))
    return usage
  }

  /** Resolves once nothing is being removed any more. Never rejects. */
  settled(): Promise<void> {
    return this.#removing
  }

  async #removeLeftovers(former: FormerIndex | undefined): Promise<void> {
    try {
      if (former) await this.#tell(former)
      await former?.close()
      const { place } = this.#components
      for (const name of await place.leftovers())
        if (name !== this.#coming && name !== place.current) await this.#remove(join(this.#folder, name))
    } catch (error) {
      await former?.close().catch(() => {})
      if (!this.#signal.aborted)
        this.#components.trouble(`what was in the store is removed at the next start only: ${reasonOf(error)}`)
    }
  }

  /** Members learn that it can be had here no more. */
  async #tell({ blobs }: FormerIndex): Promise<void> {
    let told = 0
    for await (const [sha256, entry] of blobs) {
      this.#components.custody.onUnused({ sha256, entry })
      if (++told % SCANNED_AT_ONCE === 0) await setImmediate()
      this.#signal.throwIfAborted()
    }
  }

  /** Folder by folder, so that a node which stops need not wait for a million files. */
  async #remove(path: string): Promise<void> {
    for (const name of await readdir(path)) {
      this.#signal.throwIfAborted()
      await rm(join(path, name), { recursive: true, force: true })
    }
    await rm(path, { recursive: true, force: true })
  }
}
