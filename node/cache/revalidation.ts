import { bufferBody } from '../body.ts'
import { formatDigest } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { NameRecord } from '../store/store.ts'
import { abortable } from '../upstream/abortable.ts'
import { isTrouble } from './answer.ts'
import type { Artifacts } from './artifacts.ts'
import type { CacheEvents } from './cache-events.ts'
import { IN_HAND_BYTES, STALE_PATIENCE } from './constants.ts'
import { type FetchComponents, type FetchedDocument, fetchDocument, renewed, sourceOf } from './document-fetch.ts'
import type { Found, GetOptions } from './found.ts'
import { ageOf, disowned, isFromFuture, overdueBy } from './freshness.ts'
import type { NegativeCache } from './negative.ts'
import { NotModified } from './not-modified.ts'
import { type Plan, variantsOf } from './plan.ts'
import type { Pointers, Told } from './pointers.ts'
import type { Prefetch } from './prefetch.ts'
import { digestOf } from './shelf.ts'
import { Waiting } from './waiting.ts'

export interface RevalidationComponents extends FetchComponents {
  readonly events: CacheEvents
  readonly negative: NegativeCache
  readonly pointers: Pointers
  readonly artifacts: Artifacts
  readonly prefetch: Prefetch
}

/** Something mutable that is on its way to whoever takes part. */
interface Coming {
  board(signal: AbortSignal): Promise<Found>
}

type Outcome = FetchedDocument | Told | Coming

interface Running {
  /** Of the plan. */
  readonly key: string
  readonly outcome: Promise<Outcome>
  readonly waiting: Waiting
}

/** How upstream is asked: questions that differ in this are not one. */
interface How {
  /** Only where a name points to. */
  readonly head: boolean
  /** A seed's copy will not do unless upstream confirms it. */
  readonly revalidate: boolean
}

export interface RevalidationInit {
  /** Milliseconds past its lifetime during which a document is served at once and refreshed behind. */
  readonly staleWhileRevalidate: number
  /** Milliseconds past its lifetime during which a document is served because upstream is in trouble. */
  readonly staleIfError: number
}

/**
 * Documents that are not held, or not fresh. Upstream is asked once for all who ask; a stale copy is served while that lasts,
 * or while upstream is in trouble (RFC 5861), but never against upstream's word.
 */
export class Revalidation {
  readonly #components: RevalidationComponents
  readonly #init: RevalidationInit
  readonly #running = new Map<string, Running>()
  /** Also of those that nobody can take part in any more. */
  readonly #outcomes = new Set<Promise<Outcome>>()
  readonly #closing = new AbortController()

  constructor(components: RevalidationComponents, init: RevalidationInit) {
    this.#components = components
    this.#init = init
  }

  /** Rejects with upstream's «no», and with its trouble where no copy may stand in. */
  async get(plan: Plan, held: NameRecord | undefined, options: GetOptions): Promise<Found> {
    this.#closing.signal.throwIfAborted()
    const no = this.#components.negative.get(plan)
    if (no) throw no
    const { outcome, waiting } = this.#refresh(plan, held, {
      head: plan.pointsTo !== undefined && options.head === true,
      revalidate: options.revalidate === true,
    })
    waiting.enter()
    try {
      return await this.#find(plan, held, outcome, options)
    } finally {
      waiting.leave()
    }
  }

  async #find(plan: Plan, held: NameRecord | undefined, refresh: Promise<Outcome>, options: GetOptions): Promise<Found> {
    if (held && !options.revalidate && this.#isBriefly(held) && (await this.#fits(plan, held))) {
      const stale = await this.#components.shelf.open(plan, held, 'stale')
      if (stale) return stale
    }
    const copies = options.confirmed ? [] : this.#copies(plan, held)
    let trouble: unknown
    try {
      const fetched = await abortable(copies.length > 0 ? this.#patiently(refresh) : refresh, options.signal)
      if (fetched) return await this.#present(plan, fetched, options)
    } catch (error) {
      if (options.signal.aborted || !isTrouble(error)) throw error
      trouble = error
    }
    for (const copy of copies) {
      const isPurged = this.#components.store.purged.covers(copy.plan.key, copy.record)
      if (isPurged || !(await this.#fits(copy.plan, copy.record))) continue
      const stale = await this.#components.shelf.open(copy.plan, copy.record, 'stale')
      if (stale) return stale
    }
    if (trouble) throw trouble
    return this.#present(plan, await abortable(refresh, options.signal), options)
  }

  /** Lets go of what a purge may be about: whoever waits for it gets it, and whoever asks from now on asks upstream anew. */
  detach(isMeant: (key: string) => boolean): void {
    for (const [question, { key }] of this.#running) if (isMeant(key)) this.#running.delete(question)
  }

  /** Whoever waits gets `reason`. */
  async close(reason: unknown): Promise<void> {
    this.#closing.abort(reason)
    await Promise.allSettled(this.#outcomes)
  }

  /** One request to upstream per document at a time, whoever asks. */
  #refresh(plan: Plan, held: NameRecord | undefined, how: How): Running {
    const question = [plan.key, ...(how.head ? ['HEAD'] : []), ...(how.revalidate ? ['revalidated'] : [])].join('\n')
    const running = this.#running.get(question)
    if (running) return running
    const waiting = new Waiting()
    const outcome = this.#ask(plan, held, how, waiting).finally(() => {
      this.#outcomes.delete(outcome)
      if (this.#running.get(question) === refresh) this.#running.delete(question)
    })
    const refresh: Running = { key: plan.key, outcome, waiting }
    this.#running.set(question, refresh)
    this.#outcomes.add(outcome)
    // Those who got a stale copy do not wait for it.
    outcome.catch(() => {})
    return refresh
  }

  async #ask(plan: Plan, held: NameRecord | undefined, how: How, waiting: Waiting): Promise<Outcome> {
    const { negative, events } = this.#components
    try {
      const fetched = await this.#fetch(plan, held, how, waiting)
      negative.delete(plan.key)
      return fetched
    } catch (error) {
      negative.add(plan, error)
      if (!isTrouble(error)) await this.#disown(plan, error)
      else if (held) events.refreshFailed(plan, reasonOf(error))
      throw error
    }
  }

  async #fetch(plan: Plan, held: NameRecord | undefined, { head, revalidate }: How, waiting: Waiting): Promise<Outcome> {
    const { pointers, prefetch } = this.#components
    const { signal } = this.#closing
    if (plan.pointsTo) return pointers.resolve(plan, held, head, { signal, revalidate })
    if (plan.streamed) return this.#stream(plan, held, waiting)
    const fetched = await fetchDocument(this.#components, plan, held, { signal, revalidate })
    if (fetched.document) prefetch.after(plan, fetched.document.facts)
    return fetched
  }

  /** What may be larger than memory goes out while it comes. */
  async #stream(plan: Plan, held: NameRecord | undefined, waiting: Waiting): Promise<Outcome> {
    // Without its bytes a record has nothing that upstream could call right.
    const fits = held && (await this.#fits(plan, held))
    const copy = fits && (await this.#components.shelf.open(plan, held, 'upstream'))
    if (copy) copy.body.close()
    try {
      return { board: await this.#components.artifacts.renewed(plan, copy ? held : undefined, waiting) }
    } catch (error) {
      if (!(error instanceof NotModified) || !held) throw error
      if (this.#components.store.purged.covers(plan.key, held)) return this.#stream(plan, undefined, waiting)
      return { record: await renewed(this.#components, plan, held, error.answer), source: sourceOf(error.answer) }
    }
  }

  /**
   * Whether a copy of something large is what others say now that it must be. Where nobody can say, it may be: upstream is in
   * trouble, and its last word counts.
   */
  async #fits({ expect, streamed }: Plan, { blob, verified }: NameRecord): Promise<boolean> {
    if (!expect || !streamed) return true
    const expected = await expect(this.#components.lookup, this.#closing.signal).catch(() => undefined)
    if (!expected || expected.digests.length === 0) return true
    return expected.digests.some((digest) => [`sha256:${blob}`, ...verified].includes(formatDigest(digest)))
  }

  /**
   * Upstream says that there is no such thing (any more), or not for us. No copy must come back when the «no» is forgotten or
   * upstream falls silent, be it in another variant: they stay only to be compared with, should upstream change its mind.
   */
  async #disown(plan: Plan, no: unknown): Promise<void> {
    const { records } = this.#components.store
    for (const key of await this.#meant(plan, no)) {
      const record = records.get(key)
      // Of a variant that is being asked for, upstream will have its say.
      const isAsked = key !== plan.key && [...this.#running.keys()].some((one) => `${one}\n`.startsWith(`${key}\n`))
      if (record && !isAsked) await records.put(key, disowned(record)).catch(() => {})
    }
  }

  /** What a «no» is about: a variant may be absent by itself, and whatever is withdrawn or denied is so in all of them. */
  async #meant({ key, standIn }: Plan, no: unknown): Promise<Set<string>> {
    const keys = new Set(standIn ? [key, standIn.key] : [key])
    if (isWarrenError(no, 'UPSTREAM_ABSENT')) return keys
    for await (const [one] of this.#components.store.records.entries(variantsOf(key))) keys.add(one)
    return keys
  }

  #isBriefly(held: NameRecord): boolean {
    const now = this.#components.clock.now()
    return overdueBy(held, now) < this.#init.staleWhileRevalidate && !isFromFuture(held, now)
  }

  /** What may be served when upstream is slow or in trouble, best first. */
  #copies(plan: Plan, held: NameRecord | undefined): { plan: Plan; record: NameRecord }[] {
    const { store, clock } = this.#components
    const { standIn } = plan
    const other = standIn && store.records.get(standIn.key)
    const all = [...(held ? [{ plan, record: held }] : []), ...(standIn && other ? [{ plan: standIn, record: other }] : [])]
    return all.filter(({ record }) => overdueBy(record, clock.now()) <= this.#init.staleIfError)
  }

  /** Undefined when upstream takes longer than a client with a usable copy should wait. */
  async #patiently<T>(refresh: Promise<T>): Promise<T | undefined> {
    const over = new AbortController()
    try {
      return await Promise.race([refresh, this.#components.clock.sleep(STALE_PATIENCE, over.signal).then(() => undefined)])
    } finally {
      over.abort()
    }
  }

  async #present(plan: Plan, fetched: Outcome, options: GetOptions): Promise<Found> {
    if ('told' in fetched) return fetched.told
    if ('board' in fetched) return fetched.board(options.signal)
    const { record, bytes, document, source = 'upstream' } = fetched
    const stored = bytes && bytes.length > IN_HAND_BYTES ? await this.#components.shelf.open(plan, record, source) : undefined
    if (stored) return stored
    if (bytes) {
      const found: Found = {
        source,
        headers: record.headers,
        body: bufferBody(bytes),
        digest: digestOf(record),
        age: Math.floor(ageOf(record, this.#components.clock.now()) / 1_000),
      }
      return document ? { ...found, document } : found
    }
    const found = await this.#components.shelf.open(plan, record, source)
    if (found) return found
    throw new WarrenError('UPSTREAM_FAILED', `${plan.mirror}: the stored copy of ${plan.url} has just been lost; ask again`)
  }
}
