import type { Sha256 } from '../digest.ts'

const ROWS = 4
/** Counters in a row: as many as hex digits of a digest can name. */
const WIDTH = 1 << 16
const DIGITS = 4
/** Counts go no higher: what was asked for fifteen times lately is as hot as it gets. */
const HIGHEST = 15
/** Uses after which all counts are halved, so that yesterday's favourites make room. */
const AGE_AT = 10 * WIDTH

/**
 * Estimates how often blobs were used lately, in 256 KiB whatever their number: a count-min sketch with ageing, as TinyLFU has
 * it (Einziger, Friedman, Manes, 2017). A digest is its own hash function.
 */
export class Frequency {
  readonly #counts = new Uint8Array(ROWS * WIDTH)
  #uses = 0

  use(sha256: Sha256): void {
    if (++this.#uses >= AGE_AT) this.#age()
    const least = this.of(sha256)
    if (least === HIGHEST) return
    for (let row = 0; row < ROWS; row++) {
      const at = indexOf(sha256, row)
      // Only the lowest are raised: the others owe their height to blobs that share them.
      if (this.#counts[at] === least) this.#counts[at] = least + 1
    }
  }

  /** Never too low, but for ageing. */
  of(sha256: Sha256): number {
    let least = HIGHEST
    for (let row = 0; row < ROWS; row++) least = Math.min(least, this.#counts[indexOf(sha256, row)] ?? 0)
    return least
  }

  #age(): void {
    this.#uses = 0
    for (let at = 0; at < this.#counts.length; at++) this.#counts[at] = (this.#counts[at] ?? 0) >> 1
  }
}

function indexOf(sha256: Sha256, row: number): number {
  const start = row * DIGITS
  let index = 0
  for (let at = start; at < start + DIGITS; at++) {
    const code = sha256.charCodeAt(at)
    index = (index << 4) | (code <= 0x39 ? code - 0x30 : code - 0x57)
  }
  return row * WIDTH + index
}
