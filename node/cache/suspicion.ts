import type { Staging } from '../store/store.ts'
import { firstDifference } from './compare.ts'
import type { Part } from './transfer.ts'

/**
 * A wrong copy that was put together of parts, or the beginning of one. Only a right one shows whose fault that was: whoever cuts itself off after a lie
 * leaves the next member to finish, and the digest then speaks against both.
 */
export class Suspicion {
  readonly #parts: readonly Part[]
  readonly #wrong: Staging
  readonly #isWhole: boolean

  /** `isWhole` says whether the last one sent all that it promised, and so where the blob ends. */
  constructor(parts: readonly Part[], wrong: Staging, isWhole: boolean) {
    this.#parts = parts
    this.#wrong = wrong
    this.#isWhole = isWhole
  }

  /** Blames whoever sent other bytes than the right ones. */
  async settle(right: Staging): Promise<void> {
    for (const { source, start, end } of this.#parts) {
      // What neither copy holds any more, since there was no disk for it, proves nothing.
      if (!this.#wrong.storing || !right.storing) return
      const at = await firstDifference(this.#wrong, right, start, end)
      // Nobody but the last one can have said where the blob ends without saying how long it is.
      const ended = this.#isWhole && source === this.#parts.at(-1)?.source
      const size = source.size ?? (ended ? end : right.written)
      if (at !== undefined) source.blame(`sent other bytes than those of the blob, from byte ${at} on`)
      else if (size !== right.written) source.blame(`said that the blob has ${size} bytes, which are ${right.written}`)
    }
  }
}

/** Seeds that were asked by name, and sent a wrong copy together: whoever began and broke off chose that, which says more than that others went on. */
export function suspect(parts: readonly Part[]): void {
  const seeds = new Set(parts.map(({ source: { member } }) => member))
  for (const seed of seeds) {
    const [first] = parts.filter(({ source }) => source.member === seed)
    first?.source.suspect?.(first === parts.at(-1) ? 1 : 2)
  }
}
