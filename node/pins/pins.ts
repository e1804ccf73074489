import { Keeper, type KeeperComponents, type SeedsOfPins } from './keeper.ts'
import type { Holding, Outcome } from './messages.ts'
import type { Pin } from './pin.ts'
import type { PinPlace, PinsOverview, PinsStatus } from './pins-status.ts'
import type { PlacementInit } from './placement.ts'
import { placeOf, surveySeeds } from './survey.ts'

export type PinsComponents = Omit<KeeperComponents, 'seeds'>

/** The pins of a node, whatever mesh it is in: nothing is kept for others while it is in none. */
export class Pins {
  readonly #components: PinsComponents
  readonly #init: PlacementInit
  #mesh: { readonly keeper: Keeper; readonly seeds: SeedsOfPins } | undefined

  constructor(components: PinsComponents, init: PlacementInit) {
    this.#components = components
    this.#init = init
  }

  /** The node is in a mesh, which has these seeds. */
  start(seeds: SeedsOfPins): void {
    const keeper = new Keeper({ ...this.#components, seeds }, this.#init)
    this.#mesh = { keeper, seeds }
    keeper.start()
  }

  /** It is leaving it. Idempotent. */
  async stop(): Promise<void> {
    const left = this.#mesh
    this.#mesh = undefined
    await left?.keeper.stop()
  }

  /** Undefined on a node that is no seed. */
  status(): PinsStatus | undefined {
    return this.#mesh?.keeper.status()
  }

  /** The same in three numbers and whether these are of all, null for undefined. */
  counts(): Pick<PinsStatus, 'counted' | 'wanted' | 'held' | 'missing'> | null {
    const status = this.status()
    if (!status) return null
    const { counted, wanted, held, missing } = status
    return { counted, wanted, held, missing }
  }

  /** Takes pins that a seed sends. */
  async take(seed: string, pins: readonly Pin[]): Promise<Outcome[]> {
    return this.#mesh ? this.#mesh.keeper.take(seed, pins) : pins.map(() => ({ state: 'busy' }))
  }

  /** What is held under keys, in their order, or coming, as far as `seed` need not bring it. */
  holds(seed: string, keys: readonly string[]): Holding[] {
    return this.#mesh ? this.#mesh.keeper.holds(seed, keys) : keys.map(() => null)
  }

  /** How pins stand, as this node and the seeds that it reaches see it; undefined while it is in no mesh. */
  async overview(signal: AbortSignal): Promise<PinsOverview | undefined> {
    if (!this.#mesh) return undefined
    return { own: this.status() ?? null, seeds: await surveySeeds(this.#mesh, signal) }
  }

  /** Which seeds have what this node has under a key; undefined while it is in no mesh. */
  async place(key: string, signal: AbortSignal): Promise<PinPlace | undefined> {
    if (!this.#mesh) return undefined
    const { keeper, seeds } = this.#mesh
    return placeOf({ store: this.#components.store, seeds }, key, keeper.seedsOf(key), signal)
  }
}
