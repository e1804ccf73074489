import { AbortScope } from '../abort-scope.ts'
import { type Digest, isCollisionFree, isOfBytes } from '../digest.ts'
import { reasonOf } from '../errors.ts'
import { abortable } from '../upstream/abortable.ts'
import { OVER } from './constants.ts'
import { disagree } from './differ.ts'
import { algorithmsOf, type Expectation, type Lookup, onBehalfOf, type Plan } from './plan.ts'

/** What a seed says of which digests an artifact is. */
export interface Word {
  /** Peer id of the seed. */
  readonly by: string
  readonly digests: readonly Digest[]
}

/**
 * What the metadata says an artifact must be, learnt beside the fetch: from cached documents at once, else from upstream while
 * the bytes are already coming. Where a seed is asked for the bytes whose word about names counts, that does as long as all goes well;
 * documents are asked for once it does not, and are believed rather than it. What is known never changes but where its user says so.
 */
export class Expecting {
  /** Resolves when the answer is in, or when it turned out that it has to be asked for. */
  readonly early: Promise<void>
  /** Where upstream has it, if only the metadata tells that; rejects with why it could not be learnt. */
  readonly place: Promise<string> | undefined
  /** Resolves if nothing is learnt before the artifact itself begins to come. */
  readonly idle: Promise<void>
  known: Expectation | undefined
  /** Why nothing could be learnt. */
  trouble = 'its metadata does not tell what it must be'
  readonly #plan: Plan
  readonly #idle = Promise.withResolvers<void>()
  readonly #coming = Promise.withResolvers<void>()
  readonly #needed = Promise.withResolvers<void>()
  readonly #told = Promise.withResolvers<void>()
  /** Whether no document is asked for as long as a seed may tell, or has told. */
  #waits = false
  #hasLearnt = false
  #word: Word | undefined
  /** What documents say. */
  #found: Expectation | undefined
  /** What `settled` is where no seed's word counts. */
  #unsaid: Promise<Expectation | undefined>
  #learning: Promise<void> = Promise.resolve()
  #scope: AbortScope | undefined

  /** @param init.asksSeed whether the artifact is asked of a seed first, which is to say what it must be */
  constructor(plan: Plan, lookup: Lookup, closing: AbortSignal, init: { readonly asksSeed?: boolean } = {}) {
    this.#plan = plan
    this.idle = this.#idle.promise
    // Few want to know.
    this.#coming.promise.catch(() => {})
    const { digests, expect } = plan
    if (digests) this.known = { digests }
    if (!expect) {
      // A plan without either names something that its ecosystem gives no checksum for.
      this.known ??= { digests: [] }
      this.#unsaid = Promise.resolve(this.known)
      this.early = Promise.resolve()
      return
    }
    const goingOut = Promise.withResolvers<void>()
    const watched: Lookup = {
      ...lookup,
      fetch: async (other, otherSignal, need) => {
        goingOut.resolve()
        if (this.#waits) await abortable(this.#needed.promise, signal)
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
    this.#waits = init.asksSeed === true && !digests && !plan.placed
    const learning = startOf(() => expect(watched, signal))
    if (digests || plan.placed) this.place = placeIn(learning, plan)
    if (digests) {
      // Members can be asked at once by what the request itself tells.
      this.#unsaid = learning.then(
        (found) => {
          this.known = { ...found, digests }
          return this.known
        },
        () => this.known,
      )
      this.early = Promise.resolve()
      return
    }
    this.#learning = this.#learn(learning)
    this.#unsaid = Promise.race([this.#learning, this.#told.promise]).then(() => this.known)
    this.early = Promise.race([goingOut.promise, this.#unsaid.then(() => {})])
  }

  /** Never rejects; undefined when nothing could be learnt, so that what came is served but not kept. */
  get settled(): Promise<Expectation | undefined> {
    return this.#word ? Promise.resolve(this.known) : this.#unsaid
  }

  /** Whether a seed is to say what nothing here tells. */
  get awaitsSeed(): boolean {
    return this.#waits && !this.#word && !this.#hasLearnt
  }

  /** Peer id of the seed by whose word alone it is known. */
  get teller(): string | undefined {
    return this.#word?.by
  }

  /** The artifact has begun to come. */
  begin(): void {
    this.#coming.resolve()
  }

  /** It was not to be had, for this reason. */
  miss(reason: unknown): void {
    this.need()
    this.#coming.reject(reason)
  }

  /** A seed says what it must be, whose word about names counts: by digests that documents of its ecosystem could tell as well. */
  told({ by, digests }: Word): void {
    if (!this.awaitsSeed) return
    if (this.#take({ by, digests })) this.#told.resolve()
    else this.need()
  }

  /** Another seed sent all of it, and says as much of it as the one before. Whether its word counts now. */
  toldOtherwise(word: Word | undefined): boolean {
    return word !== undefined && this.#word !== undefined && word.by !== this.#word.by && this.#take(word)
  }

  /** A seed's word does not do, or may not: documents are asked for. */
  need(): void {
    this.#waits = false
    this.#needed.resolve()
  }

  /**
   * Whether documents say something else than the seed did, if they say anything before it is `enough`, if that is ever so. Then theirs is
   * what is known.
   */
  async review(enough?: Promise<unknown>): Promise<boolean> {
    this.need()
    await (enough ? Promise.race([this.#learning, enough]) : this.#learning)
    const [word, found] = [this.#word, this.#found]
    if (!word || !found) return false
    this.#forget()
    return found.digests.length === 0 || disagree(word.digests, found.digests)
  }

  /** The seed's word turned out wrong: it counts no longer. */
  doubt(): void {
    this.need()
    if (this.#word) this.#forget()
  }

  /** Nobody waits for the artifact any more: nothing is asked that was not asked yet. */
  end(): void {
    this.#scope?.end(OVER)
  }

  #take({ by, digests }: Word): boolean {
    const usual = new Set<string>(algorithmsOf(this.#plan))
    const fit = digests.filter(
      (digest) => isOfBytes(digest.algorithm) && (isCollisionFree(digest) || usual.has(digest.algorithm)),
    )
    if (fit.length === 0) return false
    this.#word = { by, digests: fit }
    this.known = { digests: fit }
    return true
  }

  #forget(): void {
    this.#word = undefined
    this.known = this.#found
    this.#unsaid = this.#learning.then(() => this.known)
  }

  async #learn(learning: Promise<Expectation | undefined>): Promise<void> {
    try {
      this.#found = await learning
      if (!this.#word) this.known = this.#found
    } catch (error) {
      this.trouble = `its metadata could not be had: ${reasonOf(error)}`
    }
    this.#hasLearnt = true
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
