import { lstatSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { bufferBody, type Scratch } from '../body.ts'
import type { Sha256 } from '../digest.ts'
import { reasonOf } from '../errors.ts'
import { HOT_OVERHEAD_BYTES, SMALL_FILE_BYTES, VERIFIED_ENTRIES } from './constants.ts'
import type { LostBlob } from './custody.ts'
import { isFull } from './free-space.ts'
import { Frequency } from './frequency.ts'
import { type Hasher, hashNow } from './hasher.ts'
import type { IndexDb } from './index-db.ts'
import type { LastUse } from './last-use.ts'
import { type Identity, isSame, OpenFile } from './open-file.ts'
import { renew } from './renew.ts'
import { codeOf } from './small-files.ts'
import type { StoredBlob } from './store.ts'

export interface DiskBlobsComponents {
  readonly index: IndexDb
  readonly hasher: Hasher
  readonly lastUse: LastUse
  /** Runs `task` while nothing else changes index or files. */
  alone<T>(task: () => Promise<T>): Promise<T>
  trouble(what: string): void
  /** A blob was not what it should be, and is taken out. */
  lost(blob: LostBlob): void
}

const EMPTY = Buffer.alloc(0)

/** Errors that condemn the file; all others (no descriptors left, no permission, a disk that is away) say nothing of its bytes. */
const FILE_ERRORS = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EIO', 'ENXIO'])

/** The stored files, by sha256, sharded by their first two hex digits. */
export class DiskBlobs {
  readonly #components: DiskBlobsComponents
  readonly #folder: string
  readonly #hot: LRUCache<Sha256, StoredBlob>
  readonly #frequency = new Frequency()
  readonly #seen = new LRUCache<Sha256, Identity>({ max: VERIFIED_ENTRIES })
  readonly #verifying = new Map<string, Promise<Sha256>>()

  constructor(components: DiskBlobsComponents, init: { folder: string; hotBytes: number }) {
    this.#components = components
    this.#folder = init.folder
    this.#hot = new LRUCache({
      maxSize: Math.max(1, init.hotBytes),
      sizeCalculation: (blob) => blob.size + HOT_OVERHEAD_BYTES,
    })
  }

  get hotBytes(): number {
    return this.#hot.calculatedSize
  }

  path(sha256: Sha256): string {
    return join(this.#folder, sha256.slice(0, 2), sha256)
  }

  open(sha256: Sha256): StoredBlob | undefined | Promise<StoredBlob | undefined> {
    this.#frequency.use(sha256)
    this.#components.lastUse.use(sha256)
    const hot = this.#hot.get(sha256)
    if (hot) return hot
    const size = this.#components.index.sizeOf(sha256)
    if (size === undefined) return undefined
    let file: OpenFile | undefined
    try {
      file = OpenFile.open(this.path(sha256))
      if (file.size !== size) return this.#bad(sha256, file, `it has ${file.size} bytes instead of ${size}`)
      if (file.size <= SMALL_FILE_BYTES) return this.#openSmall(sha256, file)
      const blob = new FileBlob(sha256, file)
      const isSeen = isSame(file, this.#seen.get(sha256))
      file = undefined
      return isSeen ? blob : this.#verified(blob)
    } catch (error) {
      return this.#unreadable(sha256, file, error)
    } finally {
      file?.close()
    }
  }

  /** Takes a blob out of index and folder. Runs inside the queue. Bytes freed. */
  async remove(sha256: Sha256, sync: boolean): Promise<number> {
    const freed = await this.#components.index.delete([sha256], sync)
    await this.#drop(sha256)
    return freed
  }

  /**
   * Takes many blobs and what is said of them in `records` out of index and folder. Runs inside the queue. Bytes freed. A full disk
   * refuses what the index writes, but lets files go: then they go first, and the index follows once there is room. A crash in between
   * leaves entries without a file, which are taken out when somebody asks for them.
   */
  async removeAll(blobs: readonly Sha256[], records: readonly string[]): Promise<number> {
    const { index, trouble } = this.#components
    try {
      return await index.delete(blobs, true, records)
    } catch (error) {
      if (!isFull(error)) throw error
      for (const sha256 of blobs) await this.#drop(sha256)
      return await index.delete(blobs, true, records)
    } finally {
      for (const sha256 of blobs) {
        if (index.holds(sha256)) continue
        await this.#drop(sha256).catch((error: unknown) => trouble(`the file of ${sha256} stays behind: ${reasonOf(error)}`))
      }
    }
  }

  /** Puts an empty folder in the place of all files. Those that are open can still be read. Runs inside the queue, after the index. */
  async moveAway(to: string): Promise<void> {
    this.#hot.clear()
    this.#seen.clear()
    await renew(this.#folder, to)
  }

  /** Removes a file that came to its place and was not indexed. Runs inside the queue. */
  async removeUnheld(sha256: Sha256): Promise<void> {
    if (!this.#components.index.holds(sha256)) await this.#drop(sha256)
  }

  /** After the index: what reads a small file does not wait in between, so nothing can bring it back. */
  async #drop(sha256: Sha256): Promise<void> {
    this.#hot.delete(sha256)
    this.#seen.delete(sha256)
    await rm(this.path(sha256), { recursive: true, force: true })
  }

  /** Hashes a file again, `rate` bytes a second; one that is not right is taken out. Never rejects. */
  async check(sha256: Sha256, rate: number, signal: AbortSignal): Promise<void> {
    const size = this.#components.index.sizeOf(sha256)
    if (size === undefined) return
    try {
      const { sha256: found, ...file } = await this.#components.hasher.check({ path: this.path(sha256), rate })
      if (found === sha256) this.markSeen(sha256, file)
      else await this.#bad(sha256, file, 'its bytes do not match its digest')
    } catch (error) {
      if (!signal.aborted) await this.#unreadable(sha256, undefined, error)
    }
  }

  /** Bytes that were hashed on their way in need no second hash. */
  markSeen(sha256: Sha256, { size, mtimeMs, ino }: Identity): void {
    this.#seen.set(sha256, { size, mtimeMs, ino })
  }

  #openSmall(sha256: Sha256, file: OpenFile): StoredBlob | Promise<undefined> {
    const bytes = file.readNow()
    if (!isSame(file, this.#seen.get(sha256)) || bytes.length !== file.size) {
      if (hashNow(bytes, []).sha256 !== sha256) return this.#bad(sha256, file, 'its bytes do not match its digest')
      this.markSeen(sha256, file)
    }
    const blob: StoredBlob = { ...bufferBody(bytes), sha256, size: bytes.length }
    if (this.#isWorthMemory(blob)) this.#hot.set(sha256, blob)
    return blob
  }

  /** What everybody asks for must not make room for a flood of artifacts that are asked for once. */
  #isWorthMemory({ sha256, size }: StoredBlob): boolean {
    if (this.#hot.calculatedSize + size + HOT_OVERHEAD_BYTES <= this.#hot.maxSize) return true
    const [leastRecent] = this.#hot.rkeys()
    // By one use more nothing is gained: among equals that would be a change at every other read.
    return leastRecent === undefined || this.#frequency.of(sha256) > this.#frequency.of(leastRecent) + 1
  }

  /** Nothing of a blob goes out before its hash was seen to be right since start (a disk may rot, job code may write). */
  async #verified(blob: FileBlob): Promise<StoredBlob | undefined> {
    const { sha256, file } = blob
    try {
      const found = await this.#hash(sha256, file)
      if (found === sha256 && file.unchanged) {
        this.markSeen(sha256, file)
        return blob
      }
      blob.close()
      return await this.#bad(sha256, file, 'its bytes do not match its digest')
    } catch (error) {
      blob.close()
      return this.#unreadable(sha256, file, error)
    }
  }

  /** Many may ask for one file at once; it is hashed once. */
  #hash(sha256: Sha256, file: OpenFile): Promise<Sha256> {
    const key = `${sha256} ${file.ino} ${file.mtimeMs}`
    let hashing = this.#verifying.get(key)
    if (!hashing) {
      // By its descriptor: the path may lead to another file by the time that it is read.
      hashing = this.#components.hasher.verify(file).then((digests) => digests.sha256)
      this.#verifying.set(key, hashing)
      const done = () => this.#verifying.delete(key)
      hashing.then(done, done)
    }
    return hashing
  }

  async #unreadable(sha256: Sha256, file: Identity | undefined, error: unknown): Promise<undefined> {
    if (FILE_ERRORS.has(codeOf(error))) return this.#bad(sha256, file, reasonOf(error))
    this.#components.trouble(`blob ${sha256} cannot be read now: ${reasonOf(error)}`)
    return undefined
  }

  /** Takes a blob out of the store, unless a good copy has taken the place of the bad `file` meanwhile. */
  async #bad(sha256: Sha256, file: Identity | undefined, why: string): Promise<undefined> {
    const bad = file && { size: file.size, mtimeMs: file.mtimeMs, ino: file.ino }
    await this.#components
      .alone(async () => {
        const now = lstatSync(this.path(sha256), { throwIfNoEntry: false })
        if (bad && now ? !isSame(bad, now) : now?.isFile() && isSame(now, this.#seen.get(sha256))) return
        const entry = this.#components.index.blob(sha256)
        // It was evicted or deleted meanwhile.
        if (!entry) return
        this.#components.trouble(`blob ${sha256} is not usable and is taken out of the store: ${why}`)
        await this.remove(sha256, false)
        this.#components.lost({ sha256, entry })
      })
      .catch((error: unknown) => {
        this.#components.trouble(`blob ${sha256} is not usable (${why}) and cannot be taken out: ${reasonOf(error)}`)
      })
    return undefined
  }
}

/** A blob that stays in its file. */
class FileBlob implements StoredBlob {
  readonly sha256: Sha256
  readonly size: number
  readonly file: OpenFile

  constructor(sha256: Sha256, file: OpenFile) {
    this.sha256 = sha256
    this.size = file.size
    this.file = file
  }

  read(position: number, max: number, scratch: Scratch): Buffer | Promise<Buffer> {
    const length = Math.min(max, this.size - position)
    if (length <= 0) return EMPTY
    const reading = this.file.read(position, length, scratch)
    return position + length < this.size ? reading : this.#last(reading)
  }

  /** What somebody wrote to while it was on its way must not end as if it were whole. */
  async #last(reading: Promise<Buffer>): Promise<Buffer> {
    const bytes = await reading
    if (this.file.unchanged) return bytes
    throw new Error(`blob ${this.sha256} was changed while it was read`)
  }

  close(): void {
    this.file.close()
  }
}
