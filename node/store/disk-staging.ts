import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scratch } from '../body.ts'
import type { ByteAlgorithm, Digests } from '../digest.ts'
import { reasonOf, WarrenError } from '../errors.ts'
import { SLAB_BYTES, SMALL_FILE_BYTES } from './constants.ts'
import { type Hasher, hashNow } from './hasher.ts'
import { type Identity, OpenFile } from './open-file.ts'
import { SlabStream } from './slabs.ts'
import type { NameRecord, StageInit, Staging } from './store.ts'

/** A blob on its way to its place: a synced file, or the bytes of a small one. */
export interface Staged {
  readonly size: number
  readonly digests: Digests
  readonly content: { readonly path: string; readonly identity: Identity } | { readonly bytes: Buffer }
}

export interface DiskStagingComponents {
  readonly hasher: Hasher
  /** Brings the blob to its place and indexes it together with the records. False where all that they name was purged. */
  place(staged: Staged, records: ReadonlyMap<string, NameRecord>): Promise<boolean>
  /** Whether the disk may take so many bytes more. */
  mayGrow(bytes: number): boolean
  /** Hears the errno name of what the disk refused. */
  refused(code: string): void
  trouble(what: string): void
  closed(staging: DiskStaging): void
}

/**
 * A blob on its way into a folder. Up to one slab it stays in memory, is hashed in one go and written at commit; what grows
 * beyond goes through a hash worker into a temporary file.
 */
export class DiskStaging implements Staging {
  readonly #components: DiskStagingComponents
  readonly #folder: string
  /** Where the bytes are on their way, where they need a file for that. */
  #made: string | undefined
  readonly #algorithms: readonly ByteAlgorithm[]
  readonly #mayStore: boolean
  /** The bytes as long as they fit into one slab; a stream afterwards. */
  #content: Head | SlabStream
  #file: OpenFile | undefined
  #sealing: Promise<Digests> | undefined
  #committing: Promise<boolean> | undefined
  #closing: Promise<void> | undefined
  #committed = false
  written = 0

  constructor(components: DiskStagingComponents, init: StageInit & { folder: string; storing: boolean }) {
    this.#components = components
    this.#folder = init.folder
    this.#algorithms = init.algorithms
    this.#mayStore = init.storing
    const { bytes, size } = init
    if (bytes && bytes.length <= SLAB_BYTES) {
      this.#content = new Head(bytes, bytes.length)
      this.written = bytes.length
      return
    }
    const isLarge = size !== undefined && size > SLAB_BYTES
    this.#content = isLarge ? this.#stream() : Head.of(size)
    if (bytes) this.write(bytes)
  }

  get storing(): boolean {
    return this.#content instanceof SlabStream ? this.#content.storing : this.#mayStore
  }

  /** Bytes that take room on the disk, or will, and are not in the index yet. */
  get pending(): number {
    return this.storing && !this.#committed ? this.written : 0
  }

  write(chunk: Buffer): boolean {
    if (this.#closing) throw new WarrenError('DRAINING', 'the transfer was given up')
    if (this.#sealing) throw new WarrenError('INTERNAL', 'bytes came after the digest was taken')
    if (this.#content instanceof Head && this.written + chunk.length > SLAB_BYTES) {
      const stream = this.#stream()
      stream.write(this.#content.bytes)
      this.#content = stream
    }
    const flowing = this.#content.write(chunk)
    this.written += chunk.length
    return flowing
  }

  drained(): Promise<void> {
    return this.#content instanceof SlabStream ? this.#content.drained() : Promise.resolve()
  }

  read(position: number, max: number, scratch: Scratch): Buffer | undefined | Promise<Buffer | undefined> {
    if (this.#closing) return undefined
    if (this.#content instanceof Head) return this.#content.bytes.subarray(position, position + max)
    const { flushed } = this.#content
    const inMemory = this.#content.copy(position, scratch(max))
    if (inMemory || position >= flushed) return inMemory
    try {
      return this.#open().read(position, Math.min(max, flushed - position), scratch)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  release(position: number): void {
    if (this.#content instanceof SlabStream) this.#content.release(position)
  }

  seal(): Promise<Digests> {
    if (this.#closing && !this.#sealing) return Promise.reject(new WarrenError('DRAINING', 'the transfer was given up'))
    this.#sealing ??=
      this.#content instanceof SlabStream
        ? this.#content.seal()
        : Promise.resolve(hashNow(this.#content.bytes, this.#algorithms))
    return this.#sealing
  }

  commit(records: ReadonlyMap<string, NameRecord>): Promise<boolean> {
    this.#committing ??= this.#closing ? Promise.resolve(false) : this.#commit(records)
    return this.#committing
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #commit(records: ReadonlyMap<string, NameRecord>): Promise<boolean> {
    try {
      const digests = await this.seal()
      if (!this.storing) return false
      const content = this.#content instanceof Head ? await this.#settled(this.#content) : await this.#sync(this.#content)
      if (!content) return false
      this.#committed = await this.#components.place({ size: this.written, digests, content }, records)
      return this.#committed
    } catch (error) {
      // Otherwise that was told when storing ended.
      if (this.storing) this.#components.trouble(`a blob could not be stored: ${reasonOf(error)}`)
      if (error instanceof Error && 'code' in error) this.#components.refused(String(error.code))
      return false
    }
  }

  /** What is small goes to the disk together with others, when its turn comes. */
  async #settled({ bytes }: Head): Promise<Staged['content'] | undefined> {
    if (!this.#components.mayGrow(bytes.length)) return undefined
    if (bytes.length <= SMALL_FILE_BYTES) return { bytes }
    const file = await open(this.#path, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.datasync()
      return { path: this.#path, identity: await file.stat() }
    } finally {
      await file.close()
    }
  }

  async #sync(stream: SlabStream): Promise<Staged['content']> {
    await stream.sync()
    // Before the file moves: readers that come later find it by its descriptor. Nobody writes to it any more.
    return { path: this.#path, identity: this.#open().now }
  }

  async #close(): Promise<void> {
    try {
      // A commit under way comes to its end: half of it cannot be taken back.
      await this.#committing
      if (this.#content instanceof SlabStream) await this.#content.drop()
      this.#file?.close()
      if (this.#made !== undefined && !this.#committed) await rm(this.#made, { force: true })
    } catch (error) {
      this.#components.trouble(`${this.#made ?? 'a blob on its way'} could not be removed: ${reasonOf(error)}`)
    } finally {
      this.#components.closed(this)
    }
  }

  get #path(): string {
    this.#made ??= join(this.#folder, randomUUID())
    return this.#made
  }

  #open(): OpenFile {
    this.#file ??= OpenFile.open(this.#path)
    return this.#file
  }

  #stream(): SlabStream {
    const { hasher, mayGrow, refused, trouble } = this.#components
    return new SlabStream(
      { hasher },
      {
        path: this.#mayStore ? this.#path : undefined,
        algorithms: this.#algorithms,
        mayGrow,
        onUnstored: (code) => {
          refused(code)
          trouble(`a blob passes through without being stored: ${code}`)
        },
      },
    )
  }
}

/** Up to one slab of bytes in a buffer that grows. */
class Head {
  #buffer: Buffer
  #length: number

  /** @param length bytes of `buffer` that are there already, which are never written to */
  constructor(buffer: Buffer, length: number) {
    this.#buffer = buffer
    this.#length = length
  }

  static of(size = SMALL_FILE_BYTES): Head {
    return new Head(Buffer.allocUnsafeSlow(Math.min(size, SLAB_BYTES)), 0)
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  write(chunk: Buffer): boolean {
    const length = this.#length + chunk.length
    if (length > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(SLAB_BYTES, Math.max(length, this.#buffer.length * 2)))
      this.#buffer.copy(grown, 0, 0, this.#length)
      this.#buffer = grown
    }
    this.#buffer.set(chunk, this.#length)
    this.#length = length
    return true
  }
}
