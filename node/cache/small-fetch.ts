import { bufferBody } from '../body.ts'
import type { Clock } from '../clock.ts'
import { type Digest, isCollisionFree } from '../digest.ts'
import { isWarrenError, reasonOf } from '../errors.ts'
import type { Mesh, SmallBlob } from '../mesh/mesh.ts'
import { fetchedIn } from '../store/purged.ts'
import type { NameRecord, Staging, Store } from '../store/store.ts'
import { digestHeaders, recordHeaders } from './answer.ts'
import type { CacheEvents } from './cache-events.ts'
import type { Found } from './found.ts'
import { algorithmsOf, type Expectation, type Lookup, type Plan } from './plan.ts'
import { nameOf, verify } from './verify.ts'

export interface SmallFetchComponents {
  readonly store: Store
  readonly mesh: Mesh
  readonly clock: Clock
  readonly events: CacheEvents
  readonly lookup: Lookup
}

/** What has come, and is right. */
interface Arrived {
  readonly kind: SmallBlob['kind']
  readonly bytes: Buffer
  readonly headers: Found['headers']
  readonly expectation: Expectation
  readonly verified: readonly string[]
  readonly staging: Staging
}

const NOT_AT_HAND = new Error('it would have to be fetched')

/**
 * One fetch of an artifact that a member lists and that turns out to be small. It comes in one piece and goes out only once it was
 * checked, so that it needs nothing of what a flight is made of; whatever does not go well is left to a flight.
 */
export class SmallFetch {
  /** Resolves with the record when the artifact was kept; never rejects. */
  readonly done: Promise<NameRecord | undefined>
  readonly #components: SmallFetchComponents
  readonly #plan: Plan
  readonly #signal: AbortSignal
  readonly #arriving: Promise<Arrived | undefined>
  /** Of purges, when it began. */
  readonly #generation: number
  #expected: readonly Digest[] | undefined
  #learnt: Expectation | undefined

  /** @param init.signal aborted when the node stops */
  constructor(components: SmallFetchComponents, plan: Plan, init: { readonly signal: AbortSignal }) {
    this.#components = components
    this.#plan = plan
    this.#signal = init.signal
    this.#generation = components.store.purged.generation
    this.#arriving = this.#arrive()
    this.done = this.#arriving.then((arrived) => arrived && this.#keep(arrived))
  }

  /** Digests of which the bytes are to have one; undefined while that is not known. */
  get expected(): readonly Digest[] | undefined {
    return this.#expected
  }

  /** What is promised, where all that may tell of it was at hand, so that a flight need not look again. */
  get learnt(): Expectation | undefined {
    return this.#learnt
  }

  /** Undefined where a flight has to bring it. Never rejects. */
  async found(joined: boolean): Promise<Found | undefined> {
    const arrived = await this.#arriving
    if (!arrived) return undefined
    const { kind, headers, bytes, expectation } = arrived
    return { source: joined ? 'flight' : kind, headers, body: bufferBody(bytes), digest: nameOf(expectation.digests) }
  }

  async #arrive(): Promise<Arrived | undefined> {
    const { mesh, events } = this.#components
    let small: SmallBlob | undefined
    try {
      const expectation = await this.#expect()
      this.#expected = expectation?.digests
      const strong = this.#expected?.filter(isCollisionFree) ?? []
      small = strong.length > 0 ? await mesh.small(strong) : undefined
      if (!expectation || !small) return undefined
      this.#plan.brought?.(small.bytes.length)
      if (small.bytes.length > (this.#plan.maxBytes ?? small.bytes.length)) return undefined
      return await this.#check(small, expectation)
    } catch (error) {
      if (small && isWarrenError(error, 'UPSTREAM_CORRUPT')) {
        events.corrupt(this.#plan, small.kind, reasonOf(error))
        small.blame('the bytes do not match their digest')
      }
      return undefined
    }
  }

  /** What is promised, as far as that is known here; rejects where it is not. */
  async #expect(): Promise<Expectation | undefined> {
    const { digests, expect } = this.#plan
    if (digests) return { digests }
    if (!expect) return undefined
    let isAtHand = true
    const unknown = () => {
      isAtHand = false
      return Promise.reject(NOT_AT_HAND)
    }
    const expectation = await expect({ ...this.#components.lookup, fetch: unknown, coming: unknown }, this.#signal)
    if (isAtHand) this.#learnt = expectation
    return expectation
  }

  async #check({ kind, bytes }: SmallBlob, expectation: Expectation): Promise<Arrived> {
    const staging = this.#components.store.blobs.stage({ size: bytes.length, bytes, algorithms: algorithmsOf(this.#plan) })
    try {
      const verified = await verify(this.#plan, expectation, staging)
      return { kind, bytes, headers: recordHeaders(this.#plan, {}), expectation, verified, staging }
    } catch (error) {
      await staging.close()
      throw error
    }
  }

  async #keep({ bytes, headers, verified, staging }: Arrived): Promise<NameRecord | undefined> {
    try {
      const now = this.#components.clock.now()
      const digests = await staging.seal()
      const record: NameRecord = {
        v: 1,
        blob: digests.sha256,
        size: bytes.length,
        headers: { ...headers, ...digestHeaders(this.#plan, digests) },
        fetchedAt: now,
        checkedAt: now,
        freshFor: null,
        verified,
        ...fetchedIn(this.#generation),
      }
      return (await staging.commit(new Map([[this.#plan.key, record]]))) ? record : undefined
    } catch {
      // The node is stopping.
      return undefined
    } finally {
      await staging.close()
    }
  }
}
