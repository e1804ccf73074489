import { WarrenError } from '../errors.ts'
import type { Staging } from './store.ts'

/** Bytes that are read from a staging at a time. */
const WINDOW_BYTES = 1 << 20
const EMPTY = Buffer.alloc(0)

/** Reads staged bytes here and there through one window of them, so that many small reads that follow each other cost few. */
export class StagedBytes {
  readonly #staging: Staging
  readonly #what: string
  #buffer: Buffer | undefined
  #start = 0
  #window: Buffer = EMPTY

  /** @param init.what they are read for, for the error when they are not held any more */
  constructor(staging: Staging, init: { what: string }) {
    this.#staging = staging
    this.#what = init.what
  }

  get size(): number {
    return this.#staging.written
  }

  /**
   * Exactly `length` bytes, at most 64 KiB, in memory that the next call takes again. Throws a plain Error for what is past the end,
   * UPSTREAM_CUT for bytes that went by without a disk.
   */
  async at(position: number, length: number): Promise<Buffer> {
    if (position < 0 || position + length > this.size) throw new Error(`it ends before byte ${position + length}`)
    if (position < this.#start || position + length > this.#start + this.#window.length) await this.#fill(position, length)
    return this.#window.subarray(position - this.#start, position - this.#start + length)
  }

  /** Pieces in memory of their own. */
  async *pieces(start: number, end: number, most = 64 << 10): AsyncGenerator<Buffer, void> {
    for (let at = start; at < end; at += most) yield Buffer.from(await this.at(at, Math.min(most, end - at)))
  }

  async #fill(position: number, length: number): Promise<void> {
    // No more than there is: most archives are small.
    this.#buffer ??= Buffer.allocUnsafe(Math.min(WINDOW_BYTES, this.size))
    const buffer = this.#buffer
    let filled = 0
    this.#start = position
    this.#window = EMPTY
    while (filled < length) {
      const place = buffer.subarray(filled)
      const bytes = await this.#staging.read(position + filled, place.length, (size) => place.subarray(0, size))
      if (!bytes?.length)
        throw new WarrenError('UPSTREAM_CUT', `the bytes passed through without a disk: their ${this.#what} cannot be had`)
      // A view of the store's own memory, where it did not read into the place.
      if (bytes.buffer !== place.buffer || bytes.byteOffset !== place.byteOffset) bytes.copy(place)
      filled += Math.min(bytes.length, place.length)
    }
    this.#window = buffer.subarray(0, filled)
  }
}
