import type { Body, Scratch } from '../body.ts'
import type { Splices } from './splices.ts'

/**
 * A stored document with the caller's base URL put in where the original named its own registry. The stored bytes are never
 * copied as a whole: a 20 MB packument is spliced while it is sent.
 */
export class SplicedBody implements Body {
  readonly #body: Body
  readonly #splices: Splices
  readonly size: number

  /** Throws when the document is not complete, or is shorter than its splices say. */
  constructor(body: Body, splices: Splices) {
    const { count } = splices
    if (body.size === undefined || (count > 0 && splices.end(count - 1) > body.size)) {
      throw new Error('the stored document is not the one that was parsed')
    }
    this.#body = body
    this.#splices = splices
    this.size = body.size + splices.growth
  }

  read(position: number, max: number, scratch: Scratch): Buffer | Promise<Buffer> {
    const length = Math.min(max, this.size - position)
    if (length <= 0) return Buffer.alloc(0)
    const lent = scratch(length)
    const out = lent.length > length ? lent.subarray(0, length) : lent
    const from = this.#stored(position)
    const source = this.#body.bytes
    if (source) return this.#fill(out, position, source.subarray(from), from)
    // What is rendered may leave out much of what is stored; one read takes in no more than it may give out.
    const wanted = Math.max(0, Math.min(out.length, this.#stored(position + out.length) - from))
    return this.#load(from, wanted).then((stored) => this.#fill(out, position, stored, from))
  }

  /** All of it, over the stored document as a whole. */
  whole(stored: Buffer): Buffer {
    return this.#splices.applyTo(stored)
  }

  close(): void {
    this.#body.close()
  }

  /** Offset in the stored bytes from which the rendered ones at `position` come; within a replacement, the one after it. */
  #stored(position: number): number {
    const splices = this.#splices
    const i = splices.lastAtOrBefore(position)
    return i < 0 ? position : splices.end(i) + Math.max(0, position - splices.at(i) - splices.length(i))
  }

  async #load(from: number, length: number): Promise<Buffer> {
    const stored = Buffer.allocUnsafe(length)
    for (let filled = 0; filled < length; ) {
      const rest = stored.subarray(filled)
      const part = await this.#body.read(from + filled, rest.length, (size) => rest.subarray(0, size))
      if (part.length === 0) throw new Error('the stored document ended early')
      if (part.buffer !== rest.buffer || part.byteOffset !== rest.byteOffset) part.copy(rest)
      filled += part.length
    }
    return stored
  }

  /** Fills `out` with rendered bytes from `position` on, as far as `stored`, the stored bytes from `from` on, goes. */
  #fill(out: Buffer, position: number, stored: Buffer, from: number): Buffer {
    const splices = this.#splices
    const { count } = splices
    let filled = 0
    let next = Math.max(0, splices.lastAtOrBefore(position))
    while (filled < out.length) {
      const here = position + filled
      const begin = next < count ? splices.at(next) : Number.POSITIVE_INFINITY
      const length = next < count ? splices.length(next) : 0
      if (here >= begin + length) next++
      else if (here >= begin) filled += splices.copyText(next, here - begin, out, filled)
      else {
        const start = this.#stored(here) - from
        const end = start + Math.min(out.length - filled, begin - here)
        if (start >= stored.length) break
        filled += stored.copy(out, filled, start, end)
      }
    }
    return filled === out.length ? out : out.subarray(0, filled)
  }
}
