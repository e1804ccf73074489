import type { Body, Scratch } from '../body.ts'
import type { ByteAlgorithm, Digest, Digests, Sha256 } from '../digest.ts'
import type { Purged } from './purged.ts'

/** «This key is that blob, with these headers»: what the node knows of a name. */
export interface NameRecord {
  readonly v: 1
  readonly blob: Sha256
  /** Bytes. */
  readonly size: number
  /** Headers that go to clients with the blob; lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Upstream's own validators, exactly as it sent them. */
  readonly etag?: string
  readonly lastModified?: string
  /** When the bytes came, in ms since the epoch. */
  readonly fetchedAt: number
  /** When a source last confirmed the record, in ms since the epoch. */
  readonly checkedAt: number
  /** How long it is fresh after `checkedAt`, in ms; null for ever (immutable). */
  readonly freshFor: number | null
  /** The digests that upstream promised and that were checked before the blob was kept, as `algorithm:hex`. */
  readonly verified: readonly string[]
  /** A held document names it, but nobody asked for it by this name yet: the blob may be absent, the headers are not upstream's. */
  readonly link?: true
  /** It came with credentials, so that no other member may have it. */
  readonly private?: true
  /** The generation of purges in which its fetch began (`Purged`); 0 if not set. Of this node only. */
  readonly generation?: number
}

export interface StoredBlob extends Body {
  readonly sha256: Sha256
  readonly size: number
}

/** A blob on its way into the store; its bytes can be read back while they arrive. */
export interface Staging {
  /** Bytes written so far; all of them can be read. */
  readonly written: number
  /** False when the store takes nothing more (disk full, `minFree`): bytes then pass through memory only. */
  readonly storing: boolean
  /**
   * Takes a chunk; the caller may reuse its memory. False asks the caller to wait for `drained()` before the next one.
   * Throws DRAINING after `close`, INTERNAL after `seal` or when the bytes can no longer be hashed.
   */
  write(chunk: Buffer): boolean
  drained(): Promise<void>
  /** Same promise as `Body.read`, for positions below `written`. Undefined when the bytes are no longer held (not storing). */
  read(position: number, max: number, scratch: Scratch): Buffer | undefined | Promise<Buffer | undefined>
  /**
   * Tells that no reader will ask below `position` any more. While not storing, `drained()` waits until enough was released:
   * a caller that has no readers releases all that is `written`.
   */
  release(position: number): void
  /** After the last `write`, which may not come later: resolves with the digests of all bytes. Throws DRAINING once closed. */
  seal(): Promise<Digests>
  /**
   * Makes the sealed blob and the records that name it durable: fsync, rename, index, in that order.
   * Resolves with false when the bytes could not be kept, or all that the records name was purged; readers may still hold the staging. Never rejects. There is one
   * commit: a further call gets the answer of the first.
   */
  commit(records: ReadonlyMap<string, NameRecord>): Promise<boolean>
  /** Frees what is held for readers, and throws the bytes away unless they were committed. Idempotent, never rejects. */
  close(): Promise<void>
}

export interface StageInit {
  /** Length in bytes when the source told it. */
  readonly size?: number | undefined
  /** What is here already, where that is little: it is not copied, and nobody may change it any more. */
  readonly bytes?: Buffer | undefined
  /** What to compute beside sha256. */
  readonly algorithms: readonly ByteAlgorithm[]
}

export interface BlobStore {
  /** The stored blob that has this digest; answers for every digest that was verified or computed. */
  find(digest: Digest): Sha256 | undefined
  /**
   * Opens a blob for reading. It is hashed on first use after start and whenever size, mtime or inode changed;
   * one that fails is taken out of the store and reported as not held.
   */
  open(sha256: Sha256): StoredBlob | undefined | Promise<StoredBlob | undefined>
  /** Whether all that is known of a blob came with credentials. */
  isPrivate(sha256: Sha256): boolean
  stage(init: StageInit): Staging
  /** Bytes freed. */
  delete(sha256: Sha256): Promise<number>
}

/** Name records. A blob goes with the last record that names it; one that no record ever named stays. */
export interface RecordStore {
  get(key: string): NameRecord | undefined
  /** In the index when it resolves, on the disk a little later: a power cut may bring the former record back. */
  put(key: string, record: NameRecord): Promise<void>
  /** The same for several that belong together: all or none. */
  putAll(records: ReadonlyMap<string, NameRecord>): Promise<void>
  delete(key: string): Promise<void>
  /** Records whose key starts with `prefix`, in key order. */
  entries(prefix: string): AsyncIterable<[key: string, record: NameRecord]>
  /** The next of them behind the key `after`, `most` at a time, also of those that were purged; `last` is undefined at the end. */
  page(prefix: string, after: string, most: number): Promise<RecordPage>
  /** What a document parser found in a blob; a cache that can be recomputed. */
  parsed(parser: string, sha256: Sha256): string | undefined
  /** Keeps nothing for a blob that is not held. */
  putParsed(parser: string, sha256: Sha256, json: string): Promise<void>
  /**
   * Calls back, once it is in the index, for each record that everybody may have (no link, nothing private) and that names another blob
   * than before: not where one was only confirmed. The listener must be quick and not throw. Gives back what ends it.
   */
  watch(listener: (kept: NewRecord) => void): () => void
}

export interface RecordPage {
  readonly entries: readonly (readonly [key: string, record: NameRecord])[]
  /** Where to go on. */
  readonly last: string | undefined
}

/** What was taken out of a store. */
export interface Freed {
  readonly records: number
  readonly blobs: number
  /** Of the blobs. */
  readonly bytes: number
}

/** A record as it was kept. */
export interface NewRecord {
  readonly key: string
  readonly record: NameRecord
  /** Whether nothing that everybody may have had been kept under the key before. */
  readonly isFirst: boolean
}

export interface StoreStatus {
  readonly blobs: number
  /** Bytes of all blobs. */
  readonly bytes: number
  readonly records: number
  /** Bytes free on the file system of the store. */
  readonly free: number
  /** False while `store.minFree` or a full disk stops storing. */
  readonly storing: boolean
}

export interface Store {
  readonly blobs: BlobStore
  readonly records: RecordStore
  /** What neither of them shows nor takes: a record that is put, or committed with a blob, is then passed over. */
  readonly purged: Purged
  /**
   * Takes those out which were purged, of the records under `keys` and those that name `blob`, with all blobs that nothing else names.
   * Safe against a power cut once it resolves.
   */
  remove(keys: readonly string[], blob?: Sha256): Promise<Freed>
  status(): Promise<StoreStatus>
  close(): Promise<void>
}
