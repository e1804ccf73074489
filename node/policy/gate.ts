import { LRUCache } from 'lru-cache'
import type { Finder, Found, GetOptions, Wanted } from '../cache/found.ts'
import { type Lookup, onBehalfOf, type Plan, type Subject } from '../cache/plan.ts'
import type { Clock } from '../clock.ts'
import { LearntDates } from './learnt-dates.ts'
import { canonicalName, type Policy } from './policy.ts'
import { enforce, type Grounds, verdictsOf } from './verdicts.ts'
import type { Withholder, Withholding } from './withholding.ts'

export interface PolicyGateComponents {
  readonly cache: Finder
  readonly lookup: Lookup
  readonly clock: Clock
  /** When the bytes of a key came here, in ms since the epoch; undefined for what is not held. */
  keptSince(key: string): number | undefined
}

/** Keys that are known to be let through: more than an install asks for. */
const MAX_CLEARED = 50_000
/** Ms for which what a document offers may be outdated where the age of versions counts. */
const AGE_STEP = 60_000

/** That a key was let through. */
interface Cleared {
  /** Through which mirror: others may call the same by other names, about which the policy says something else. */
  readonly mirror: string
  /** Whether the policy says anything about it. What may change is then looked at each time. */
  readonly concerned: boolean
}

/**
 * Stands before the cache and lets through what the policy does: what is denied is neither asked of anybody nor served from what
 * is held. Without a policy it costs one look at a flag.
 */
export class PolicyGate implements Finder, Withholder {
  readonly #components: PolicyGateComponents
  readonly #cleared = new LRUCache<string, Cleared>({ max: MAX_CLEARED })
  readonly #learnt: LearntDates
  #policy: Policy
  #generation = 0

  constructor(components: PolicyGateComponents, policy: Policy) {
    this.#components = components
    this.#learnt = new LearntDates(components)
    this.#policy = policy
  }

  /** Replaces the policy; requests under way that have an answer keep it. */
  set policy(policy: Policy) {
    this.#policy = policy
    this.#generation++
    this.#cleared.clear()
  }

  /** Learns anew what documents say of versions. */
  forget(): void {
    this.#cleared.clear()
    this.#learnt.clear()
  }

  /** As the cache does. Throws or rejects with POLICY_DENIED. */
  get(plan: Plan, options: GetOptions): Found | Promise<Found> {
    const policy = this.#policy
    if (policy.isEmpty) return this.#components.cache.get(plan, options)
    const { subject } = plan
    const concerned = this.#concerned(plan)
    if (!subject || !concerned) {
      this.#clear(plan, false)
      return this.#components.cache.get(plan, options)
    }
    enforce(policy.verdictOfAny(concerned))
    const aging = policy.minimumAge(subject) > 0
    if (aging && subject.version !== undefined && plan.published && !this.#isCleared(plan))
      return this.#getOfAge(plan, subject, options)
    return this.#pass(plan, subject, aging, options)
  }

  /** Whether a client could have it, as far as its name and version tell. */
  lets(plan: Plan): boolean {
    const concerned = this.#policy.isEmpty ? undefined : this.#concerned(plan)
    return !concerned || this.#policy.verdictOfAny(concerned).allowed
  }

  /** Throws POLICY_DENIED for a package of which nothing is let through, of which upstream is then not asked either. */
  admit(subject: Subject): void {
    enforce(this.#policy.verdict(subject))
  }

  /** What can be had at once of a key, if that was let through since the policy is what it is. */
  atHand(wanted: Wanted, revalidate: boolean): Found | undefined {
    const isLetThrough = this.#policy.isEmpty || this.#isCleared(wanted, wanted.kind === 'mutable' || wanted.offers)
    return isLetThrough ? this.#components.cache.atHand(wanted, revalidate) : undefined
  }

  lacked(plan: Plan): boolean {
    return this.#components.cache.lacked(plan)
  }

  holds(plan: Plan): boolean {
    return this.#components.cache.holds(plan)
  }

  isFresh(plan: Plan): boolean {
    return this.#components.cache.isFresh(plan)
  }

  /** Undefined where nothing is said about a package. */
  of(subject: Subject): Withholding | undefined {
    const policy = this.#policy
    if (!policy.concerns(subject)) return undefined
    const now = this.#components.clock.now()
    const step = policy.minimumAge(subject) > 0 ? Math.floor(now / AGE_STEP) : 0
    const name = nameOf(subject)
    const learnt = this.#learnt.of(name)
    const grounds: Grounds = { settings: policy.settings, subject, now, ...(learnt ? { dates: learnt.dates } : {}) }
    return {
      // Documents of several packages may be the same, byte for byte.
      id: `${this.#generation} ${step} ${learnt?.id ?? 0} ${name}`,
      grounds,
      verdicts: () => verdictsOf(grounds, policy),
    }
  }

  #clear({ key, mirror }: Plan, concerned: boolean): void {
    this.#cleared.set(key, { mirror, concerned })
  }

  #isCleared({ key, mirror }: Pick<Plan, 'key' | 'mirror'>, unconcerned = false): boolean {
    const cleared = this.#cleared.get(key)
    return cleared?.mirror === mirror && !(unconcerned && cleared.concerned)
  }

  /** All that a plan may be of, if something is said about any of it. */
  #concerned({ subject, readings = [] }: Plan): readonly [Subject, ...Subject[]] | undefined {
    if (!subject) return undefined
    const all = [subject, ...readings] as const
    return all.some((one) => this.#policy.concerns(one)) ? all : undefined
  }

  #pass(plan: Plan, subject: Subject, aging: boolean, options: GetOptions): Found | Promise<Found> {
    const { cache } = this.#components
    if (plan.kind === 'immutable') this.#clear(plan, true)
    const wanted = aging && plan.dated ? onBehalfOf(plan, plan.dated) : plan
    if (plan.pointsTo) return this.#getPointedTo(wanted, subject, options)
    return aging && plan.undated ? this.#getUndated(wanted, plan.undated, subject, options) : cache.get(wanted, options)
  }

  /** A document, once it is known what has to be withheld of it so that clients choose what they may have. */
  async #getUndated(plan: Plan, undated: NonNullable<Plan['undated']>, subject: Subject, options: GetOptions): Promise<Found> {
    const found = await this.#components.cache.get(plan, options)
    const policy = this.#policy
    const isOld = (version: Plan, published: number) => {
      const age = { published, now: this.#components.clock.now() }
      return version.subject === undefined || policy.ageVerdict(version.subject, age).allowed
    }
    try {
      for (const line of found.document ? undated(found.document.facts) : []) {
        const open = line.filter((version) => version.subject && policy.verdict(version.subject).allowed)
        await this.#learnt.learn(nameOf(subject), open, isOld, options.signal)
      }
      return found
    } catch (error) {
      found.body.close()
      throw error
    }
  }

  async #getOfAge(plan: Plan, subject: Subject, options: GetOptions): Promise<Found> {
    const generation = this.#generation
    const { clock } = this.#components
    const least = this.#policy.minimumAge(subject)
    const since = this.#components.keptSince(plan.key)
    const heldLong = since !== undefined && clock.now() - since >= least
    const published = await this.#published(plan, heldLong, options.signal)
    // Another policy since the question was asked has questions of its own.
    if (generation !== this.#generation) return this.get(plan, options)
    // What was here for long enough is old enough, whatever is known of it.
    if (published === undefined && heldLong) return this.#pass(plan, subject, true, options)
    const verdict = this.#policy.ageVerdict(subject, { published, now: clock.now() })
    // Of what an upstream does not have, nobody tells the age: that is no refusal, and the next one is to be asked.
    if (!verdict.allowed && published === undefined) await this.#checkPresence(plan, options)
    enforce(verdict)
    return this.#pass(plan, subject, true, options)
  }

  async #checkPresence(plan: Plan, { signal }: GetOptions): Promise<void> {
    const found = await this.#components.cache.get(plan, { signal, head: true })
    found.body.close()
  }

  /** Rejects while upstream is in trouble: that is no word about the age. */
  async #published(plan: Plan, heldLong: boolean, signal: AbortSignal): Promise<number | undefined> {
    try {
      return await plan.published?.(this.#components.lookup, signal)
    } catch (error) {
      if (signal.aborted || !heldLong) throw error
      return undefined
    }
  }

  /** A name that is let through may lead to something that is not. */
  async #getPointedTo(plan: Plan, subject: Subject, options: GetOptions): Promise<Found> {
    const policy = this.#policy
    const found = await this.#components.cache.get(plan, options)
    try {
      if (found.digest !== undefined) enforce(policy.verdict({ ...subject, version: found.digest }))
      return found
    } catch (error) {
      found.body.close()
      throw error
    }
  }
}

function nameOf(subject: Subject): string {
  return `${subject.type}/${canonicalName(subject)}`
}
