import { bufferBody } from '../body.ts'
import { type Digest, type Digests, formatDigest, isDigest, type Sha256 } from '../digest.ts'
import { knownDigests } from './known-digests.ts'
import { MemoryStaging } from './memory-staging.ts'
import { newsOf, RecordWatch } from './record-watch.ts'
import type { BlobStore, NameRecord, RecordStore, StageInit, Store, StoredBlob, StoreStatus } from './store.ts'

/** The in-memory twin of the disk store: same promises, nothing outlives the process. */
export class MemoryStore implements Store {
  readonly #blobs = new Map<Sha256, Buffer>()
  readonly #aliases = new Map<string, Sha256>()
  readonly #records = new Map<string, NameRecord>()
  readonly #parsed = new Map<Sha256, Map<string, string>>()
  readonly #private = new Set<Sha256>()
  readonly #watch = new RecordWatch()
  /** Set to false to play a full disk. */
  storing = true

  readonly blobs: BlobStore = {
    find: (digest: Digest) => {
      if (digest.algorithm === 'sha256') return this.#blobs.has(digest.hex) ? digest.hex : undefined
      return this.#aliases.get(formatDigest(digest))
    },
    open: (sha256: Sha256): StoredBlob | undefined => {
      const bytes = this.#blobs.get(sha256)
      return bytes && { ...bufferBody(bytes), sha256, size: bytes.length }
    },
    isPrivate: (sha256: Sha256) => this.#private.has(sha256),
    stage: ({ algorithms }: StageInit) =>
      new MemoryStaging(
        { commit: (bytes, digests, records) => this.#commit(bytes, digests, records) },
        { algorithms, storing: this.storing },
      ),
    delete: async (sha256: Sha256) => this.#drop(sha256),
  }

  readonly records: RecordStore = {
    get: (key) => this.#records.get(key),
    put: async (key, record) => this.#put(key, record),
    putAll: async (records) => {
      for (const [key, record] of records) this.#put(key, record)
    },
    delete: async (key) => this.#put(key, undefined),
    entries: (prefix) => this.#entries(prefix),
    parsed: (parser, sha256) => this.#parsed.get(sha256)?.get(parser),
    putParsed: async (parser, sha256, json) => {
      if (!this.#blobs.has(sha256)) return
      this.#parsed.set(sha256, (this.#parsed.get(sha256) ?? new Map()).set(parser, json))
    },
    watch: (listener) => this.#watch.add(listener),
  }

  async status(): Promise<StoreStatus> {
    const bytes = [...this.#blobs.values()].reduce((sum, blob) => sum + blob.length, 0)
    return {
      blobs: this.#blobs.size,
      bytes,
      records: this.#records.size,
      free: Number.MAX_SAFE_INTEGER,
      storing: this.storing,
    }
  }

  async close(): Promise<void> {}

  async *#entries(prefix: string): AsyncIterable<[string, NameRecord]> {
    for (const key of [...this.#records.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
      const record = this.#records.get(key)
      if (record && key.startsWith(prefix)) yield [key, record]
    }
  }

  #commit(bytes: Buffer, digests: Digests, records: ReadonlyMap<string, NameRecord>): void {
    const isNew = !this.#blobs.has(digests.sha256)
    if (isNew && [...records.values()].some((record) => record.private)) this.#private.add(digests.sha256)
    this.#blobs.set(digests.sha256, bytes)
    for (const [algorithm, hex] of Object.entries(knownDigests(digests, records.values()))) {
      if (algorithm !== 'sha256' && isDigest(algorithm, hex))
        this.#aliases.set(formatDigest({ algorithm, hex }), digests.sha256)
    }
    for (const [key, record] of records) this.#put(key, record)
  }

  #put(key: string, record: NameRecord | undefined): void {
    const before = this.#records.get(key)
    const old = before?.blob
    if (record && !record.private && !record.link) this.#private.delete(record.blob)
    if (record) this.#records.set(key, record)
    else this.#records.delete(key)
    const news = record && newsOf(key, record, before)
    if (news) this.#watch.tell([news])
    if (old === undefined || old === record?.blob) return
    if (![...this.#records.values()].some((other) => other.blob === old)) this.#drop(old)
  }

  /** Bytes freed. */
  #drop(sha256: Sha256): number {
    const freed = this.#blobs.get(sha256)?.length ?? 0
    this.#blobs.delete(sha256)
    this.#private.delete(sha256)
    this.#parsed.delete(sha256)
    for (const [alias, target] of this.#aliases) if (target === sha256) this.#aliases.delete(alias)
    return freed
  }
}
