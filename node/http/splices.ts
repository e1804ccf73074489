import type { ParsedDocument } from '../cache/plan.ts'

type Spans = ParsedDocument['spans']

/** What is the same under all base URLs: a document may have ten thousand places, and be asked for under any number of them. */
class Layout {
  /** Where each replacement begins in the rendered bytes, if the base URL is empty. */
  readonly at: Float64Array
  /** Where what it replaces begins and ends in the stored bytes. */
  readonly start: Float64Array
  readonly end: Float64Array
  /** What follows the base URL in each of them. */
  readonly suffixes: Buffer
  /** Where that of each begins in `suffixes`; one more, for the end of the last. */
  readonly from: Float64Array
  /** Bytes by which the rendered document is longer than the stored one, if the base URL is empty. */
  readonly growth: number

  constructor(spans: Spans) {
    const count = spans.length
    this.at = new Float64Array(count)
    this.start = new Float64Array(count)
    this.end = new Float64Array(count)
    this.from = new Float64Array(count + 1)
    this.suffixes = Buffer.from(spans.map(([, , suffix]) => suffix).join(''))
    let growth = 0
    let before = 0
    spans.forEach(([start, end, suffix], i) => {
      if (start < before || end < start) throw new Error(`span ${i} of the document, ${start} to ${end}, is out of order`)
      before = end
      this.at[i] = start + growth
      this.start[i] = start
      this.end[i] = end
      const length = Buffer.byteLength(suffix)
      this.from[i + 1] = (this.from[i] as number) + length
      growth += length - (end - start)
    })
    this.growth = growth
  }
}

const layouts = new WeakMap<Spans, Layout>()

/**
 * What stands where in a document that is rendered for one base URL. Offsets, not copies: whoever calls this node by a thousand names
 * must not fill its memory with them.
 */
export class Splices {
  readonly #layout: Layout
  readonly #base: Buffer
  /** Bytes by which the rendered document is longer than the stored one. */
  readonly growth: number

  /** Throws when the spans are not in order, or overlap: what comes out would be no document. */
  constructor(spans: Spans, base: string) {
    const layout = layouts.get(spans) ?? new Layout(spans)
    layouts.set(spans, layout)
    this.#layout = layout
    this.#base = Buffer.from(base)
    this.growth = layout.growth + this.count * this.#base.length
  }

  get count(): number {
    return this.#layout.at.length
  }

  /** Where replacement `i` begins in the rendered bytes. */
  at(i: number): number {
    return (this.#layout.at[i] as number) + i * this.#base.length
  }

  /** Where what replacement `i` replaces ends in the stored bytes. */
  end(i: number): number {
    return this.#layout.end[i] as number
  }

  /** Length of the text of replacement `i`, in bytes. */
  length(i: number): number {
    const { from } = this.#layout
    return this.#base.length + (from[i + 1] as number) - (from[i] as number)
  }

  /** Copies the text of replacement `i`, from `skip` on, to `out` at `filled`, as far as there is room. Gives the bytes copied. */
  copyText(i: number, skip: number, out: Buffer, filled: number): number {
    const { suffixes, from } = this.#layout
    const base = skip < this.#base.length ? this.#base.copy(out, filled, skip) : 0
    const begin = (from[i] as number) + Math.max(0, skip - this.#base.length)
    return base + (filled + base < out.length ? suffixes.copy(out, filled + base, begin, from[i + 1]) : 0)
  }

  /** The rendered document, of the stored one as a whole. */
  applyTo(stored: Buffer): Buffer {
    const out = Buffer.allocUnsafe(stored.length + this.growth)
    let from = 0
    let filled = 0
    for (let i = 0; i < this.count; i++) {
      filled += stored.copy(out, filled, from, this.#layout.start[i])
      filled += this.copyText(i, 0, out, filled)
      from = this.end(i)
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
      if (this.at(middle) <= position) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
