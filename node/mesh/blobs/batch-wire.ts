import { DIGEST_BYTES, type Digest, formatDigest, parseDigest } from '../../digest.ts'
import type { SpareBuffers } from '../../spare-buffers.ts'

/** Where small blobs are asked for, many at a time. */
export const BATCH_PATH = '/batches/v1/'

/** Blobs that one question names. */
export const BATCH_WISHES = 32
/** Bytes of the largest blob that comes together with others, and of all that one answer carries. */
export const BATCH_BLOB_BYTES = 256 << 10
export const BATCH_BYTES = 2 << 20
/** Answers that a member owes another at a time, and bytes of all that it owes: they are in memory until they have gone out. */
export const BATCHES_OWED = 4
export const BATCHES_OWED_BYTES = 64 << 20

/** What comes in place of a blob: the member does not hold it, or it has to be asked for by itself. */
export type Refused = 'lacking' | 'alone'

/** A length that stands for a refusal; no blob comes near to it. */
const CODES: Readonly<Record<Refused, number>> = { lacking: 0xffff_ffff, alone: 0xffff_fffe }
/** Bytes of a length, most significant first. */
const LENGTH_BYTES = 4
/** Bytes of the longest answer and question: the longest names are those by sha512. */
const ANSWER_BYTES = BATCH_BYTES + BATCH_WISHES * LENGTH_BYTES
export const WISHES_BYTES = BATCH_WISHES * 'sha512:\n'.length + BATCH_WISHES * 2 * DIGEST_BYTES.sha512

/** A question: a digest a line. */
export function encodeWishes(digests: readonly Digest[]): Buffer {
  return Buffer.from(digests.map(formatDigest).join('\n'), 'latin1')
}

/** Undefined for what is no question. */
export function decodeWishes(body: Buffer): Digest[] | undefined {
  const lines = body.toString('latin1').split('\n', BATCH_WISHES + 1)
  const digests = lines.flatMap((line) => parseDigest(line) ?? [])
  return digests.length === lines.length && lines.length <= BATCH_WISHES ? digests : undefined
}

/**
 * Bytes of the first buffer of an answer; one that does not suffice is replaced by one of at least twice as many. The fewer sizes there are,
 * the more often one is used again.
 */
const FIRST_BYTES = BATCH_BYTES / 8

/** Where answers are put together. */
export type BatchMemory = Pick<SpareBuffers, 'take' | 'give'>

/** Puts an answer together: for each wish, in their order, a length and so many bytes, or a refusal. */
export class BatchWriter {
  readonly #memory: BatchMemory
  #bytes: Buffer
  #length = 0
  #carried = 0

  constructor(memory: BatchMemory) {
    this.#memory = memory
    this.#bytes = memory.take(FIRST_BYTES)
  }

  /** Bytes of all blobs. */
  get carried(): number {
    return this.#carried
  }

  /** Whether a blob of so many bytes may come together with what is there. */
  fits(size: number): boolean {
    return size <= BATCH_BLOB_BYTES && this.#length + size <= BATCH_BYTES
  }

  /** Room for a blob of so many bytes; all of it has to be filled. */
  room(size: number): Buffer {
    const start = this.#lengthed(size, size)
    this.#carried += size
    return this.#bytes.subarray(start, start + size)
  }

  refuse(why: Refused): void {
    this.#lengthed(CODES[why], 0)
  }

  /** Takes back the last blob, of so many bytes. */
  takeBack(size: number): void {
    this.#length -= LENGTH_BYTES + size
    this.#carried -= size
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Bytes of memory that the answer takes. */
  get held(): number {
    return this.#bytes.length
  }

  /** Gives its memory back, once: nobody may read or write it any more. */
  free(): void {
    this.#memory.give(this.#bytes)
  }

  /** Offset of what follows. */
  #lengthed(told: number, more: number): number {
    const start = this.#length + LENGTH_BYTES
    const needed = start + more
    if (needed > this.#bytes.length) {
      let size = this.#bytes.length
      while (size < needed) size *= 2
      const grown = this.#memory.take(Math.max(needed, Math.min(size, ANSWER_BYTES)))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#memory.give(this.#bytes)
      this.#bytes = grown
    }
    this.#bytes.writeUInt32BE(told, this.#length)
    this.#length = needed
    return start
  }
}

/** Takes an answer apart while it comes. */
export class BatchReader {
  readonly #given: (blob: Buffer | Refused) => void
  #told = 0
  #lengthBytes = 0
  /** Bytes of all blobs, those that have begun included. */
  #carried = 0
  /** What is here of a blob of which a chunk did not have all. */
  #blob: Buffer | undefined
  #filled = 0

  /** `given` hears of each blob once all of it is there; most are views of a chunk that has others as well. */
  constructor(given: (blob: Buffer | Refused) => void) {
    this.#given = given
  }

  /** Whether nothing is missing of what has begun. */
  get atBoundary(): boolean {
    return this.#lengthBytes === 0
  }

  /** Throws Error for a blob that is larger than any that comes like this, or for more of them than one answer has. */
  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#lengthBytes < LENGTH_BYTES) {
        this.#told = this.#told * 256 + (chunk[at++] ?? 0)
        if (++this.#lengthBytes === LENGTH_BYTES) this.#begin()
      } else at += this.#fill(chunk, at)
    }
  }

  #begin(): void {
    if (this.#told === CODES.lacking) this.#give('lacking')
    else if (this.#told === CODES.alone) this.#give('alone')
    else this.#expect()
  }

  #expect(): void {
    this.#carried += this.#told
    if (this.#told > BATCH_BLOB_BYTES) throw new Error(`it sends a blob of ${this.#told} bytes together with others`)
    if (this.#carried > BATCH_BYTES) throw new Error(`it sends more than ${BATCH_BYTES} bytes at a time`)
    if (this.#told === 0) this.#give(Buffer.alloc(0))
  }

  /** Bytes that it took. */
  #fill(chunk: Buffer, at: number): number {
    const missing = this.#told - this.#filled
    const part = chunk.subarray(at, at + missing)
    if (part.length === this.#told) {
      this.#give(part)
      return part.length
    }
    this.#blob ??= Buffer.allocUnsafe(this.#told)
    this.#blob.set(part, this.#filled)
    this.#filled += part.length
    if (this.#filled === this.#told) this.#give(this.#blob)
    return part.length
  }

  #give(blob: Buffer | Refused): void {
    this.#blob = undefined
    this.#filled = 0
    this.#told = 0
    this.#lengthBytes = 0
    this.#given(blob)
  }
}
