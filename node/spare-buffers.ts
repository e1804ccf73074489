/**
 * Buffers that are used again, by their size. V8 keeps their bytes outside of its heap and is told of each of them: with fresh ones for
 * all that passes through a busy node it looks through all of its heap, again and again, to find that they can be let go.
 */
export class SpareBuffers {
  readonly #maxBytes: number
  readonly #spare = new Map<number, Buffer[]>()
  #bytes = 0

  /** @param init.maxBytes of all that are kept */
  constructor(init: { readonly maxBytes: number }) {
    this.#maxBytes = init.maxBytes
  }

  /** A buffer of so many bytes, which hold anything. The taker gives it back once nobody reads or writes it. */
  take(size: number): Buffer {
    const spare = this.#spare.get(size)?.pop()
    if (!spare) return Buffer.allocUnsafeSlow(size)
    this.#bytes -= size
    return spare
  }

  give(buffer: Buffer): void {
    const spare = this.#spare.get(buffer.length) ?? []
    // Last in the map is what was used last: sizes that nobody wants any more make room for those that everybody does.
    this.#spare.delete(buffer.length)
    this.#spare.set(buffer.length, spare)
    spare.push(buffer)
    this.#bytes += buffer.length
    for (const [size, others] of this.#spare) {
      while (this.#bytes > this.#maxBytes && others.pop()) this.#bytes -= size
    }
  }
}
