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
  readonly #spare = new Map<number, Buffer[]>()
  #spareBytes = 0
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
    const spare = this.#spare.get(size)?.pop()
    if (!spare) return Buffer.allocUnsafeSlow(size)
    this.#spareBytes -= size
    return spare
  }

  give(buffer: Buffer): void {
    this.#taken -= buffer.length
    const spare = this.#spare.get(buffer.length) ?? []
    // Last in the map is what was used last: sizes that nobody wants any more make room for those that everybody does.
    this.#spare.delete(buffer.length)
    this.#spare.set(buffer.length, spare)
    spare.push(buffer)
    this.#spareBytes += buffer.length
    for (const [size, others] of this.#spare) {
      while (this.#spareBytes > SPARE_BYTES && others.pop()) this.#spareBytes -= size
    }
  }
}

function powerOfTwo(size: number, round: (exponent: number) => number): number {
  return size < 1 ? 0 : 2 ** round(Math.log2(size))
}
