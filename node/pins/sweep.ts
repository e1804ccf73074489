import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import { SWEEP_PAUSE, SWEEP_STALL, SWEEP_STEP, SWEEP_WINDOW } from './constants.ts'
import type { Delivery } from './courier.ts'
import { isPublic } from './pin.ts'
import type { Placement } from './placement.ts'
import type { Tally } from './tally.ts'

export interface SweepComponents {
  readonly store: Pick<Store, 'blobs' | 'records'>
  readonly placement: Placement
  readonly clock: Clock
  /** As `Courier.deliver`, for the seed with this peer id. */
  deliver(seed: string, key: string): Promise<Delivery> | undefined
}

/** What is on its way to one seed. */
interface Lane {
  open: number
  /** When it last took a pin, or none was on its way, in ms since the epoch. */
  movedAt: number
}

/**
 * Looks through all that this node has and sees to it that each pin is on the seeds that it belongs to. Others do the same, so that a
 * seed which lost its disk has everything again, and one that is new its share, as long as anybody has it.
 */
export class Sweep {
  readonly tally: Tally
  readonly #components: SweepComponents
  readonly #self: string
  /** By peer id. */
  readonly #lanes = new Map<string, Lane>()
  #waiting: (() => void) | undefined

  /** @param init.self peer id of this node */
  constructor(components: SweepComponents, init: { readonly self: string; readonly tally: Tally }) {
    this.#components = components
    this.#self = init.self
    this.tally = init.tally
  }

  /** Resolves once it is known of each pin where it is. Rejects with the reason of `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#components
    let looked = 0
    for await (const [key, record] of store.records.entries('')) {
      signal.throwIfAborted()
      if (isPublic(record)) {
        const isHere = store.blobs.find({ algorithm: 'sha256', hex: record.blob }) !== undefined
        this.#look(key, isHere, signal)
      }
      if (++looked % SWEEP_STEP === 0) await clock.sleep(SWEEP_PAUSE, signal)
      while (this.#lanes.values().some((lane) => isFull(lane) && !this.#isStalled(lane))) await this.#progress(signal)
    }
    while (this.#lanes.values().some(({ open }) => open > 0)) await this.#progress(signal)
    signal.throwIfAborted()
  }

  #look(key: string, isHere: boolean, signal: AbortSignal): void {
    const { placement, deliver } = this.#components
    const seeds = placement.of(key, this.tally.live)
    this.tally.add(seeds)
    let missing = seeds.length
    const note = (seed: string, delivery: Delivery) => {
      this.tally.note(seed, delivery)
      if (delivery.isThere && --missing === 0) this.tally.held++
    }
    for (const seed of seeds) {
      if (seed === this.#self) {
        note(seed, isHere ? { isThere: true } : { isThere: false, reason: 'its bytes are gone here' })
        continue
      }
      const lane = this.#laneOf(seed)
      // It was waited for long enough.
      const delivering = isFull(lane) ? undefined : deliver(seed, key)
      if (!delivering) {
        note(seed, { isThere: false, reason: 'too many others wait to go there' })
        continue
      }
      if (lane.open++ === 0) lane.movedAt = this.#components.clock.now()
      void delivering.then((delivery) => {
        lane.open--
        if (delivery.isThere) lane.movedAt = this.#components.clock.now()
        if (!signal.aborted) note(seed, delivery)
        this.#waiting?.()
      })
    }
  }

  /** Whether it took nothing for a while. */
  #isStalled({ movedAt }: Lane): boolean {
    return Math.abs(this.#components.clock.now() - movedAt) >= SWEEP_STALL
  }

  #laneOf(seed: string): Lane {
    const known = this.#lanes.get(seed)
    if (known) return known
    const lane = { open: 0, movedAt: 0 }
    this.#lanes.set(seed, lane)
    return lane
  }

  /** Resolves when one of those that are under way is settled, or after a while. */
  async #progress(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve } = Promise.withResolvers<void>()
    const over = new AbortController()
    const wake = () => resolve()
    this.#waiting = wake
    this.#components.clock.sleep(SWEEP_STALL, AbortSignal.any([signal, over.signal])).then(wake, wake)
    await promise
    over.abort()
    signal.throwIfAborted()
  }
}

function isFull({ open }: Lane): boolean {
  return open >= SWEEP_WINDOW
}
