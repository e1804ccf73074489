import { RECENT_BYTES } from './constants.ts'

/** The last bytes of a growing blob, for readers that keep pace: they get them without a copy and without the file. */
export class RecentBytes {
  readonly #chunks: { readonly start: number; readonly chunk: Buffer }[] = []
  #bytes = 0

  add(start: number, chunk: Buffer): void {
    this.#chunks.push({ start, chunk })
    this.#bytes += chunk.length
    while (this.#bytes > RECENT_BYTES) this.#bytes -= this.#chunks.shift()?.chunk.length ?? 0
  }

  /** At most `max` bytes from `position`; undefined when they are not here. */
  at(position: number, max: number): Buffer | undefined {
    const oldest = this.#chunks[0]
    if (!oldest || position < oldest.start) return undefined
    // Backwards, since most readers want the newest chunk.
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const { start, chunk } = this.#chunks[i] as { start: number; chunk: Buffer }
      if (position < start) continue
      const from = position - start
      return from < chunk.length ? chunk.subarray(from, from + max) : undefined
    }
    return undefined
  }

  clear(): void {
    this.#chunks.length = 0
    this.#bytes = 0
  }
}
