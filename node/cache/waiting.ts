import type { Body } from '../body.ts'

/**
 * Those who wait for a flight in which they have no part yet. It goes on for them as it does for its readers; without any it ends
 * as one whose readers have left.
 */
export class Waiting {
  #count = 0
  #attach: (() => Body) | undefined
  #body: Body | undefined

  enter(): void {
    this.#count++
    this.#body ??= this.#attach?.()
  }

  /** To be called after whoever leaves has attached to the flight, if ever. */
  leave(): void {
    this.#count--
    if (this.#count > 0) return
    this.#body?.close()
    this.#body = undefined
  }

  /** The flight has taken off. */
  begin(attach: () => Body): void {
    this.#attach = attach
    const body = attach()
    if (this.#count > 0) this.#body = body
    else body.close()
  }
}
