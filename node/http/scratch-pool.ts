import { SpareBuffers } from '../spare-buffers.ts'

/** Bytes of read buffers among which large ones are handed out; each takes an eighth of what is left of them. */
const LARGE_BYTES = 4 << 20
const LARGEST = 1 << 20
/** What each reader gets however many there are: 500 of them, all stalled, take as much as the large ones. */
export const SMALLEST_BYTES = 16 << 10
/** Bytes of buffers that are kept for the next transfer: what a crowd has at a time; with less it would make garbage as fast as it reads. */
const SPARE_BYTES = 8 << 20

/**
 * Read buffers for responses. A few transfers get 1 MiB each, which is where throughput levels off; hundreds of slow readers
 * get small ones, so that they cannot take the node's memory.
 */
export class ScratchPool {
  readonly #spare = new SpareBuffers({ maxBytes: SPARE_BYTES })
  #taken = 0

  /** Bytes in use. */
  get taken(): number {
    return this.#taken
  }

  /** A buffer for at most `wanted` bytes; it may well be shorter. The taker gives it back once nobody reads or writes it. */
  take(wanted: number): Buffer {
    const share = Math.min((LARGE_BYTES - this.#taken) / 8, LARGEST)
    const size = Math.max(SMALLEST_BYTES, Math.min(powerOfTwo(share, Math.floor), powerOfTwo(wanted, Math.ceil)))
    this.#taken += size
    return this.#spare.take(size)
  }

  give(buffer: Buffer): void {
    this.#taken -= buffer.length
    this.#spare.give(buffer)
  }
}

function powerOfTwo(size: number, round: (exponent: number) => number): number {
  return size < 1 ? 0 : 2 ** round(Math.log2(size))
}
