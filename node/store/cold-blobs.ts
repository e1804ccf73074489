import { setImmediate } from 'node:timers/promises'
import type { Digest, Sha256 } from '../digest.ts'
import { SCANNED_AT_ONCE } from './constants.ts'
import { digestsOf } from './custody.ts'
import type { IndexDb } from './index-db.ts'
import type { LastUse } from './last-use.ts'

/** A blob that may be evicted. */
export interface ColdBlob {
  readonly sha256: Sha256
  /** Bytes. */
  readonly size: number
  /** Hour since the epoch in which it was used last; 0 where that is not known. */
  readonly hour: number
}

/** What was evicted. */
export interface Evicted {
  readonly blobs: number
  readonly bytes: number
  /** Everything by which members may have asked for it. */
  readonly digests: readonly Digest[]
}

/** `document`: something mutable is named so, of which this copy may be what stands in for an upstream in trouble. */
export type ColdKind = 'artifact' | 'document'

export interface ColdBlobsComponents {
  readonly index: Pick<IndexDb, 'blobPage' | 'lastUses' | 'records' | 'recordsOf' | 'blob'>
  readonly lastUse: LastUse
  readonly files: { removeAll(blobs: readonly Sha256[], records: readonly string[]): Promise<number> }
  /** Runs `task` while nothing else changes index or files. */
  alone<T>(task: () => Promise<T>): Promise<T>
}

/** Blobs in the order in which they are evicted: least recently used first. What came with credentials is not among them. */
export class ColdBlobs {
  readonly #components: ColdBlobsComponents

  constructor(components: ColdBlobsComponents) {
    this.#components = components
  }

  /**
   * The `most` coldest of a kind, coldest first, of those that come behind `after`. Looks through the whole index, in turns of about a
   * millisecond. Rejects with the reason of `signal`.
   */
  async coldest(kind: ColdKind, most: number, after: ColdBlob | undefined, signal: AbortSignal): Promise<ColdBlob[]> {
    const documents = await this.#documents(signal)
    const coldest = new Coldest(most)
    for (let from: Sha256 | undefined = ''; from !== undefined; ) {
      from = await this.#read(from, (blob) => {
        const isOfKind = documents.has(blob.sha256) === (kind === 'document')
        if (isOfKind && (!after || isBehind(blob, after))) coldest.add(blob)
      })
      signal.throwIfAborted()
    }
    return coldest.all
  }

  /**
   * Evicts all of these that nobody has used since they were chosen. The names of mutable documents go with them: without its bytes
   * such a record is of no use, while that of an artifact tells the digest by which members are asked.
   */
  evict(blobs: readonly ColdBlob[]): Promise<Evicted> {
    const { files, index, alone } = this.#components
    return alone(async () => {
      const evicted = blobs.filter((blob) => this.#isStillCold(blob))
      const records: string[] = []
      const digests: Digest[] = []
      for (const { sha256 } of evicted) {
        const entry = index.blob(sha256)
        if (entry) digests.push(...digestsOf({ sha256, entry }))
        for (const [key, { freshFor }] of await index.recordsOf(sha256)) if (freshFor !== null) records.push(key)
      }
      const names = evicted.map(({ sha256 }) => sha256)
      return { blobs: evicted.length, digests, bytes: evicted.length === 0 ? 0 : await files.removeAll(names, records) }
    })
  }

  #isStillCold({ sha256, hour }: ColdBlob): boolean {
    const { index, lastUse } = this.#components
    const entry = index.blob(sha256)
    return entry !== undefined && !entry.private && !(lastUse.isWarm(sha256) && hour < lastUse.hour)
  }

  /** Blobs of documents. */
  async #documents(signal: AbortSignal): Promise<Set<Sha256>> {
    const documents = new Set<Sha256>()
    let seen = 0
    for await (const [, { blob, freshFor, link }] of this.#components.index.records('')) {
      if (freshFor !== null && !link) documents.add(blob)
      if (++seen % SCANNED_AT_ONCE !== 0) continue
      await setImmediate()
      signal.throwIfAborted()
    }
    return documents
  }

  async #read(from: Sha256, each: (blob: ColdBlob) => void): Promise<Sha256 | undefined> {
    const { index, lastUse } = this.#components
    const { entries, last } = await index.blobPage(from, SCANNED_AT_ONCE)
    const open = entries.filter(([, entry]) => !entry.private)
    const hours = await index.lastUses(open.map(([sha256]) => sha256))
    for (const [at, [sha256, { size }]] of open.entries()) {
      each({ sha256, size, hour: lastUse.isWarm(sha256) ? lastUse.hour : (hours[at] ?? 0) })
    }
    return last
  }
}

function isBehind(blob: ColdBlob, other: ColdBlob): boolean {
  return blob.hour > other.hour || (blob.hour === other.hour && blob.sha256 > other.sha256)
}

/** The coldest of blobs that come in the order of their names. Sorts nothing: that would stall a node for a tenth of a second. */
class Coldest {
  readonly #most: number
  readonly #byHour = new Map<number, ColdBlob[]>()
  #count = 0
  /** The last hour of which some are among them; any, as long as there are too few. */
  #last = Number.POSITIVE_INFINITY

  constructor(most: number) {
    this.#most = most
  }

  get all(): ColdBlob[] {
    const hours = [...this.#byHour.keys()].sort((one, other) => one - other)
    return hours.flatMap((hour) => this.#byHour.get(hour) ?? []).slice(0, this.#most)
  }

  add(blob: ColdBlob): void {
    if (blob.hour > this.#last) return
    const same = this.#byHour.get(blob.hour) ?? []
    // Those that come later have later names.
    if (same.length >= this.#most) return
    this.#byHour.set(blob.hour, same)
    same.push(blob)
    if (++this.#count >= 2 * this.#most) this.#cut()
  }

  /** Lets go of the hours without which there are enough. */
  #cut(): void {
    for (const hour of [...this.#byHour.keys()].sort((one, other) => other - one)) {
      const { length } = this.#byHour.get(hour) ?? []
      this.#last = hour
      if (this.#count - length < this.#most) break
      this.#byHour.delete(hour)
      this.#count -= length
    }
  }
}
