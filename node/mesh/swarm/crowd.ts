import { CROWD_MEMBERS, CROWD_TTL, REFERRED } from './constants.ts'
import type { Referred } from './referral.ts'

/** One member that fetches a blob, as another one sees it. */
interface Seeker {
  /** Bytes that it had when it was last heard of. */
  at: number
  /** When that was, in ms since the epoch. */
  heard: number
  /** Whom it reads from, as far as is known: who it was sent to, or this node itself. */
  parent: string | undefined
  /** Position among those who came, so that nobody is sent to who came later and has no more. */
  readonly order: number
}

/** Those who fetch one large blob at the same time. */
export class Crowd {
  readonly #seekers = new Map<string, Seeker>()
  #arrivals = 0

  /** A member asks for the bytes from `at` on, or has them now. */
  heard(peer: string, at: number, now: number): void {
    const known = this.#seekers.get(peer)
    if (known && now - known.heard <= CROWD_TTL) {
      known.heard = now
      known.at = Math.max(known.at, at)
      return
    }
    this.#seekers.delete(peer)
    if (this.#seekers.size >= CROWD_MEMBERS) this.#forgetOldest()
    this.#seekers.set(peer, { at, heard: now, parent: undefined, order: this.#arrivals++ })
  }

  /** It reads from `parent` from now on, or will try to. */
  follows(peer: string, parent: string | undefined): void {
    const seeker = this.#seekers.get(peer)
    if (seeker) seeker.parent = parent
  }

  /**
   * Others that are further along than `at`, or as far and came earlier: those with the fewest children first, then those furthest
   * along. Never one that reads from whoever asks.
   */
  othersFor(peer: string, at: number, now: number, usable: (peer: string) => boolean): Referred[] {
    const order = this.#seekers.get(peer)?.order ?? Number.POSITIVE_INFINITY
    const children = new Map<string, number>()
    for (const [child, { parent, heard }] of this.#seekers) {
      if (child === peer || parent === undefined || now - heard > CROWD_TTL) continue
      children.set(parent, (children.get(parent) ?? 0) + 1)
    }
    return [...this.#seekers]
      .filter(([id, seeker]) => {
        if (id === peer || seeker.parent === peer || now - seeker.heard > CROWD_TTL || !usable(id)) return false
        return seeker.at > at || (seeker.at === at && seeker.order < order)
      })
      .map(([id, seeker]) => ({ peer: id, at: seeker.at, order: seeker.order, children: children.get(id) ?? 0 }))
      .sort((one, other) => one.children - other.children || other.at - one.at || one.order - other.order)
      .slice(0, REFERRED)
      .map(({ peer: id, at: had }) => ({ peer: id, at: had }))
  }

  #forgetOldest(): void {
    let oldest: [string, number] | undefined
    for (const [id, { heard }] of this.#seekers) if (!oldest || heard < oldest[1]) oldest = [id, heard]
    if (oldest) this.#seekers.delete(oldest[0])
  }
}
