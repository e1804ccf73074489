import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Sha256 } from '../digest.ts'
import { reasonOf } from '../errors.ts'
import { CHANGES_AT_ONCE } from './constants.ts'
import type { Staged } from './disk-staging.ts'
import type { IndexBatch } from './index-batch.ts'
import type { SmallFile } from './journal-format.ts'
import type { Identity } from './open-file.ts'
import { codeOf, type Written } from './small-files.ts'

/** What is to become the file of a blob. */
export interface Move {
  readonly content: Staged['content']
  readonly to: string
  readonly sha256: Sha256
  /** Called when it is in its place. */
  moved(identity: Identity): void
}

export interface Change {
  readonly move?: Move
  apply(batch: IndexBatch): void
  /** Whether it must outlive a power cut. */
  readonly sync: boolean
}

interface Waiting {
  /** What others may join in one index write; without it the entry runs alone. */
  readonly change?: Change
  run(): Promise<void>
  resolve(): void
  reject(error: unknown): void
}

export interface CommitQueueComponents {
  readonly index: {
    write(fill: (batch: IndexBatch) => void, sync: boolean): Promise<Sha256[]>
    holds(sha256: Sha256): boolean
  }
  readonly journal: { write(files: readonly SmallFile[]): Promise<Written[]> }
  /** Removes a blob that a change left without any record. Runs inside the queue. */
  remove(unused: Sha256): Promise<unknown>
  trouble(what: string): void
}

/**
 * Everything that changes index and files, one after the other, so that no blob is removed while it is being committed.
 * Commits that wait while one index write is under way all go into the next one, so that hundreds of small artifacts share
 * one fsync of the index. Order is what makes it safe: file synced → renamed → indexed (small ones: journal synced → file written →
 * indexed), and back: index → file. A crash in
 * between leaves a file that no index entry names; the next commit of the same bytes takes its place, or the sweep removes it.
 */
export class CommitQueue {
  readonly #components: CommitQueueComponents
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(components: CommitQueueComponents) {
    this.#components = components
  }

  /** Resolves when the change is in the index and what it superseded is gone; rejects when it is not in the index. */
  add(change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#push({ change, run: async () => {}, resolve, reject })
    })
  }

  /** Runs `task` while nothing else changes index or files. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = async () => resolve(await task())
      this.#push({ run, resolve() {}, reject })
    })
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #push(entry: Waiting): void {
    this.#waiting.push(entry)
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    // Those who ask in the same turn as the first go together from the start.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const single = this.#waiting.findIndex(({ change }) => !change)
      if (single === 0) {
        const entry = this.#waiting.shift()
        await entry?.run().catch((error: unknown) => entry.reject(error))
      } else {
        await this.#commit(this.#waiting.splice(0, Math.min(single < 0 ? CHANGES_AT_ONCE : single, CHANGES_AT_ONCE)))
      }
    }
    this.#running = undefined
  }

  async #commit(entries: readonly Waiting[]): Promise<void> {
    const writing = this.#write(entries.flatMap(({ change }) => change?.move ?? []))
    const placed = await Promise.all(entries.map((entry) => this.#place(entry, writing)))
    const ready = placed.filter((entry) => entry !== undefined)
    if (ready.length === 0) return
    try {
      await this.#removeAll(await this.#index(ready.map(({ change }) => change)))
      for (const entry of ready) entry.resolve()
    } catch (error) {
      for (const entry of ready) entry.reject(error)
    }
  }

  /** The change that superseded them is done, whatever becomes of this. */
  async #removeAll(unused: readonly Sha256[]): Promise<void> {
    const { remove, trouble } = this.#components
    for (const sha256 of unused) {
      await remove(sha256).catch((error: unknown) => trouble(`a superseded blob could not be removed: ${reasonOf(error)}`))
    }
  }

  /** What is small is written together. */
  async #write(moves: readonly Move[]): Promise<Map<Move, Written>> {
    const small = moves.flatMap((move) => ('bytes' in move.content ? { move, bytes: move.content.bytes } : []))
    if (small.length === 0) return new Map()
    const files = small.map(({ move: { to, sha256 }, bytes }) => ({ path: to, sha256, bytes }))
    const written = await this.#components.journal.write(files)
    return new Map(small.map(({ move }, at) => [move, written[at] ?? { code: 'EIO' }]))
  }

  async #place(entry: Waiting, writing: Promise<Map<Move, Written>>): Promise<(Waiting & { change: Change }) | undefined> {
    const { change } = entry
    if (!change) return undefined
    try {
      if (change.move) change.move.moved(await place(change.move, writing))
      return { ...entry, change }
    } catch (error) {
      entry.reject(error)
      return undefined
    }
  }

  async #index(changes: readonly Change[]): Promise<Sha256[]> {
    const fill = (batch: IndexBatch) => {
      for (const change of changes) change.apply(batch)
    }
    try {
      return await this.#components.index.write(
        fill,
        changes.some(({ sync }) => sync),
      )
    } catch (error) {
      for (const { move } of changes) if (move) await this.#takeBack(move)
      throw error
    }
  }

  /** On a full disk a file that nothing names is the last thing to keep. */
  async #takeBack({ to, sha256 }: Move): Promise<void> {
    try {
      if (!this.#components.index.holds(sha256)) await rm(to, { force: true })
    } catch {
      // Whether it belongs to the store cannot be told now: the sweep after the next start decides.
    }
  }
}

async function place(move: Move, writing: Promise<Map<Move, Written>>): Promise<Identity> {
  const { content, to } = move
  if ('path' in content) {
    await rehouse(content.path, to)
    return content.identity
  }
  const written = (await writing).get(move) ?? { code: 'EIO' }
  if ('code' in written) throw Object.assign(new Error(`the file could not be written: ${written.code}`), written)
  return written
}

/** Replacing a file of the same name is right: both hold the bytes of that digest, and a corrupt one is healed. */
async function rehouse(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') await mkdir(dirname(to), { recursive: true, mode: 0o700 })
    // Something that is no file sits in the place of the blob.
    else if (code === 'EISDIR' || code === 'ENOTEMPTY' || code === 'EEXIST') await rm(to, { recursive: true, force: true })
    else throw error
    await rename(from, to)
  }
}
