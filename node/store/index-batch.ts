import type { Sha256 } from '../digest.ts'
import {
  aliases,
  aliasKey,
  type BlobEntry,
  blobKey,
  decodeBlob,
  decodeRecord,
  lastUseKey,
  PROGRESS_KEY,
  parsedKey,
  recordKey,
  type Usage,
  useKey,
} from './index-values.ts'
import { newsOf } from './record-watch.ts'
import { saysLess } from './says-less.ts'
import type { NameRecord, NewRecord } from './store.ts'

export type Op = { type: 'put'; key: string; value: string } | { type: 'del'; key: string }

/**
 * Changes that go into the index in one write, all or nothing. Later ones see the earlier ones, so that two commits of the
 * same bytes or of the same key in one write count once.
 */
export class IndexBatch {
  readonly #read: (key: string) => string | undefined
  readonly #values = new Map<string, string | undefined>()
  readonly #superseded = new Set<Sha256>()
  readonly usage: Usage
  /** Keys of the name records that it changes. */
  readonly changed = new Set<string>()
  readonly changedBlobs = new Set<Sha256>()
  /** Records that members may hear of, by key. */
  readonly news = new Map<string, NewRecord>()

  constructor(components: { read(key: string): string | undefined }, init: { usage: Usage }) {
    this.#read = components.read
    this.usage = { ...init.usage }
  }

  /** Blobs that lost a record which named them. */
  get superseded(): Iterable<Sha256> {
    return this.#superseded
  }

  *ops(): Iterable<Op> {
    for (const [key, value] of this.#values) yield value === undefined ? { type: 'del', key } : { type: 'put', key, value }
  }

  putBlob(entry: BlobEntry): void {
    const { sha256 } = entry.digests
    this.changedBlobs.add(sha256)
    const held = this.blob(sha256)
    if (held) this.#count(-1, -held.size)
    this.#count(1, entry.size)
    // Digests that were computed for another commit of the same bytes stay known, so that their aliases can be removed.
    const merged: BlobEntry = { size: entry.size, digests: { ...held?.digests, ...entry.digests } }
    const isPrivate = entry.private && (held?.private ?? true)
    this.#values.set(blobKey(sha256), JSON.stringify(isPrivate ? { ...merged, private: true } : merged))
    for (const alias of aliases(merged)) this.#values.set(aliasKey(alias), sha256)
  }

  /** `parsed` are the keys of what was parsed from it. Bytes freed. */
  deleteBlob(sha256: Sha256, parsed: readonly string[]): number {
    const held = this.blob(sha256)
    this.changedBlobs.add(sha256)
    this.#values.set(blobKey(sha256), undefined)
    this.#values.set(lastUseKey(sha256), undefined)
    for (const key of parsed) this.#values.set(key, undefined)
    if (!held) return 0
    this.#count(-1, -held.size)
    for (const alias of aliases(held)) {
      // Two blobs may share a weak digest; only the alias that points here goes.
      if (this.#get(aliasKey(alias)) === sha256) this.#values.set(aliasKey(alias), undefined)
    }
    return held.size
  }

  putRecord(key: string, record: NameRecord): void {
    if (record.link && saysLess(record, decodeRecord(this.#get(recordKey(key))))) return
    const old = this.#detach(key)
    if (!old) this.usage.records++
    const news = newsOf(key, record, old)
    if (news) this.news.set(key, news)
    this.#superseded.delete(record.blob)
    this.#values.set(useKey(record.blob, key), '')
    this.#values.set(recordKey(key), JSON.stringify(record))
    if (!record.private && !record.link) this.#publish(record.blob)
  }

  deleteRecord(key: string): void {
    if (this.#detach(key)) this.usage.records--
    this.#values.set(recordKey(key), undefined)
  }

  /** Nothing is kept for a blob that was superseded meanwhile: nobody would ever remove it. */
  putParsed(parser: string, sha256: Sha256, json: string): void {
    if (this.blob(sha256)) this.#values.set(parsedKey(parser, sha256), json)
  }

  /** `hour` is one since the epoch. Nothing is kept for a blob that is gone. */
  putLastUse(sha256: Sha256, hour: number): void {
    if (this.#get(blobKey(sha256)) !== undefined) this.#values.set(lastUseKey(sha256), String(hour))
  }

  putProgress(json: string): void {
    this.#values.set(PROGRESS_KEY, json)
  }

  blob(sha256: Sha256): BlobEntry | undefined {
    return decodeBlob(sha256, this.#get(blobKey(sha256)))
  }

  #publish(sha256: Sha256): void {
    const { private: wasPrivate, ...entry } = this.blob(sha256) ?? {}
    if (wasPrivate) this.#values.set(blobKey(sha256), JSON.stringify(entry))
  }

  #detach(key: string): NameRecord | undefined {
    this.changed.add(key)
    const old = decodeRecord(this.#get(recordKey(key)))
    if (!old) return undefined
    this.#superseded.add(old.blob)
    this.#values.set(useKey(old.blob, key), undefined)
    return old
  }

  #count(blobs: number, bytes: number): void {
    this.usage.blobs = Math.max(0, this.usage.blobs + blobs)
    this.usage.bytes = Math.max(0, this.usage.bytes + bytes)
  }

  #get(key: string): string | undefined {
    return this.#values.has(key) ? this.#values.get(key) : this.#read(key)
  }
}
