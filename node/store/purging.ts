import type { Sha256 } from '../digest.ts'
import type { Custody, LostBlob } from './custody.ts'
import type { DiskBlobs } from './disk-blobs.ts'
import type { IndexDb } from './index-db.ts'
import type { Purged } from './purged.ts'
import type { Freed, NameRecord, StoredBlob } from './store.ts'

export interface PurgingComponents {
  readonly index: IndexDb
  readonly files: Pick<DiskBlobs, 'open' | 'removeAll'>
  readonly custody: Pick<Custody, 'onUnused'>
  readonly purged: Purged
}

/** Keeps what was purged out of sight as long as it is in the store, and takes it out. */
export class Purging {
  readonly #components: PurgingComponents

  constructor(components: PurgingComponents) {
    this.#components = components
  }

  record(key: string): NameRecord | undefined {
    const { index, purged } = this.#components
    const record = index.record(key)
    return record && purged.covers(key, record) ? undefined : record
  }

  async *records(prefix: string): AsyncIterable<[string, NameRecord]> {
    const { index, purged } = this.#components
    for await (const entry of index.records(prefix)) if (!purged.pending || !purged.covers(...entry)) yield entry
  }

  /** A blob that some record names which is still shown. */
  async open(sha256: Sha256): Promise<StoredBlob | undefined> {
    return (await this.#isShown(sha256)) ? this.#components.files.open(sha256) : undefined
  }

  /**
   * Takes those out which were purged, of the records under `keys` and those that name `blob`, with all blobs that nothing else names.
   * Runs inside the queue.
   */
  async remove(keys: readonly string[], blob: Sha256 | undefined): Promise<Freed> {
    const { index, files, custody, purged } = this.#components
    const gone = new Map<string, Sha256>()
    const take = (key: string, record: NameRecord | undefined) => {
      if (record && purged.covers(key, record)) gone.set(key, record.blob)
    }
    for (const key of keys) take(key, index.record(key))
    if (blob !== undefined) for (const [key, record] of await index.recordsOf(blob)) take(key, record)
    const unused: LostBlob[] = []
    for (const sha256 of new Set([...gone.values(), ...(blob === undefined ? [] : [blob])])) {
      const entry = index.blob(sha256)
      if (entry && (await this.#isUnused(sha256, gone))) unused.push({ sha256, entry })
    }
    if (gone.size + unused.length === 0) return { records: 0, blobs: 0, bytes: 0 }
    const names = unused.map(({ sha256 }) => sha256)
    const bytes = await files.removeAll(names, [...gone.keys()])
    for (const lost of unused) custody.onUnused(lost)
    return { records: gone.size, blobs: unused.length, bytes }
  }

  async #isShown(sha256: Sha256): Promise<boolean> {
    const { index, purged } = this.#components
    let isNamed = false
    for await (const key of index.uses(sha256)) {
      isNamed = true
      if (this.record(key)) return true
    }
    return !isNamed && !purged.coversUnnamed(sha256)
  }

  async #isUnused(sha256: Sha256, gone: ReadonlyMap<string, Sha256>): Promise<boolean> {
    const { index, purged } = this.#components
    let isNamed = false
    for await (const key of index.uses(sha256)) {
      isNamed = true
      if (!gone.has(key)) return false
    }
    return isNamed || purged.coversUnnamed(sha256)
  }
}
