/**
 * A signal that ends with the first of others, or before. `AbortSignal.any` would do the same, but costs more than all else that a small
 * fetch does to be stoppable: what it makes is let go only after a garbage collection found that nobody refers to it.
 */
export class AbortScope {
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #parents: readonly AbortSignal[]
  readonly #follow = () => this.end(this.#parents.find(({ aborted }) => aborted)?.reason)

  /** Who makes a scope under a signal that lives long has to end it. */
  constructor(...parents: AbortSignal[]) {
    this.signal = this.#controller.signal
    this.#parents = parents
    if (parents.some(({ aborted }) => aborted)) this.#follow()
    else for (const parent of parents) parent.addEventListener('abort', this.#follow, { once: true })
  }

  /** Ends the signal, and what ties it to the others. */
  end(reason: unknown): void {
    for (const parent of this.#parents) parent.removeEventListener('abort', this.#follow)
    this.#controller.abort(reason)
  }
}
