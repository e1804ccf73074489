import type { Clock } from '../clock.ts'
import { reasonOf } from '../errors.ts'
import type { SeedPeer, Seeds } from '../mesh/seeds.ts'
import type { NewRecord, Store } from '../store/store.ts'
import {
  AFTER_COMING,
  AFTER_GOING,
  LONGEST_SWEEP_RETRY,
  LOOK,
  LOOK_OF_MEMBER,
  SWEEP_INTERVAL,
  SWEEP_RETRY,
} from './constants.ts'
import { Courier, type Delivery } from './courier.ts'
import { Intake, type IntakeComponents } from './intake.ts'
import type { Holding, Outcome } from './messages.ts'
import type { Pin } from './pin.ts'
import type { PinsStatus } from './pins-status.ts'
import { Placement, type PlacementInit } from './placement.ts'
import { Sweep } from './sweep.ts'
import { Tally } from './tally.ts'

/** What this needs of the seeds of a mesh. */
export type SeedsOfPins = Pick<Seeds, 'self' | 'isSeed' | 'others' | 'ask' | 'open'>

export interface KeeperComponents extends Omit<IntakeComponents, 'store' | 'seeds'> {
  readonly store: Store
  readonly seeds: SeedsOfPins
  readonly clock: Clock
  /** As `PlacementComponents` has it. */
  home(key: string): string
  /** Something that an operator should know. */
  trouble(what: string): void
}

/** Pins that are being brought to seeds anew are counted up to so many. */
const MAX_ANEW = 10_000

/**
 * Keeps what this seed has on as many seeds of a mesh as each pin is to be on: what is new is sent soon, and a sweep sees to the rest
 * whenever seeds came or went. Nothing is ever taken away. On a node that is no seed it only waits for it to become one.
 */
export class Keeper {
  readonly #components: KeeperComponents
  readonly #init: PlacementInit
  readonly #placement: Placement
  readonly #intake: Intake
  readonly #stop = new AbortController()
  readonly #couriers = new Map<string, Courier>()
  #unwatch: (() => void) | undefined
  #running: Promise<void> | undefined
  /** The sweep under way, and what ends it. */
  #sweep: { readonly tally: Tally; readonly done: Promise<void>; readonly abort: AbortController } | undefined
  /** The counts of the last sweep. */
  #last: Tally | undefined
  #endedAt: number | undefined
  /** When the next sweep is due, in ms since the epoch. */
  #dueAt = Number.POSITIVE_INFINITY
  /** Ms after which pins that were not delivered are tried again. */
  #retry = SWEEP_RETRY
  /** The seeds that were there at the last look, by peer id, with when they came. */
  #seen: ReadonlyMap<string, number> = new Map()
  /** Pins that were on all their seeds, and are to be there anew since they changed. */
  readonly #anew = new Set<string>()

  constructor(components: KeeperComponents, init: PlacementInit) {
    this.#components = components
    this.#init = init
    this.#placement = new Placement(components, init)
    this.#intake = new Intake(components, { signal: this.#stop.signal })
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#components.trouble(`pins are looked after no more: ${reasonOf(error)}`)
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopping'))
    this.#unwatch?.()
    await this.#running
    await Promise.all([...this.#couriers.values()].map((courier) => courier.stop('this node is stopping')))
    await this.#sweep?.done
  }

  /** Takes pins that a seed sends. */
  take(seed: string, pins: readonly Pin[]): Promise<Outcome[]> {
    return this.#intake.take(seed, pins)
  }

  /** Peer ids of the seeds that a key belongs to. */
  seedsOf(key: string): readonly string[] {
    return this.#placement.of(key)
  }

  /** What is held under keys, in their order, or coming, as far as `seed` need not bring it. */
  holds(seed: string, keys: readonly string[]): Holding[] {
    return this.#intake.holds(seed, keys)
  }

  /** Undefined on a node that is no seed. */
  status(): PinsStatus | undefined {
    const { seeds } = this.#components
    if (!seeds.isSeed) return undefined
    const { self, others } = seeds
    const { tally } = this.#sweep ?? {}
    // What the last one counted is of no use when others are there by now, or the same without what they had.
    const live = this.#placement.live.toSorted().join()
    const counted = !this.#came(others) && this.#last?.live.toSorted().join() === live
    const shown = counted ? this.#last : tally
    const { wanted = 0, held = 0 } = shown ?? {}
    const settled = held - Math.min(held, this.#anew.size)
    const all = [{ id: self, since: 0 }, ...others]
    return {
      replicas: this.#init.replicas,
      counted,
      wanted,
      held: settled,
      missing: wanted - settled,
      seeds: all.map(({ id, since }) => {
        const count = shown?.seeds.get(id)
        const pending = this.#couriers.get(id)?.pending ?? 0
        const { wanted: here = 0, held: there = 0, reason = null } = count ?? {}
        return { id, connected: since !== undefined, wanted: here, held: there, pending, reason }
      }),
      sweep: {
        running: tally !== undefined,
        looked: tally?.wanted ?? 0,
        endedAt: this.#endedAt ?? null,
        dueAt: this.#nextSweep,
      },
    }
  }

  get #nextSweep(): number | null {
    return this.#sweep || this.#dueAt === Number.POSITIVE_INFINITY ? null : this.#dueAt
  }

  /** Whether a seed came since the last look. */
  #came(others: readonly SeedPeer[]): boolean {
    return others.some(({ id, since }) => since !== undefined && this.#seen.get(id) !== since)
  }

  async #run(): Promise<void> {
    const { clock, seeds } = this.#components
    const { signal } = this.#stop
    for (;;) {
      if (seeds.isSeed) this.#look()
      else await this.#idle()
      await clock.sleep(seeds.isSeed ? LOOK : LOOK_OF_MEMBER, signal)
    }
  }

  /** This node is no seed (any more). */
  async #idle(): Promise<void> {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#seen = new Map()
    this.#last = undefined
    this.#sweep?.abort.abort(new Error('this node is no seed any more'))
    for (const peer of [...this.#couriers.keys()]) await this.#dismiss(peer)
  }

  /** Who is a seed now, and is it time for a sweep? */
  #look(): void {
    const { clock, seeds, store } = this.#components
    const now = clock.now()
    if (!this.#unwatch) {
      this.#unwatch = store.records.watch((kept) => this.#kept(kept))
      this.#dueAt = now + AFTER_COMING
    }
    const { others } = seeds
    const there = new Map(others.flatMap(({ id, since }) => (since === undefined ? [] : [[id, since] as const])))
    const came = this.#came(others)
    const gone = [...this.#seen.keys()].filter((id) => !there.has(id))
    this.#seen = there
    for (const peer of gone) void this.#dismiss(peer)
    if (came) {
      // It may have come without what was counted there.
      this.#last = undefined
      this.#retry = SWEEP_RETRY
      this.#dueAt = now + AFTER_COMING
    }
    if (gone.length > 0) this.#dueAt = Math.min(this.#dueAt, now + AFTER_GOING)
    // A clock that was set back must not put it off for years.
    if (Number.isFinite(this.#dueAt)) this.#dueAt = Math.min(this.#dueAt, now + SWEEP_INTERVAL)
    if (came || gone.length > 0) this.#sweep?.abort.abort(new Error('other seeds are there now'))
    if (now >= this.#dueAt && !this.#sweep) this.#begin()
  }

  #begin(): void {
    const { clock, seeds, trouble } = this.#components
    this.#dueAt = Number.POSITIVE_INFINITY
    const tally = new Tally(this.#placement.live)
    const abort = new AbortController()
    const deliver = (seed: string, key: string) => this.#courier(seed).deliver(key)
    const sweep = new Sweep({ ...this.#components, placement: this.#placement, deliver }, { self: seeds.self, tally })
    const signal = AbortSignal.any([this.#stop.signal, abort.signal])
    const done = sweep.run(signal).then(
      () => {
        const missing = tally.wanted - tally.held
        const before = this.#last ? this.#last.wanted - this.#last.held : Number.POSITIVE_INFINITY
        this.#retry = missing < before ? SWEEP_RETRY : Math.min(this.#retry * 2, LONGEST_SWEEP_RETRY)
        this.#last = tally
        this.#endedAt = clock.now()
        this.#anew.clear()
        this.#due(missing > 0 ? this.#retry : SWEEP_INTERVAL)
      },
      (error: unknown) => {
        if (!signal.aborted) trouble(`the sweep through the pins ended early: ${reasonOf(error)}`)
        this.#due(SWEEP_RETRY)
      },
    )
    this.#sweep = {
      tally,
      abort,
      done: done.finally(() => {
        this.#sweep = undefined
      }),
    }
  }

  #due(ms: number): void {
    this.#dueAt = Math.min(this.#dueAt, this.#components.clock.now() + ms)
  }

  /** This seed has something new. */
  #kept({ key, record, isFirst }: NewRecord): void {
    const { self } = this.#components.seeds
    const seeds = this.#placement.of(key)
    const tallies = [this.#last, this.#sweep?.tally].filter((tally) => tally !== undefined)
    let missing = seeds.length
    const note = (seed: string, delivery: Delivery) => {
      if (isFirst) for (const tally of tallies) tally.note(seed, delivery)
      if (!delivery.isThere) this.#due(this.#retry)
      else if (--missing === 0) {
        this.#anew.delete(key)
        if (isFirst) for (const tally of tallies) tally.held++
      }
    }
    if (isFirst) for (const tally of tallies) tally.add(seeds)
    else if (this.#anew.size < MAX_ANEW && seeds.some((seed) => seed !== self)) this.#anew.add(key)
    // Who sent it sees to the others, too.
    const isSent = this.#intake.brings({ key, record })
    for (const seed of seeds) {
      if (seed === self || isSent) note(seed, { isThere: true })
      else {
        const delivering = this.#courier(seed).deliver(key)
        if (delivering) void delivering.then((delivery) => note(seed, delivery))
        else note(seed, { isThere: false, reason: 'too many others wait to go there' })
      }
    }
  }

  #courier(peer: string): Courier {
    let courier = this.#couriers.get(peer)
    if (!courier) {
      courier = new Courier(this.#components, { peer })
      this.#couriers.set(peer, courier)
    }
    return courier
  }

  async #dismiss(peer: string): Promise<void> {
    const courier = this.#couriers.get(peer)
    this.#couriers.delete(peer)
    await courier?.stop('it is not there any more')
  }
}
