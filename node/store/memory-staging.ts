import type { Scratch } from '../body.ts'
import type { ByteAlgorithm, Digests } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import { SLAB_BYTES, UNSTORED_WINDOW } from './constants.ts'
import { hashNow } from './hasher.ts'
import type { NameRecord, Staging } from './store.ts'

/** False where nothing was kept. */
type Commit = (bytes: Buffer, digests: Digests, records: ReadonlyMap<string, NameRecord>) => boolean

/** A blob on its way into memory. Not storing, it holds as few bytes as one that has no disk. */
export class MemoryStaging implements Staging {
  readonly #algorithms: readonly ByteAlgorithm[]
  readonly #commitTo: Commit
  #chunks: Buffer[] = []
  #released = 0
  #waiting: (() => void)[] = []
  #sealed: Digests | undefined
  #committing: Promise<boolean> | undefined
  #closed = false
  written = 0
  readonly storing: boolean

  constructor(components: { commit: Commit }, init: { algorithms: readonly ByteAlgorithm[]; storing: boolean }) {
    this.#commitTo = components.commit
    this.#algorithms = init.algorithms
    this.storing = init.storing
  }

  write(chunk: Buffer): boolean {
    if (this.#closed) throw closed()
    if (this.#sealed) throw new WarrenError('INTERNAL', 'bytes came after the digest was taken')
    this.#chunks.push(Buffer.from(chunk))
    this.written += chunk.length
    return !this.#full
  }

  drained(): Promise<void> {
    return this.#full ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve()
  }

  read(position: number, max: number, _scratch: Scratch): Buffer | undefined {
    if (this.#closed || (!this.storing && position < this.#released)) return undefined
    return this.#bytes().subarray(position, position + max)
  }

  release(position: number): void {
    // Whole slabs only, as the disk store does.
    this.#released = Math.max(this.#released, Math.floor(position / SLAB_BYTES) * SLAB_BYTES)
    this.#wake()
  }

  async seal(): Promise<Digests> {
    if (this.#closed) throw closed()
    this.#sealed ??= hashNow(this.#bytes(), this.#algorithms)
    return this.#sealed
  }

  commit(records: ReadonlyMap<string, NameRecord>): Promise<boolean> {
    this.#committing ??= this.#commit(records)
    return this.#committing
  }

  async close(): Promise<void> {
    await this.#committing
    this.#closed = true
    this.#chunks = []
    this.#wake()
  }

  async #commit(records: ReadonlyMap<string, NameRecord>): Promise<boolean> {
    if (!this.storing || this.#closed) return false
    const digests = await this.seal()
    return this.#commitTo(this.#bytes(), digests, records)
  }

  get #full(): boolean {
    return !this.#closed && !this.storing && this.written - this.#released >= UNSTORED_WINDOW * SLAB_BYTES
  }

  #wake(): void {
    if (this.#full) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #bytes(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }
}

function closed(): WarrenError {
  return new WarrenError('DRAINING', 'the transfer was given up')
}
