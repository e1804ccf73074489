import type { Body, Scratch } from '../body.ts'
import { WarrenError } from '../errors.ts'
import type { Staging } from '../store/store.ts'
import { firstDifference } from './compare.ts'
import { HOLD_BACK_BYTES, SHARING_READERS } from './constants.ts'

const EMPTY = Buffer.alloc(0)

/**
 * A blob that is being fetched and read at the same time. Readers see a prefix: only bytes from a trusted source, and never
 * the last ones before the digest of the whole was checked, so that a wrong body can be broken off but not completed.
 */
export class GrowingBlob {
  readonly #readers = new Set<Reader>()
  readonly #onAlone: () => void
  /** The last chunk, for readers that keep pace: they get it as it came. Older ones would outlive a young collection. */
  #newest: { readonly start: number; readonly chunk: Buffer } | undefined
  #staging: Staging | undefined
  /** Copies that were given up, kept for who compares or still reads them. */
  readonly #former: Staging[] = []
  /** What readers were given of the first copy that was given up: its bytes up to `end`, and its length. */
  #given: { readonly staging: Staging; readonly end: number; readonly size: number | undefined } | undefined
  #trustedEnd = 0
  #released = 0
  #handedOut = false
  #complete = false
  #closing = false
  #failure: { readonly reason: unknown } | undefined
  #growth: PromiseWithResolvers<void> | undefined
  /** Length that a trusted source told; undefined before. */
  size: number | undefined

  /** `onAlone` is called whenever the last reader leaves. */
  constructor(components: { onAlone(): void }) {
    this.#onAlone = components.onAlone
  }

  get written(): number {
    return this.#staging?.written ?? 0
  }

  /**
   * Length that readers are told. Not that there is nothing, before that was seen to be right: an answer without a byte is complete
   * at once, with none that could be held back.
   */
  get told(): number | undefined {
    return this.size === 0 && !this.#complete ? undefined : this.size
  }

  get readers(): number {
    return this.#readers.size
  }

  /** Whether what was written is on its way to the disk; false lets the slowest reader set the pace. */
  get storing(): boolean {
    return this.#staging?.storing ?? true
  }

  /** Whether a reader that comes now can still have the first byte. */
  get joinable(): boolean {
    return this.#failure === undefined && this.#released === 0 && !this.#closing
  }

  /** Whether readers may see some byte: what comes from now on must fit to it. */
  get shown(): boolean {
    return this.#visible > 0
  }

  /** Bytes that readers may see. */
  get visible(): number {
    return Math.max(0, this.#visible)
  }

  /** Whether every byte so far came from a trusted source, and may go out. */
  get trusted(): boolean {
    return !this.#given && this.#trustedEnd === this.written
  }

  /** Whether all bytes are there and were seen to be right. */
  get complete(): boolean {
    return this.#complete
  }

  /** Whether a reader got a byte: then there is no starting over. */
  get handedOut(): boolean {
    return this.#handedOut
  }

  /** Whether what readers got is of a copy that was given up, so that a right one will tell whether it was right. */
  get inDoubt(): boolean {
    return this.#given !== undefined
  }

  /** Whether what readers got may be wrong, and no right copy is there yet that would tell. */
  get wrong(): boolean {
    return this.#given !== undefined && !this.#complete
  }

  /** What the bytes go to. */
  get staging(): Staging {
    if (!this.#staging) throw new Error('nothing has begun to arrive')
    return this.#staging
  }

  /**
   * Starts, or starts over with other bytes. Throws UPSTREAM_CUT when a reader was given some of the old ones, unless these were
   * given up.
   */
  async begin(staging: Staging): Promise<void> {
    const old = this.#staging
    if (this.#handedOut && !this.#given) {
      await staging.close()
      throw new WarrenError('UPSTREAM_CUT', 'other bytes of this went out already')
    }
    this.#staging = staging
    this.#newest = undefined
    this.#trustedEnd = 0
    this.size = this.told
    await old?.close()
  }

  /**
   * Gives this copy up, for another one to begin; it stays readable until the blob is closed. Readers get no more bytes until
   * `finish`, before which `agrees` has to tell that what they have fits.
   */
  giveUp(): Staging {
    const { staging, told: size } = this
    if (this.#handedOut || size !== undefined) this.#given ??= { staging, end: this.#handedOut ? this.#visible : 0, size }
    this.size = undefined
    this.#former.push(staging)
    this.#staging = undefined
    this.#newest = undefined
    this.#trustedEnd = 0
    return staging
  }

  /** This copy is wrong: nobody gets more of it, however long it takes until another one begins. */
  spoil(): void {
    this.#newest = undefined
    this.#trustedEnd = 0
  }

  /** Whether bytes and length that readers got of a copy that was given up are those of this one. */
  async agrees(): Promise<boolean> {
    if (!this.#given) return true
    const { staging, end, size } = this.#given
    if (size !== undefined && size !== this.written) return false
    return (await firstDifference(staging, this.staging, 0, end)) === undefined
  }

  /** Adds bytes; a promise means that the source has to wait. Untrusted bytes stay unseen until `finish`. */
  append(chunk: Buffer, trusted: boolean): Promise<void> | undefined {
    const staging = this.staging
    const start = staging.written
    const flowing = staging.write(chunk)
    if (trusted && !this.#given && this.#trustedEnd === start) {
      this.#trustedEnd = start + chunk.length
      this.#newest = { start, chunk }
      this.#grow()
    }
    if (flowing) return undefined
    this.#release()
    return staging.drained()
  }

  /** The digest was right: everything may go out. */
  finish(): void {
    this.#complete = true
    this.size = this.written
    this.#grow()
  }

  fail(reason: unknown): void {
    if (this.#complete || this.#failure) return
    this.#failure = { reason }
    this.#grow()
  }

  attach(): Body {
    const reader = new Reader(this)
    this.#readers.add(reader)
    return reader
  }

  /** Frees the staging, as soon as the last reader has left. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#readers.size === 0) await this.#free()
  }

  /** Resolves once some byte may go out, or there is none; rejects where that will never be. */
  async begun(): Promise<void> {
    while (!this.#complete && !this.shown) {
      if (this.#failure) throw this.#failure.reason
      await this.#grown()
    }
  }

  /** Resolves when readers may see more than now: false when they never will. */
  async growing(): Promise<boolean> {
    if (this.#complete || this.#failure) return false
    await this.#grown()
    return this.#failure === undefined
  }

  read(reader: Reader, position: number, max: number, scratch: Scratch): Buffer | Promise<Buffer> {
    if (this.#failure) return Promise.reject(this.#failure.reason)
    const visible = this.#visible
    if (position >= visible) return this.#complete ? EMPTY : this.#afterGrowth(reader, position, max, scratch)
    // Before the bytes are there: a reading from the disk that has begun cannot be taken back.
    this.#handedOut = true
    const length = Math.min(max, visible - position)
    if (this.#newest && this.#readers.size <= SHARING_READERS) {
      const { start, chunk } = this.#newest
      if (position >= start && position < start + chunk.length)
        return chunk.subarray(position - start, position - start + length)
    }
    const staging = this.#complete || !this.#given ? this.staging : this.#given.staging
    const bytes = staging.read(position, length, scratch)
    if (bytes instanceof Promise) return bytes.then((some) => (some?.length ? some : lost()))
    return bytes?.length ? bytes : lost()
  }

  moved(): void {
    this.#release()
  }

  leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return
    this.#release()
    if (this.#readers.size > 0) return
    if (this.#closing) void this.#free()
    else this.#onAlone()
  }

  get #visible(): number {
    if (this.#complete) return this.written
    if (this.#given) return this.#given.end
    return Math.min(this.#trustedEnd, (this.size ?? this.#trustedEnd) - HOLD_BACK_BYTES)
  }

  async #afterGrowth(reader: Reader, position: number, max: number, scratch: Scratch): Promise<Buffer> {
    await this.#grown()
    return reader.read(position, max, scratch)
  }

  /** Resolves when there is more, or will not be. */
  #grown(): Promise<void> {
    this.#growth ??= Promise.withResolvers()
    return this.#growth.promise
  }

  #grow(): void {
    this.#growth?.resolve()
    this.#growth = undefined
  }

  /** Without a disk the slowest reader sets the pace: what all have passed is let go. */
  #release(): void {
    if (!this.#staging || this.#staging.storing) return
    let lowest = this.#readers.size > 0 ? Number.POSITIVE_INFINITY : this.#trustedEnd
    for (const reader of this.#readers) lowest = Math.min(lowest, reader.position)
    if (lowest > this.#released) this.#released = lowest
    this.#staging.release(this.#released)
  }

  async #free(): Promise<void> {
    this.#newest = undefined
    for (const staging of this.#former) await staging.close()
    await this.#staging?.close()
  }
}

class Reader implements Body {
  readonly #blob: GrowingBlob
  #closed = false
  /** Everything below this offset is of no more interest to this reader. */
  position = 0

  constructor(blob: GrowingBlob) {
    this.#blob = blob
  }

  get size(): number | undefined {
    return this.#blob.told
  }

  read(position: number, max: number, scratch: Scratch): Buffer | Promise<Buffer> {
    if (this.#closed) return Promise.reject(new Error('read of a closed body'))
    if (position > this.position) {
      this.position = position
      this.#blob.moved()
    }
    return this.#blob.read(this, position, max, scratch)
  }

  close(): void {
    this.#closed = true
    this.#blob.leave(this)
  }
}

function lost(): Promise<never> {
  return Promise.reject(
    new WarrenError('UPSTREAM_CUT', 'these bytes passed through while the disk took nothing more; ask again'),
  )
}
