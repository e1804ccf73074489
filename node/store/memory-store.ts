import { bufferBody } from '../body.ts'
import { type Digest, type Digests, formatDigest, isDigest, type Sha256 } from '../digest.ts'
import { knownDigests } from './known-digests.ts'
import { MemoryStaging } from './memory-staging.ts'
import { NOTHING_PURGED, type Purged } from './purged.ts'
import { newsOf, RecordWatch } from './record-watch.ts'
import { saysLess } from './says-less.ts'
import type {
  BlobStore,
  Freed,
  NameRecord,
  RecordPage,
  RecordStore,
  StageInit,
  Store,
  StoredBlob,
  StoreStatus,
} from './store.ts'

/** The in-memory twin of the disk store: same promises, nothing outlives the process. */
export class MemoryStore implements Store {
  readonly #blobs = new Map<Sha256, Buffer>()
  readonly #aliases = new Map<string, Sha256>()
  readonly #records = new Map<string, NameRecord>()
  readonly #parsed = new Map<Sha256, Map<string, string>>()
  readonly #private = new Set<Sha256>()
  readonly #watch = new RecordWatch()
  readonly purged: Purged
  /** Set to false to play a full disk. */
  storing = true

  constructor(components: { readonly purged?: Purged } = {}) {
    this.purged = components.purged ?? NOTHING_PURGED
  }

  readonly blobs: BlobStore = {
    find: (digest: Digest) => {
      if (digest.algorithm === 'sha256') return this.#blobs.has(digest.hex) ? digest.hex : undefined
      return this.#aliases.get(formatDigest(digest))
    },
    open: (sha256: Sha256): StoredBlob | undefined => {
      const bytes = !this.purged.pending || this.#isShown(sha256) ? this.#blobs.get(sha256) : undefined
      return bytes && { ...bufferBody(bytes), sha256, size: bytes.length }
    },
    isPrivate: (sha256: Sha256) => this.#private.has(sha256),
    stage: ({ algorithms, bytes }: StageInit) => {
      const staging = new MemoryStaging(
        { commit: (all, digests, records) => this.#commit(all, digests, records) },
        { algorithms, storing: this.storing },
      )
      if (bytes) staging.write(bytes)
      return staging
    },
    delete: async (sha256: Sha256) => this.#drop(sha256),
  }

  readonly records: RecordStore = {
    get: (key) => this.#shown(key),
    put: async (key, record) => this.#put(key, record),
    putAll: async (records) => {
      for (const [key, record] of records) this.#put(key, record)
    },
    delete: async (key) => this.#put(key, undefined),
    entries: (prefix) => this.#entries(prefix),
    page: (prefix, after, most) => this.#page(prefix, after, most),
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

  async remove(keys: readonly string[], blob?: Sha256): Promise<Freed> {
    const before = await this.status()
    const named = [...this.#records].flatMap(([key, record]) => (record.blob === blob ? [key] : []))
    for (const key of [...keys, ...named]) {
      const record = this.#records.get(key)
      if (record && this.purged.covers(key, record)) this.#put(key, undefined)
    }
    if (blob !== undefined && !this.#isShown(blob)) this.#drop(blob)
    const { blobs, bytes, records } = await this.status()
    return { records: before.records - records, blobs: before.blobs - blobs, bytes: before.bytes - bytes }
  }

  async close(): Promise<void> {}

  #shown(key: string): NameRecord | undefined {
    const record = this.#records.get(key)
    return record && this.purged.pending && this.purged.covers(key, record) ? undefined : record
  }

  #isShown(sha256: Sha256): boolean {
    const named = [...this.#records].filter(([, { blob }]) => blob === sha256)
    if (named.length === 0) return !this.purged.coversUnnamed(sha256)
    return named.some(([key, record]) => !this.purged.covers(key, record))
  }

  get #keys(): readonly string[] {
    return [...this.#records.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  async *#entries(prefix: string): AsyncIterable<[string, NameRecord]> {
    for (const key of this.#keys) {
      const record = this.#shown(key)
      if (record && key.startsWith(prefix)) yield [key, record]
    }
  }

  async #page(prefix: string, after: string, most: number): Promise<RecordPage> {
    const keys = this.#keys.filter((key) => key.startsWith(prefix))
    const page = keys.slice(after === '' ? 0 : keys.indexOf(after) + 1).slice(0, most)
    const entries = page.flatMap((key) => {
      const record = this.#records.get(key)
      return record ? [[key, record] as const] : []
    })
    return { entries, last: page.length < most ? undefined : page.at(-1) }
  }

  #commit(bytes: Buffer, digests: Digests, records: ReadonlyMap<string, NameRecord>): boolean {
    if (records.size > 0 && [...records].every((entry) => this.purged.covers(...entry))) return false
    const isNew = !this.#blobs.has(digests.sha256)
    if (isNew && [...records.values()].some((record) => record.private)) this.#private.add(digests.sha256)
    this.#blobs.set(digests.sha256, bytes)
    for (const [algorithm, hex] of Object.entries(knownDigests(digests, records.values()))) {
      if (algorithm !== 'sha256' && isDigest(algorithm, hex))
        this.#aliases.set(formatDigest({ algorithm, hex }), digests.sha256)
    }
    for (const [key, record] of records) this.#put(key, record)
    return true
  }

  #put(key: string, record: NameRecord | undefined): void {
    if (record && this.purged.covers(key, record)) return
    const before = this.#records.get(key)
    if (record && saysLess(record, before)) return
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
