import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { bufferBody, readAll } from '../body.ts'
import { formatDigest } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import type { Mesh } from '../mesh/mesh.ts'
import { fetchedIn } from '../store/purged.ts'
import type { NameRecord } from '../store/store.ts'
import type { UpstreamResponse } from '../upstream/upstream.ts'
import { declaredSize, isTrouble, recordHeaders, refusal } from './answer.ts'
import { isAtMember } from './at-member.ts'
import type { Completeness } from './completeness.ts'
import { POINTED_KEYS, POINTED_TTL } from './constants.ts'
import { type FetchComponents, type FetchedDocument, type FetchOptions, fetchDocument } from './document-fetch.ts'
import type { Found, GetOptions } from './found.ts'
import { freshFor, overdueBy } from './freshness.ts'
import type { Heads } from './heads.ts'
import { heldBlob } from './links.ts'
import type { Permits } from './permits.ts'
import { onBehalfOf, type Plan } from './plan.ts'

export interface PointersComponents extends FetchComponents {
  readonly heads: Heads
  readonly permits: Permits
  readonly completeness: Completeness
  readonly mesh: Mesh
  /** Finds what a name points to, as a client would. */
  get(plan: Plan, options: GetOptions): Promise<Found>
}

const EMPTY = Buffer.alloc(0)

/** What upstream says of a document that was not fetched. */
export interface Told {
  readonly told: Found
}

/** What upstream said of a name. */
interface Pointed {
  readonly at: number
  readonly target: Plan
  readonly headers: UpstreamResponse['headers']
}

/**
 * Names that point to documents which are known by digest. Upstream is asked by HEAD where they point, which is free where GETs
 * are counted; the document itself is fetched only if nobody here has it.
 */
export class Pointers {
  readonly #components: PointersComponents
  readonly #pointed = new LRUCache<string, Pointed>({ max: POINTED_KEYS })

  constructor(components: PointersComponents) {
    this.#components = components
  }

  /** Asks anew where names point to. */
  clear(): void {
    this.#pointed.clear()
  }

  /** What a name points to now; with `head` the bytes are not fetched for it. Rejects as upstream does. */
  async resolve(
    plan: Plan,
    held: NameRecord | undefined,
    head: boolean,
    options: FetchOptions,
  ): Promise<FetchedDocument | Told> {
    const { signal } = options
    const { store, permits, completeness } = this.#components
    const { generation } = store.purged
    const pointed = await this.#ask(plan, held, signal)
    if (!pointed) return fetchDocument(this.#components, plan, held, options)
    const { target } = pointed
    permits.confirm(target.key)
    completeness.reached(plan.base)
    if (
      held &&
      !store.purged.covers(plan.key, held) &&
      target.digests?.some(({ hex }) => held.verified[0]?.endsWith(`:${hex}`))
    ) {
      const renewed = await this.#renew(plan, held, pointed)
      if (renewed) return renewed
    }
    // Before a HEAD is answered as well: who is told a digest asks for it next.
    await this.#spare(plan, target, held, signal)
    const known = store.records.get(target.key)
    if (head && (!known || known.link)) return { told: told(plan, pointed) }
    try {
      const found = await this.#components.get(onBehalfOf(plan, target), { signal })
      return await this.#name(plan, found, pointed, generation)
    } catch (error) {
      // The name may have moved on meanwhile, or its document not be everywhere yet: only upstream's word about the name counts.
      if (isTrouble(error)) throw error
      this.#pointed.delete(plan.key)
      return fetchDocument(this.#components, plan, held, options)
    }
  }

  /** Undefined where upstream's HEAD does not tell, so that the whole has to be fetched. */
  async #ask(plan: Plan, held: NameRecord | undefined, signal: AbortSignal): Promise<Pointed | undefined> {
    const { clock, heads } = this.#components
    const known = this.#pointed.get(plan.key)
    const age = known ? clock.now() - known.at : -1
    if (age >= 0 && age < POINTED_TTL) return known
    const response = await heads.ask(plan, signal)
    if (!response && held)
      throw new WarrenError('UPSTREAM_FAILED', `${plan.mirror}: upstream fails when it is asked for ${plan.url}`)
    const no = response && refusal(plan, response)
    // Some refuse every HEAD.
    if (no && !isTrouble(no) && no.code !== 'UPSTREAM_DENIED') throw no
    const target = response && !no ? plan.pointsTo?.(response.headers) : undefined
    if (!response || !target) return undefined
    const pointed = { at: clock.now(), target, headers: response.headers }
    this.#pointed.set(plan.key, pointed)
    return pointed
  }

  /** Undefined when the bytes are gone. */
  async #renew(plan: Plan, held: NameRecord, { headers, at }: Pointed): Promise<FetchedDocument | undefined> {
    const { shelf, store } = this.#components
    const found = await shelf.open(plan, held, 'upstream')
    found?.body.close()
    if (!found) return undefined
    const record = { ...held, checkedAt: at, freshFor: freshFor(plan, headers, at) }
    // What cannot be written down is true nevertheless.
    await store.records.put(plan.key, record).catch(() => {})
    return { record, source: 'local' }
  }

  /** Near upstream's limit the last pulls are for what nobody here has any copy of. */
  async #spare(plan: Plan, target: Plan, held: NameRecord | undefined, signal: AbortSignal): Promise<void> {
    const { store, upstream, heads, clock, mesh } = this.#components
    if (!held || overdueBy(held, clock.now()) === Number.POSITIVE_INFINITY) return
    const budget = upstream.budget(plan.base)
    if (!budget?.isLow || heldBlob(target, store, heads.isPrivate(target)) !== undefined) return
    if (!heads.isPrivate(target) && (await isAtMember({ mesh, clock }, target, signal))) return
    throw new WarrenError(
      'UPSTREAM_BUSY',
      `${plan.mirror}: only ${budget.remaining} of ${budget.limit} pulls are left, which are kept for images that are not here`,
    )
  }

  /** Keeps under the name what was found under its digest. */
  async #name(plan: Plan, found: Found, { headers, at }: Pointed, generation: number): Promise<FetchedDocument> {
    const { clock, store, heads } = this.#components
    try {
      const bytes = await readAll(found.body)
      const now = clock.now()
      const record: NameRecord = {
        v: 1,
        blob: createHash('sha256').update(bytes).digest('hex'),
        size: bytes.length,
        headers: { ...found.headers, ...plan.responseHeaders },
        fetchedAt: now,
        checkedAt: at,
        freshFor: freshFor(plan, headers, at),
        verified: found.digest === undefined ? [] : [found.digest],
        ...(heads.isPrivate(plan) ? { private: true } : {}),
        ...fetchedIn(generation),
      }
      // Its bytes may be in the store only a moment later. Without them it says less than nothing: they are asked for again.
      await store.records.put(plan.key, record).catch(() => {})
      return { record, bytes, source: found.source }
    } finally {
      found.body.close()
    }
  }
}

function told(plan: Plan, { target, headers }: Pointed): Found {
  const body = { ...bufferBody(EMPTY), size: declaredSize(headers) }
  const [digest] = target.digests ?? []
  return {
    source: 'upstream',
    headers: { ...recordHeaders(target, headers), ...plan.responseHeaders },
    body,
    digest: digest && formatDigest(digest),
    age: 0,
  }
}
