import type { ParsedDocument } from '../cache/plan.ts'

/**
 * What stands where in a document that was rendered for one base URL. Offsets, not copies: a packument of 20 MB has some
 * thousand places, and is asked for under the same URL again and again.
 */
export class Splices {
  /** Where each replacement begins in the rendered bytes. */
  readonly at: Float64Array
  /** Where what it replaces begins and ends in the stored bytes. */
  readonly start: Float64Array
  readonly end: Float64Array
  readonly #texts: Buffer
  /** Where each replacement's text begins in `texts`; one more, for the end of the last. */
  readonly #from: Float64Array
  /** Bytes by which the rendered document is longer than the stored one. */
  readonly growth: number

  /** Throws when the spans are not in order, or overlap: what comes out would be no document. */
  constructor(spans: ParsedDocument['spans'], base: string) {
    const count = spans.length
    this.at = new Float64Array(count)
    this.start = new Float64Array(count)
    this.end = new Float64Array(count)
    this.#from = new Float64Array(count + 1)
    const texts = spans.map(([, , suffix]) => base + suffix)
    this.#texts = Buffer.from(texts.join(''))
    let growth = 0
    let before = 0
    let from = 0
    spans.forEach(([start, end], i) => {
      if (start < before || end < start) throw new Error(`span ${i} of the document, ${start} to ${end}, is out of order`)
      before = end
      this.at[i] = start + growth
      this.start[i] = start
      this.end[i] = end
      const length = Buffer.byteLength(texts[i] as string)
      from += length
      this.#from[i + 1] = from
      growth += length - (end - start)
    })
    this.growth = growth
  }

  get count(): number {
    return this.at.length
  }

  /** Bytes of the text of replacement `i`, from `skip` on. */
  text(i: number, skip: number): Buffer {
    return this.#texts.subarray((this.#from[i] as number) + skip, this.#from[i + 1])
  }

  /** Length of the text of replacement `i`, in bytes. */
  length(i: number): number {
    return (this.#from[i + 1] as number) - (this.#from[i] as number)
  }

  /** The rendered document, of the stored one as a whole. */
  applyTo(stored: Buffer): Buffer {
    const out = Buffer.allocUnsafe(stored.length + this.growth)
    let from = 0
    let filled = 0
    for (let i = 0; i < this.count; i++) {
      filled += stored.copy(out, filled, from, this.start[i])
      filled += this.#texts.copy(out, filled, this.#from[i], this.#from[i + 1])
      from = this.end[i] as number
    }
    stored.copy(out, filled, from)
    return out
  }

  /** The last replacement that begins at or before an offset in the rendered bytes; -1 when there is none. */
  lastAtOrBefore(position: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.at[middle] as number) <= position) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
