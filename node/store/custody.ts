import type { Digest, Sha256 } from '../digest.ts'
import type { CommitQueue } from './commit-queue.ts'
import type { DiskBlobs } from './disk-blobs.ts'
import type { IndexDb } from './index-db.ts'
import { aliases, type BlobEntry } from './index-values.ts'
import type { Purged } from './purged.ts'
import type { NameRecord } from './store.ts'

/** A blob that was taken out of the store. */
export interface LostBlob {
  readonly sha256: Sha256
  readonly entry: BlobEntry
}

/** Everything by which members may have asked for it. */
export function digestsOf({ sha256, entry }: LostBlob): readonly Digest[] {
  return [{ algorithm: 'sha256', hex: sha256 }, ...aliases(entry)]
}

export interface CustodyComponents {
  readonly index: IndexDb
  readonly files: Pick<DiskBlobs, 'check'>
  readonly queue: Pick<CommitQueue, 'add'>
  readonly purged: Purged
  /** Whether blobs are on their way into the store. */
  busy(): boolean
}

/** What it takes to see again and again that each blob is still what it was. */
export class Custody {
  readonly #components: CustodyComponents
  /** Hears of each blob that was not right any more, whoever found that out. */
  onLost: (blob: LostBlob) => void = () => {}
  /** Hears of each blob that went since nothing names it any more. */
  onUnused: (blob: LostBlob) => void = () => {}

  constructor(components: CustodyComponents) {
    this.#components = components
  }

  /** Whether blobs are on their way into the store, so that its disk has other things to do. */
  get busy(): boolean {
    return this.#components.busy()
  }

  /** As `IndexDb.blobPage`. */
  page(after: Sha256, most: number): Promise<{ entries: [Sha256, BlobEntry][]; last: Sha256 | undefined }> {
    return this.#components.index.blobPage(after, most)
  }

  /** Hashes the file of a blob anew, `rate` bytes a second; one that is not right is taken out. Never rejects. */
  check(sha256: Sha256, rate: number, signal: AbortSignal): Promise<void> {
    return this.#components.files.check(sha256, rate, signal)
  }

  /** Names of a blob whose bytes never change, also of one that was lost. */
  async names(sha256: Sha256): Promise<Map<string, NameRecord>> {
    const all = await this.#components.index.recordsOf(sha256)
    return new Map(all.filter(([, { freshFor, link }]) => freshFor === null && !link))
  }

  /** Whether anything that was not purged names a blob, also one that was lost: else nobody wants it back. */
  async isNamed(sha256: Sha256): Promise<boolean> {
    const { index, purged } = this.#components
    for await (const key of index.uses(sha256)) {
      const record = index.record(key)
      if (record && !purged.covers(key, record)) return true
    }
    return false
  }

  /** How far the scrub has come, as it wrote it down. */
  get progress(): string | undefined {
    return this.#components.index.progress
  }

  /** A power cut may bring the former one back. */
  keepProgress(json: string): Promise<void> {
    return this.#components.queue.add({ sync: false, apply: (batch) => batch.putProgress(json) })
  }
}
