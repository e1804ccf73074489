import { type Digest, isCollisionFree, parseDigests } from '../digest.ts'
import { isWarrenError } from '../errors.ts'
import { LoneMesh } from '../mesh/lone-mesh.ts'
import type { PartialBlob } from '../mesh/shelf.ts'
import type { NameRecord, Store } from '../store/store.ts'
import { abortable } from '../upstream/abortable.ts'
import { Adoption } from './adoption.ts'
import { Places } from './ahead.ts'
import { type Conditions, conditionsOf, isTrouble } from './answer.ts'
import type { CacheEvents } from './cache-events.ts'
import { AHEAD_IN_ALL } from './constants.ts'
import type { Documents } from './documents.ts'
import { Expecting } from './expecting.ts'
import { Flight } from './flight.ts'
import type { Found, GetOptions } from './found.ts'
import { type Heads, linked } from './heads.ts'
import type { NegativeCache } from './negative.ts'
import { ownCopy } from './own-copy.ts'
import type { Permit, Permits } from './permits.ts'
import { atUpstream, type Lookup, type Plan } from './plan.ts'
import { SmallFetch } from './small-fetch.ts'
import type { SourceComponents } from './sources.ts'
import type { Waiting } from './waiting.ts'

export interface ArtifactsComponents extends SourceComponents {
  readonly store: Store
  readonly documents: Documents
  readonly events: CacheEvents
  readonly negative: NegativeCache
  readonly heads: Heads
  readonly permits: Permits
  readonly lookup: Lookup
}

/** For what only upstream may be asked. */
const NOBODY = new LoneMesh()

/** Artifacts that the store does not have: one flight for each, which everybody who asks takes part in. */
export class Artifacts {
  readonly #components: ArtifactsComponents
  readonly #adoption: Adoption
  readonly #latest = new Map<string, Flight>()
  /** Also those that nobody can join any more. */
  readonly #flights = new Set<Flight>()
  /** Those that whoever comes now takes part in. */
  readonly #smalls = new Map<string, SmallFetch>()
  readonly #smallFetches = new Set<SmallFetch>()
  readonly #aheads = new Places(AHEAD_IN_ALL)
  readonly #closing = new AbortController()

  constructor(components: ArtifactsComponents) {
    this.#components = components
    this.#adoption = new Adoption(components)
  }

  get flights(): number {
    return this.#flights.size + this.#smallFetches.size
  }

  /** Digests of which what a key names is to have one while it is being fetched; undefined where they are not known (yet). */
  digests(key: string): readonly Digest[] | undefined {
    return (this.#latest.get(key) ?? this.#smalls.get(key))?.expected
  }

  /** Resolves once it is known what an artifact that is being fetched must be, if that is learnt soon; rejects with the signal's reason. */
  async learnt(key: string, signal: AbortSignal): Promise<void> {
    const flight = this.#latest.get(key)
    if (flight) await abortable(flight.learnt(), signal)
  }

  /** What is here of an artifact with this digest that is being fetched, for members. */
  partial(digest: Digest): PartialBlob | undefined {
    for (const flight of this.#flights) {
      const partial = flight.partial(digest)
      if (partial) return partial
    }
    return undefined
  }

  /** `held` is a record without the bytes. Rejects with upstream's «no», and with trouble as what it is. */
  async get(plan: Plan, held: NameRecord | undefined, options: GetOptions): Promise<Found> {
    const running = this.#running(plan, options)
    const joined = running && (await running)
    if (joined) return joined
    this.#refuse(plan)
    if (options.head) {
      const found = held?.link && !options.confirmed ? linked(plan, held) : await this.head(plan, options.signal)
      if (found) return found
    }
    const asking = this.#components.permits.of(plan, held, () => this.#isThere(plan))
    const permit = asking instanceof Promise ? await abortable(asking, options.signal) : asking
    const adopted = permit === 'anybody' ? await this.#adoption.of(plan) : undefined
    if (adopted) return adopted
    const late = this.#running(plan, options)
    const other = late && (await late)
    if (other) return other
    // Whoever waited for one that could not be had in one piece does not try the same again.
    const remembered = remembering(plan, held)
    const small = running || late ? undefined : this.#smallFetch(remembered, permit)
    return this.#fetch(remembered, permit, small, options)
  }

  /**
   * Something mutable of any size, unless upstream's is the one that is held. Resolves with a way to take part in it once it begins
   * to come; where something is held, once some of it may go out: up to then that one can stand in. Rejects with NotModified, and
   * as `get`.
   */
  async renewed(plan: Plan, held: NameRecord | undefined, waiting: Waiting): Promise<(signal: AbortSignal) => Promise<Found>> {
    const running = this.#latest.get(plan.key)
    const joins = running?.joinable === true
    const flight = joins ? running : this.#takeOff(plan, 'anybody', held && conditionsOf(held))
    waiting.begin(() => flight.attach())
    await (held ? flight.begun() : flight.head)
    return (signal) => this.#board(flight, signal, joins)
  }

  /** What upstream says of an artifact without sending it; undefined when only a GET can tell. Rejects as `get`. */
  async head(plan: Plan, signal: AbortSignal): Promise<Found | undefined> {
    const { heads, negative, permits } = this.#components
    this.#refuse(plan)
    try {
      const found = await heads.of(await this.#placed(plan, signal), signal)
      if (found) permits.confirm(plan.key)
      return found
    } catch (error) {
      negative.add(plan, error)
      throw error
    }
  }

  /** Resolves once what is on its way is written down, with all that it tells, or is not going to be. */
  async kept(plan: Plan, signal: AbortSignal): Promise<void> {
    const flight = this.#latest.get(plan.key)
    if (flight) await abortable(flight.done, signal)
  }

  /** The same of what has gone out already: whoever has it asks for what it names. */
  landed(key: string): Promise<unknown> | undefined {
    const flight = this.#latest.get(key)
    return flight?.landing ? flight.done : undefined
  }

  /**
   * Lets go of the flights that a purge may be about: what they bring goes to those who read it now. `isMeant` is asked with the digests of
   * which the bytes are to have one, as far as these are known.
   */
  detach(isMeant: (key: string, expected: readonly Digest[] | undefined) => boolean): void {
    for (const [key, flight] of this.#latest) {
      if (!isMeant(key, flight.expected)) continue
      flight.detach()
      this.#latest.delete(key)
    }
    for (const [key, { expected }] of this.#smalls) if (isMeant(key, expected)) this.#smalls.delete(key)
  }

  /** Breaks every flight off; readers get `reason`. */
  async close(reason: unknown): Promise<void> {
    this.#closing.abort(reason)
    const flights = [...this.#flights]
    for (const flight of flights) flight.cancel(reason)
    await Promise.all([...flights, ...this.#smallFetches].map(({ done }) => done))
  }

  /** What is being fetched; of what comes in one piece undefined where it turns out that a flight has to bring it. */
  #running(plan: Plan, options: GetOptions): Promise<Found | undefined> | undefined {
    return this.#join(plan, options) ?? this.#smalls.get(plan.key)?.found(true)
  }

  #join(plan: Plan, options: GetOptions): Promise<Found> | undefined {
    const flight = this.#latest.get(plan.key)
    return flight?.joinable ? this.#board(flight, options.signal, true) : undefined
  }

  /** In one piece from a member, if that can be, else by a flight. */
  async #fetch(plan: Plan, permit: Permit, small: SmallFetch | undefined, options: GetOptions): Promise<Found> {
    const whole = small && (await small.found(false))
    if (whole) {
      this.#components.negative.delete(plan.key)
      return whole
    }
    // Upstream is not asked for somebody who has left meanwhile.
    if (small) options.signal.throwIfAborted()
    const { learnt } = small ?? {}
    const asked = learnt ? { ...plan, expect: async () => learnt } : plan
    return this.#join(plan, options) ?? this.#board(this.#takeOff(asked, permit), options.signal, false)
  }

  /** Undefined for what only a flight may bring. */
  #smallFetch(plan: Plan, permit: Permit): SmallFetch | undefined {
    this.#closing.signal.throwIfAborted()
    const { mesh, heads } = this.#components
    const mayBe = permit === 'anybody' && mesh.populated && !plan.document && !plan.index && !heads.isPrivate(plan)
    if (!mayBe) return undefined
    const fetch = new SmallFetch(this.#components, plan, { signal: this.#closing.signal })
    this.#smalls.set(plan.key, fetch)
    this.#smallFetches.add(fetch)
    void fetch.done.then((record) => {
      this.#smallFetches.delete(fetch)
      if (this.#smalls.get(plan.key) === fetch) this.#smalls.delete(plan.key)
      if (record) this.#kept(plan, record)
    })
    return fetch
  }

  #kept(plan: Plan, record: NameRecord): void {
    const { lookup, mesh } = this.#components
    // What it tells is wanted soon, and takes a second or two of another thread to be read.
    if (plan.index) void lookup.cached(plan)
    if (record.private || record.verified.length === 0) return
    const digests = parseDigests(record.verified).filter(isCollisionFree)
    if (digests.length > 0) mesh.announce(digests)
  }

  #refuse(plan: Plan): void {
    this.#closing.signal.throwIfAborted()
    const no = this.#components.negative.get(plan)
    if (no) throw no
  }

  async #board(flight: Flight, signal: AbortSignal, joined: boolean): Promise<Found> {
    const body = flight.attach()
    try {
      const { headers, kind } = await abortable(flight.head, signal)
      const ahead = (start: number, end: number) => flight.ahead(start, end, signal)
      return { source: joined ? 'flight' : kind, headers, body, digest: flight.digest, ahead }
    } catch (error) {
      body.close()
      throw error
    }
  }

  /** Whether upstream has what a client named by digest: its documents say so, however old, or its own answer. Rejects as `get`. */
  async #isThere(plan: Plan): Promise<boolean> {
    const { signal } = this.#closing
    if (await plan.expect?.(this.#components.lookup, signal)) return true
    return (!plan.expect || plan.located === true) && (await this.head(plan, signal)) !== undefined
  }

  /** A plan of something that only metadata tells the place of, with that place. */
  async #placed(plan: Plan, signal: AbortSignal): Promise<Plan> {
    if (!plan.expect || !(plan.digests || plan.placed)) return plan
    const { url = plan.url } = (await plan.expect(this.#components.lookup, signal)) ?? {}
    return { ...plan, url }
  }

  #takeOff(plan: Plan, permit: Permit, conditions?: Conditions): Flight {
    this.#closing.signal.throwIfAborted()
    const { negative, lookup, heads } = this.#components
    const isPrivate = heads.isPrivate(plan)
    const mesh = permit === 'upstream' || isPrivate ? NOBODY : this.#components.mesh
    const mayBeTold = mesh !== NOBODY && plan.kind === 'immutable' && !plan.proven
    const asksSeed = mayBeTold && this.#components.upstream.tells?.(atUpstream(plan)) === true
    const expecting = new Expecting(plan, lookup, this.#closing.signal, { asksSeed })
    const { store } = this.#components
    // What was known before the flight began was looked for already; of the rest a document, or a seed, tells that upstream has it.
    const mayBeHere = permit === 'anybody' && plan.kind === 'immutable' && !plan.digests && !plan.document
    const own = async (digests: readonly Digest[]) => (mayBeHere ? ownCopy(digests, store, isPrivate) : undefined)
    const flight = new Flight({ ...this.#components, mesh, expecting, aheads: this.#aheads, isPrivate, conditions, own }, plan)
    this.#latest.set(plan.key, flight)
    this.#flights.add(flight)
    flight.head.then(
      () => negative.delete(plan.key),
      (error: unknown) => negative.add(plan, error),
    )
    void flight.done.then((record) => {
      this.#flights.delete(flight)
      if (this.#latest.get(plan.key) === flight) this.#latest.delete(plan.key)
      if (record) this.#kept(plan, record)
    })
    return flight
  }
}

/** What was seen to be right before its bytes were evicted is known by that, where no document can be had any more. */
function remembering(plan: Plan, held: NameRecord | undefined): Plan {
  const { expect } = plan
  const digests = parseDigests(held?.verified ?? [])
  if (!expect || plan.digests || digests.length === 0) return plan
  const remembered = async (lookup: Lookup, signal: AbortSignal) => {
    try {
      return (await expect(lookup, signal)) ?? { digests }
    } catch (error) {
      signal.throwIfAborted()
      if (!isWarrenError(error) || !isTrouble(error)) throw error
      return { digests }
    }
  }
  return { ...plan, expect: remembered }
}
