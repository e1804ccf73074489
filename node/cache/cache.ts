import type { Clock } from '../clock.ts'
import { type Digest, isCollisionFree, parseDigests } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import type { Mesh } from '../mesh/mesh.ts'
import type { PartialBlob } from '../mesh/shelf.ts'
import { inRequest } from '../request-id.ts'
import type { NameRecord, Store } from '../store/store.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { Artifacts } from './artifacts.ts'
import type { CacheEvents } from './cache-events.ts'
import { Completeness } from './completeness.ts'
import { AT_HAND_BYTES, REVALIDATE_WINDOW } from './constants.ts'
import { DocumentTurns } from './document-turns.ts'
import type { Documents } from './documents.ts'
import type { Found, GetOptions, Wanted } from './found.ts'
import { ageOf, isFromFuture, overdueBy } from './freshness.ts'
import { Heads } from './heads.ts'
import { NegativeCache } from './negative.ts'
import { Permits } from './permits.ts'
import type { Lookup, Plan } from './plan.ts'
import { Pointers } from './pointers.ts'
import { Prefetch } from './prefetch.ts'
import { Revalidation, type RevalidationInit } from './revalidation.ts'
import { Shelf } from './shelf.ts'

export type { CacheEvents } from './cache-events.ts'
export type { Found, GetOptions, Source } from './found.ts'

export interface CacheComponents {
  readonly store: Store
  readonly mesh: Mesh
  readonly upstream: Upstream
  readonly documents: Documents
  readonly clock: Clock
  readonly events: CacheEvents
  /** Whether something may be fetched before a client asked for it; all, if not set. */
  readonly mayPrefetch?: (plan: Plan) => boolean
}

export interface CacheInit extends RevalidationInit {
  /** Milliseconds that a 404 for a name counts. */
  readonly negative: number
}

/**
 * The one door to everything that a node can serve: the store, a flight in progress, the mesh, upstream, in that order.
 * Read this first; then `artifacts.ts` for what never changes and `revalidation.ts` for what does.
 */
export class Cache {
  /** For whoever has to know what documents say before it asks for what they are about. */
  readonly lookup: Lookup
  readonly #components: CacheComponents
  readonly #shelf: Shelf
  readonly #artifacts: Artifacts
  readonly #completeness: Completeness
  /** Parts that remember what a purge may be about. */
  readonly #memories: readonly { clear(): void }[]
  readonly #negative: NegativeCache
  readonly #prefetch: Prefetch
  readonly #revalidation: Revalidation
  readonly #staleIfError: number

  constructor(components: CacheComponents, init: CacheInit) {
    const { clock } = components
    const shelf = new Shelf(components)
    const negative = new NegativeCache({ clock }, { nameTtl: init.negative })
    const heads = new Heads(components)
    const permits = new Permits(components)
    const lookup: Lookup = {
      cached: async (plan) => {
        const landed = this.#artifacts.landed(plan.key)
        if (landed) await landed
        return shelf.facts(plan)
      },
      held: (prefix) => shelf.keys(prefix),
      fetch: (plan, signal, need) => this.#facts(plan, { signal, revalidate: true, confirmed: need === 'confirmed' }),
    }
    const anew: Lookup = {
      cached: async () => undefined,
      fetch: (plan, signal) => this.#facts(plan, { signal, revalidate: true, anew: true }),
    }
    this.lookup = lookup
    this.#components = components
    this.#shelf = shelf
    this.#negative = negative
    this.#staleIfError = init.staleIfError
    this.#completeness = new Completeness({ ...components, heads })
    this.#artifacts = new Artifacts({ ...components, negative, heads, permits, lookup })
    const fetching = { ...components, shelf, turns: new DocumentTurns(), lookup, anew }
    const get = async (plan: Plan, options: GetOptions) => this.#get(plan, options)
    const pointers = new Pointers({ ...fetching, heads, permits, completeness: this.#completeness, get })
    this.#prefetch = new Prefetch({
      records: components.store.records,
      get,
      mayFetch: components.mayPrefetch ?? (() => true),
    })
    this.#revalidation = new Revalidation(
      { ...fetching, negative, pointers, artifacts: this.#artifacts, prefetch: this.#prefetch },
      init,
    )
    this.#memories = [negative, permits, this.#completeness, pointers]
  }

  /** Artifacts being fetched now. */
  get flights(): number {
    return this.#artifacts.flights
  }

  /**
   * At once where the store is, since each await costs a small hit some percent of its time. Rejects with UPSTREAM_ABSENT,
   * _GONE, _LEGAL or _DENIED for upstream's «no», and with everything else as trouble.
   */
  get(plan: Plan, options: GetOptions): Found | Promise<Found> {
    return plan.needs || plan.pointsTo ? this.#getWhole(plan, options) : this.#get(plan, options)
  }

  #get(plan: Plan, options: GetOptions): Found | Promise<Found> {
    const kept = this.#components.store.records.get(plan.key)
    // Another mirror's rules may have it that it never changes.
    const held = kept?.freshFor === null && plan.kind === 'mutable' ? { ...kept, freshFor: 0 } : kept
    if (!held || held.link || !this.#usable(plan, held, options)) return this.#miss(plan, held, options)
    const found = this.#shelf.open(plan, held, 'local')
    // Bytes may have been evicted: that the name is known says that upstream has it, so that members may be asked.
    const name = plan.kind === 'immutable' ? held : undefined
    if (found instanceof Promise) return found.then((opened) => opened ?? this.#miss(plan, name, options))
    return found ?? this.#miss(plan, name, options)
  }

  /** As `Finder` has it. A `needy` one only while it was seen a moment ago that all it names can be had. */
  atHand(wanted: Wanted, revalidate = false): Found | undefined {
    const held = this.#components.store.records.get(wanted.key)
    if (!held || held.link || held.size > AT_HAND_BYTES) return undefined
    if (held.freshFor === null ? wanted.kind === 'mutable' : !this.#usable(wanted, held, { revalidate })) return undefined
    if (wanted.needy && !this.#completeness.knows(held)) return undefined
    const found = this.#shelf.open(wanted, held, 'local')
    if (!(found instanceof Promise)) return found
    void found.then((opened) => opened?.body.close())
    return undefined
  }

  /** Digests that the bytes of a key have or are to have, as far as they are known: none that anybody could forge. */
  digests(key: string): readonly Digest[] {
    return (this.promised(key) ?? []).filter(isCollisionFree)
  }

  /** Of which digests the bytes of a key have or are to have one: none where nothing promises any; undefined while it is not known. */
  promised(key: string): readonly Digest[] | undefined {
    const { store } = this.#components
    const record = store.records.get(key)
    const coming = this.#artifacts.digests(key)
    // A record whose bytes are gone tells of what was here, and not of what is being fetched.
    const isHere = () => record !== undefined && store.blobs.find({ algorithm: 'sha256', hex: record.blob }) !== undefined
    const counts = record && (!coming || (record.verified.length > 0 && isHere()))
    return counts ? parseDigests(record.verified) : coming
  }

  /** Resolves once `promised` tells all that it will, if that is soon. Rejects with the signal's reason. */
  learnt(key: string, signal: AbortSignal): Promise<void> {
    return this.#artifacts.learnt(key, signal)
  }

  /** What is here of an artifact with this digest that is being fetched; undefined where none of it is for members. */
  partial(digest: Digest): PartialBlob | undefined {
    return this.#artifacts.partial(digest)
  }

  /**
   * Lets go of what a purge may be about and that is on its way: whoever reads it goes on, whoever asks from now on gets something else.
   * `isMeant` is asked with the digests of which the bytes are to have one, as far as these are known.
   */
  detach(isMeant: (key: string, expected: readonly Digest[] | undefined) => boolean): void {
    this.#artifacts.detach(isMeant)
    this.#revalidation.detach((key) => isMeant(key, undefined))
    for (const memory of this.#memories) memory.clear()
  }

  /** As `Finder` has it. */
  lacked(plan: Plan): boolean {
    return this.#negative.lacked(plan, this.#staleIfError)
  }

  /** As `Finder` has it. */
  holds({ key }: Plan): boolean {
    const { store, clock } = this.#components
    const held = store.records.get(key)
    return held !== undefined && !held.link && overdueBy(held, clock.now()) <= this.#staleIfError
  }

  /** As `Finder` has it. */
  isFresh(plan: Plan): boolean {
    const held = this.#components.store.records.get(plan.key)
    return held !== undefined && !held.link && this.#usable(plan, held, {})
  }

  /** Whoever waits or reads gets DRAINING; idempotent. */
  async close(): Promise<void> {
    const reason = new WarrenError('DRAINING', 'this node is stopping')
    await Promise.all([this.#artifacts.close(reason), this.#revalidation.close(reason), this.#prefetch.close(reason)])
  }

  #miss(plan: Plan, held: NameRecord | undefined, options: GetOptions): Promise<Found> {
    return named(options, () => this.#fetch(plan, held, options))
  }

  async #fetch(plan: Plan, held: NameRecord | undefined, options: GetOptions): Promise<Found> {
    if (plan.kind === 'immutable') return this.#artifacts.get(plan, held, options)
    // What a name points to is asked by HEAD in any case.
    if (plan.pointsTo) return this.#revalidation.get(plan, held, options)
    // The length of a document that is rewritten for each client is known only from its bytes.
    const found = options.head && !held && !plan.document ? await this.#artifacts.head(plan, options.signal) : undefined
    return found ?? this.#revalidation.get(plan, held, options)
  }

  /** A document that names what has to come with it. One that has just come from upstream needs no look: the rest is there, too. */
  #getWhole(plan: Plan, options: GetOptions): Found | Promise<Found> {
    const finding = this.#get(plan, options)
    if (finding instanceof Promise) return finding.then((found) => named(options, () => this.#whole(plan, found, options)))
    const record = this.#components.store.records.get(plan.key)
    return record && this.#completeness.knows(record) ? finding : named(options, () => this.#whole(plan, finding, options))
  }

  async #whole(plan: Plan, found: Found, options: GetOptions): Promise<Found> {
    if (found.source === 'upstream') {
      this.#completeness.reached(plan.base)
      return found
    }
    try {
      // What a member has just sent is looked at as well, once what it names is known.
      await this.#artifacts.kept(plan, options.signal)
      const record = this.#components.store.records.get(plan.key)
      if (record) await this.#completeness.check(plan, record, options.signal)
      return found
    } catch (error) {
      found.body.close()
      throw error
    }
  }

  #usable(plan: Pick<Plan, 'kind'>, held: NameRecord, options: Pick<GetOptions, 'revalidate' | 'anew'>): boolean {
    if (held.freshFor === null) return true
    const now = this.#components.clock.now()
    if (overdueBy(held, now) >= 0 || isFromFuture(held, now)) return false
    if (!options.revalidate || plan.kind === 'immutable') return true
    return !options.anew && ageOf(held, now) < REVALIDATE_WINDOW
  }

  /** Facts of a document that upstream confirms, if it can be asked: what a held copy told was not enough. */
  async #facts(plan: Plan, options: GetOptions): Promise<unknown> {
    const found = await this.get(plan, options)
    found.body.close()
    if (found.document || !plan.document) return found.document?.facts
    // Of what never changes they are known once it is written down.
    await this.#artifacts.kept(plan, options.signal)
    return this.#shelf.facts(plan)
  }
}

/** What is done for a request bears its name; what one leads to that has none goes on under that of the other. */
function named<R>({ requestId }: GetOptions, work: () => R): R {
  return requestId === undefined ? work() : inRequest(requestId, work)
}
