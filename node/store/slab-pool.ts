import { SLAB_BYTES, SLABS_IN_USE, SLABS_KEPT } from './constants.ts'

/** Shared memory in pieces of one slab, reused. */
export class SlabPool {
  readonly #spare: SharedArrayBuffer[] = []
  #taken = 0

  /** Whether so many are in use that everybody should make do with as few as possible. */
  get scarce(): boolean {
    return this.#taken >= SLABS_IN_USE
  }

  /** Slabs in use. */
  get taken(): number {
    return this.#taken
  }

  take(): SharedArrayBuffer {
    this.#taken++
    return this.#spare.pop() ?? new SharedArrayBuffer(SLAB_BYTES)
  }

  /** Takes a slab back that neither a worker nor a reader looks at any more. */
  give(slab: SharedArrayBuffer): void {
    this.#taken--
    if (this.#spare.length < SLABS_KEPT) this.#spare.push(slab)
  }
}
