import type { Digest } from '../digest.ts'
import type { Staging } from '../store/store.ts'
import { firstDifference } from './compare.ts'
import { MEMBER_LIES } from './constants.ts'
import { differ, share } from './differ.ts'
import type { Expecting } from './expecting.ts'
import type { Part } from './transfer.ts'

/**
 * A wrong copy that was put together of parts, or the beginning of one. Only a right one shows whose fault that was: whoever cuts itself off after a lie
 * leaves the next member to finish, and the digest then speaks against both.
 */
class Suspicion {
  readonly #parts: readonly Part[]
  readonly #wrong: Staging
  readonly #isWhole: boolean

  /** `isWhole` says whether the last one sent all that it promised, and so where the blob ends. */
  constructor(parts: readonly Part[], wrong: Staging, isWhole: boolean) {
    this.#parts = parts
    this.#wrong = wrong
    this.#isWhole = isWhole
  }

  /** Blames whoever sent other bytes than the right ones, which have these digests, unless it promised others. */
  async settle(right: Staging, digests: readonly Digest[]): Promise<void> {
    for (const { source, start, end } of this.#parts) {
      if (source.promised && !share(source.promised, digests)) continue
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

/** Whose fault the wrong copies of one flight were, as far as that is known. */
export class Suspicions {
  readonly #open: Suspicion[] = []

  /**
   * Blames whoever sent a wrong copy alone. That of several has to be compared with a right one first, and so has a beginning that
   * others would not go on with: it is one word against the other.
   *
   * @param init.giveUp keeps the copy for that
   */
  accuse(parts: readonly Part[], isWhole: boolean, init: { readonly expecting: Expecting; giveUp(): Staging }): void {
    const { teller, known } = init.expecting
    const source = parts.at(-1)?.source
    const isMembers = source && (source.kind !== 'upstream' || (source.through && this.#open.length < MEMBER_LIES))
    suspect(parts)
    if (parts.length > 1 || (isMembers && !isWhole)) {
      this.#open.push(new Suspicion(parts, init.giveUp(), isWhole))
      source?.forgive()
      return
    }
    // What one seed said alone proves nothing of what another one has.
    const isHearsay = teller !== undefined && source?.through !== undefined && source.member !== teller
    if (!isHearsay && !differ(source?.promised, known?.digests ?? [])) source?.blame('the bytes do not match their digest')
  }

  /** The right copy shows who sent a wrong one. */
  async settle(right: Staging, digests: readonly Digest[]): Promise<void> {
    for (const suspicion of this.#open) await suspicion.settle(right, digests)
  }
}

/** Seeds that were asked by name, and sent a wrong copy together: whoever began and broke off chose that, which says more than that others went on. */
function suspect(parts: readonly Part[]): void {
  const seeds = new Set(parts.map(({ source: { member } }) => member))
  for (const seed of seeds) {
    const [first] = parts.filter(({ source }) => source.member === seed)
    first?.source.suspect?.(first === parts.at(-1) ? 1 : 2)
  }
}

/** Whether a wrong copy speaks against the word of the seed by which it is wrong: that seed sent all of it. */
export function refutes(parts: readonly Part[], teller: string | undefined): boolean {
  return teller !== undefined && parts.every(({ source: { member } }) => member === teller)
}
