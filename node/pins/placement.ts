import { ranked } from '../mesh/rendezvous.ts'
import type { Seeds } from '../mesh/seeds.ts'

export interface PlacementInit {
  /** Seeds on which each pin is to be. */
  readonly replicas: number
}

export interface PlacementComponents {
  readonly seeds: Pick<Seeds, 'self' | 'isSeed' | 'others'>
  /** By what seeds are chosen for a key. */
  home(key: string): string
}

/** Where pins belong: on the seeds that come first for their key, of those that are there now. */
export class Placement {
  readonly #seeds: Pick<Seeds, 'self' | 'isSeed' | 'others'>
  readonly #home: (key: string) => string
  readonly #replicas: number

  constructor(components: PlacementComponents, init: PlacementInit) {
    this.#seeds = components.seeds
    this.#home = components.home
    this.#replicas = init.replicas
  }

  /** Peer ids of the seeds that are there, this node among them if it is one. */
  get live(): readonly string[] {
    const { self, isSeed, others } = this.#seeds
    const connected = others.flatMap(({ id, since }) => (since === undefined ? [] : [id]))
    return isSeed ? [self, ...connected] : connected
  }

  /** The seeds of a key among `live`, the likeliest first. */
  of(key: string, live: readonly string[] = this.live): readonly string[] {
    return live.length <= 1 ? live : ranked(this.#home(key), live).slice(0, this.#replicas)
  }
}
