import { AbortScope } from '../abort-scope.ts'
import { reasonOf } from '../errors.ts'
import { abortable } from '../upstream/abortable.ts'
import { OVER } from './constants.ts'
import { type Expectation, type Lookup, onBehalfOf, type Plan } from './plan.ts'

/**
 * What the metadata says an artifact must be, learnt beside the fetch: from cached documents at once, else from upstream while
 * the bytes are already coming.
 */
export class Expecting {
  /** Never rejects; undefined when nothing could be learnt, so that what came is served but not kept. */
  readonly settled: Promise<Expectation | undefined>
  /** Resolves when the answer is in, or when it turned out that upstream has to be asked for it. */
  readonly early: Promise<void>
  /** Where upstream has it, if only the metadata tells that; rejects with why it could not be learnt. */
  readonly place: Promise<string> | undefined
  /** Resolves if nothing is learnt before the artifact itself begins to come. */
  readonly idle: Promise<void>
  known: Expectation | undefined
  /** Why nothing could be learnt. */
  trouble = 'its metadata does not tell what it must be'
  readonly #idle = Promise.withResolvers<void>()
  readonly #coming = Promise.withResolvers<void>()
  #scope: AbortScope | undefined

  constructor(plan: Plan, lookup: Lookup, closing: AbortSignal) {
    this.idle = this.#idle.promise
    // Few want to know.
    this.#coming.promise.catch(() => {})
    const { digests, expect } = plan
    if (digests) this.known = { digests }
    if (!expect) {
      // A plan without either names something that its ecosystem gives no checksum for.
      this.known ??= { digests: [] }
      this.settled = Promise.resolve(this.known)
      this.early = Promise.resolve()
      return
    }
    const goingOut = Promise.withResolvers<void>()
    const watched: Lookup = {
      ...lookup,
      fetch: (other, otherSignal, need) => {
        goingOut.resolve()
        return lookup.fetch(onBehalfOf(plan, other), otherSignal, need)
      },
      coming: () => {
        goingOut.resolve()
        this.#idle.resolve()
        return abortable(this.#coming.promise, signal)
      },
    }
    this.#scope = new AbortScope(closing)
    const { signal } = this.#scope
    const learning = startOf(() => expect(watched, signal))
    if (digests || plan.placed) this.place = placeIn(learning, plan)
    if (digests) {
      // Members can be asked at once by what the request itself tells.
      this.settled = learning.then(
        (found) => {
          this.known = { ...found, digests }
          return this.known
        },
        () => this.known,
      )
      this.early = Promise.resolve()
      return
    }
    this.settled = this.#learn(learning)
    this.early = Promise.race([goingOut.promise, this.settled.then(() => {})])
  }

  /** The artifact has begun to come. */
  begin(): void {
    this.#coming.resolve()
  }

  /** It was not to be had, for this reason. */
  miss(reason: unknown): void {
    this.#coming.reject(reason)
  }

  /** Nobody waits for the artifact any more: nothing is asked that was not asked yet. */
  end(): void {
    this.#scope?.end(OVER)
  }

  async #learn(learning: Promise<Expectation | undefined>): Promise<Expectation | undefined> {
    try {
      this.known = await learning
    } catch (error) {
      this.trouble = `its metadata could not be had: ${reasonOf(error)}`
    }
    return this.known
  }
}

/** Rejects, too, where something throws at once. */
async function startOf<T>(work: () => Promise<T>): Promise<T> {
  return work()
}

function placeIn(learning: Promise<Expectation | undefined>, plan: Plan): Promise<string> {
  const place = learning.then((found) => found?.url ?? plan.url)
  // Who needs it hears of it.
  place.catch(() => {})
  return place
}
