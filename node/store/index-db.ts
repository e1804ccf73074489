import { Level } from 'level'
import { LRUCache } from 'lru-cache'
import type { Digest, Sha256 } from '../digest.ts'
import { reasonOf } from '../errors.ts'
import { HOT_RECORD_BYTES, HOT_RECORDS, HOT_SIZES } from './constants.ts'
import { IndexBatch } from './index-batch.ts'
import { openLevel } from './index-open.ts'
import {
  aliasKey,
  BLOB_PREFIX,
  type BlobEntry,
  blobKey,
  decodeAlias,
  decodeBlob,
  decodeRecord,
  decodeUsage,
  lastUseKey,
  PROGRESS_KEY,
  parsedKey,
  parsedOf,
  RECORD_PREFIX,
  range,
  recordKey,
  USAGE_KEY,
  type Usage,
  useKey,
  usesOf,
} from './index-values.ts'
import type { NameRecord, NewRecord, RecordPage } from './store.ts'

export interface IndexComponents {
  trouble(what: string): void
  /** Rejects while the disk would refuse what LevelDB writes when it is opened. */
  probe(): Promise<void>
  /** Records that members may hear of are in the index. */
  onNews(news: Iterable<NewRecord>): void
}

/** An index whose place another one has taken. */
export interface FormerIndex {
  readonly blobs: AsyncIterable<[Sha256, BlobEntry]>
  /** Gives its lock back. Idempotent. */
  close(): Promise<void>
}

/**
 * The index of the store in LevelDB: blobs, their further digests, name records, parsed documents. Look-ups are synchronous:
 * the value is nearly always in LevelDB's own cache, and a promise would cost more than the read. Changes (`write`, `delete`)
 * are made one at a time; `CommitQueue` sees to that.
 */
export class IndexDb {
  #db: Level<string, string>
  readonly #components: IndexComponents
  readonly #records = new LRUCache<string, NameRecord>({ max: HOT_RECORDS, maxSize: HOT_RECORD_BYTES })
  readonly #sizes = new LRUCache<Sha256, number>({ max: HOT_SIZES })
  /** Key of the record that was looked for last and is not there: what is fetched is looked for twice in a row. */
  #absent: string | undefined
  #usage: Usage = { blobs: 0, bytes: 0, records: 0 }
  #broken = false
  #complained = false
  #closed = false

  private constructor(components: IndexComponents, db: Level<string, string>) {
    this.#components = components
    this.#db = db
  }

  /** Throws STORE_LOCKED when somebody else has it open, STORE_UNKNOWN for another layout version, STORE_UNUSABLE. */
  static async open(components: IndexComponents, folder: string): Promise<IndexDb> {
    const db = await levelIn(folder)
    const index = new IndexDb(components, db)
    await index.#load()
    return index
  }

  /**
   * Goes on with an empty index in another folder, once `settle` has told the next start of it. The former one is locked until it is closed.
   * Called by one at a time, as `write`. Rejects as `open` and `settle` do, and nothing has changed then.
   */
  async replace(folder: string, settle: () => Promise<void>): Promise<FormerIndex> {
    const db = await levelIn(folder)
    try {
      await settle()
    } catch (error) {
      await db.close()
      throw error
    }
    const former = this.#db
    this.#db = db
    this.#broken = false
    this.#complained = false
    this.#records.clear()
    this.#sizes.clear()
    this.#usage = { blobs: 0, bytes: 0, records: 0 }
    return { blobs: blobsIn(former), close: () => former.close() }
  }

  get usage(): Usage {
    return this.#usage
  }

  blob(sha256: Sha256): BlobEntry | undefined {
    return decodeBlob(sha256, this.#peek(blobKey(sha256)))
  }

  /** Length of a blob in bytes; undefined when it is not held. */
  sizeOf(sha256: Sha256): number | undefined {
    const known = this.#sizes.get(sha256)
    if (known !== undefined) return known
    const size = this.blob(sha256)?.size
    if (size !== undefined) this.#sizes.set(sha256, size)
    return size
  }

  /** Whether a file of that name belongs to the store. Throws where the index cannot tell, unlike the look-ups. */
  holds(sha256: Sha256): boolean {
    return this.#db.getSync(blobKey(sha256)) !== undefined
  }

  find(digest: Digest): Sha256 | undefined {
    const sha256 = digest.algorithm === 'sha256' ? digest.hex : decodeAlias(this.#peek(aliasKey(digest)))
    return sha256 !== undefined && this.blob(sha256) ? sha256 : undefined
  }

  record(key: string): NameRecord | undefined {
    const hot = this.#records.get(key)
    if (hot) return hot
    if (key === this.#absent) return undefined
    const text = this.#peek(recordKey(key))
    const record = decodeRecord(text)
    if (record && text) this.#records.set(key, record, { size: text.length })
    else if (text === undefined && !this.#complained) this.#absent = key
    return record
  }

  async *records(prefix: string): AsyncIterable<[string, NameRecord]> {
    const db = this.#db
    try {
      for await (const [key, value] of db.iterator(range(recordKey(prefix)))) {
        const record = decodeRecord(value)
        if (record) yield [key.slice(RECORD_PREFIX.length), record]
      }
    } catch (error) {
      // Of an index that was replaced meanwhile there is nothing more to tell.
      if (db === this.#db) throw error
    }
  }

  /** As `RecordStore.page`. */
  async page(prefix: string, after: string, most: number): Promise<RecordPage> {
    const all = range(recordKey(prefix))
    const gte = after < prefix ? all.gte : `${recordKey(after)}\0`
    const rows = await this.#db.iterator({ ...all, gte, limit: most }).all()
    const entries = rows.flatMap(([key, value]): [string, NameRecord][] => {
      const record = decodeRecord(value)
      return record ? [[key.slice(RECORD_PREFIX.length), record]] : []
    })
    const last = rows.length < most ? undefined : rows.at(-1)?.[0]
    return { entries, last: last?.slice(RECORD_PREFIX.length) }
  }

  parsed(parser: string, sha256: Sha256): string | undefined {
    return this.#peek(parsedKey(parser, sha256))
  }

  /**
   * Makes what `fill` puts into the batch durable (against a power cut only with `sync`) in one write: either all of it is in
   * the index afterwards, or nothing. Resolves with the blobs that no record names any more.
   */
  async write(fill: (batch: IndexBatch) => void, sync: boolean): Promise<Sha256[]> {
    await this.#mend()
    const batch = new IndexBatch({ read: (key) => this.#db.getSync(key) }, { usage: this.#usage })
    fill(batch)
    try {
      await this.#db.batch([...batch.ops(), { type: 'put', key: USAGE_KEY, value: JSON.stringify(batch.usage) }], { sync })
    } catch (error) {
      // LevelDB goes on after a refused write as if nothing were, but what it writes behind the torn entry in its log is not
      // found again at the next start (tried). So nothing more is written before the index was opened anew.
      this.#broken = true
      throw error
    } finally {
      // Only now: a look-up while the write was under way may have remembered the old one.
      this.#absent = undefined
      for (const key of batch.changed) this.#records.delete(key)
      for (const sha256 of batch.changedBlobs) this.#sizes.delete(sha256)
    }
    this.#usage = batch.usage
    if (batch.news.size > 0) this.#components.onNews(batch.news.values())
    // The write is done, whatever becomes of this.
    return this.#unused(batch.superseded).catch(() => [])
  }

  /** All of it goes in one write, with the `records`. Bytes freed. */
  async delete(blobs: readonly Sha256[], sync: boolean, records: readonly string[] = []): Promise<number> {
    let freed = 0
    await this.#mend()
    const parsed: string[][] = []
    for (const sha256 of blobs) parsed.push(await this.#db.keys(parsedOf(sha256)).all())
    await this.write((batch) => {
      for (const key of records) batch.deleteRecord(key)
      for (const [at, sha256] of blobs.entries()) freed += batch.deleteBlob(sha256, parsed[at] ?? [])
    }, sync)
    return freed
  }

  /** Blobs in the order of their names, behind `after` and as many as `most`; `last` is where to go on, undefined at the end. */
  async blobPage(after: Sha256, most: number): Promise<{ entries: [Sha256, BlobEntry][]; last: Sha256 | undefined }> {
    const rows = await this.#db.iterator({ ...range(BLOB_PREFIX), gte: `${blobKey(after)}\0`, limit: most }).all()
    const named = rows.map(([key, value]) => [key.slice(BLOB_PREFIX.length), value] as const)
    const entries = named.flatMap(([sha256, value]): [Sha256, BlobEntry][] => {
      const entry = decodeBlob(sha256, value)
      return entry ? [[sha256, entry]] : []
    })
    return { entries, last: named.at(-1)?.[0] }
  }

  get progress(): string | undefined {
    return this.#peek(PROGRESS_KEY)
  }

  /** Hours since the epoch in which blobs were used last, in their order; 0 where none was written down. */
  async lastUses(blobs: readonly Sha256[]): Promise<number[]> {
    const hours = await this.#db.getMany(blobs.map(lastUseKey))
    return hours.map((hour) => Number(hour) || 0)
  }

  /** Keys of records that name a blob. */
  async *uses(sha256: Sha256): AsyncIterable<string> {
    const db = this.#db
    try {
      for await (const use of db.keys(usesOf(sha256))) yield use.slice(useKey(sha256, '').length)
    } catch (error) {
      if (db === this.#db) throw error
    }
  }

  /** Records that name a blob. */
  async recordsOf(sha256: Sha256): Promise<[key: string, record: NameRecord][]> {
    const uses = await this.#db.keys(usesOf(sha256)).all()
    return uses.flatMap((use): [string, NameRecord][] => {
      const key = use.slice(useKey(sha256, '').length)
      const record = this.record(key)
      return record ? [[key, record]] : []
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#db.close()
  }

  /** For look-ups: what cannot be read is not there, and the artifact is fetched again. */
  #peek(key: string): string | undefined {
    try {
      return this.#db.getSync(key)
    } catch (error) {
      if (!this.#complained && !this.#closed) this.#components.trouble(`the index cannot be read: ${reasonOf(error)}`)
      this.#complained = true
      return undefined
    }
  }

  async #mend(): Promise<void> {
    if (!this.#broken) return
    if (this.#closed) throw new Error('the index is closed')
    await this.#components.probe()
    await this.#db.close()
    await this.#db.open()
    await this.#load()
    this.#broken = false
    this.#complained = false
  }

  async #load(): Promise<void> {
    this.#absent = undefined
    this.#records.clear()
    this.#sizes.clear()
    this.#usage = decodeUsage(await this.#db.get(USAGE_KEY)) ?? (await this.#count())
  }

  async #count(): Promise<Usage> {
    const usage = { blobs: 0, bytes: 0, records: 0 }
    for await (const [, entry] of blobsIn(this.#db)) {
      usage.blobs++
      usage.bytes += entry.size
    }
    for await (const _ of this.records('')) usage.records++
    return usage
  }

  async #unused(candidates: Iterable<Sha256>): Promise<Sha256[]> {
    const unused: Sha256[] = []
    for (const sha256 of candidates) {
      const [use] = await this.#db.keys({ ...usesOf(sha256), limit: 1 }).all()
      if (use === undefined) unused.push(sha256)
    }
    return unused
  }
}

async function levelIn(folder: string): Promise<Level<string, string>> {
  const db = new Level<string, string>(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8', cacheSize: 32 << 20 })
  await openLevel(db, folder)
  return db
}

async function* blobsIn(db: Level<string, string>): AsyncIterable<[Sha256, BlobEntry]> {
  for await (const [key, value] of db.iterator(range(BLOB_PREFIX))) {
    const sha256 = key.slice(BLOB_PREFIX.length)
    const entry = decodeBlob(sha256, value)
    if (entry) yield [sha256, entry]
  }
}
