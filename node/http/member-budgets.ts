import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { WarrenError } from '../errors.ts'

/** What a member may have a seed do for it. */
export interface BudgetLimits {
  /** Questions a minute. */
  readonly requests: number
  /** Questions an hour for which upstream has to be asked. */
  readonly fetches: number
  /** Bytes a day that have to be fetched from upstream for it. */
  readonly bytes: number
  /** Documents a day from upstreams that count their pulls. */
  readonly pulls: number
}

/** What is left of it. */
export type Budget = BudgetLimits

interface Spent {
  minute: number
  hour: number
  day: number
  requests: number
  fetches: number
  bytes: number
  pulls: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Members whose spending is remembered; those that asked longest ago go first. */
const MAX_MEMBERS = 2_000

/**
 * What each member had this seed do, so that a single one cannot fill the disk, use the upstream's limit up or keep the seed from
 * others. What is here already costs but the question.
 */
export class MemberBudgets {
  readonly #clock: Clock
  readonly #limits: BudgetLimits
  readonly #spent = new LRUCache<string, Spent>({ max: MAX_MEMBERS })

  constructor(components: { clock: Clock }, limits: BudgetLimits) {
    this.#clock = components.clock
    this.#limits = limits
  }

  /** A member asks. Throws BUDGET_SPENT when it does so too often. */
  ask(member: string): void {
    const spent = this.#of(member)
    const { requests } = this.#limits
    if (spent.requests >= requests) throw this.#overspent(`${requests} questions a minute`, spent.minute + MINUTE)
    spent.requests++
  }

  /** Upstream has to be asked for it. Throws BUDGET_SPENT. @param metered whether upstream counts it */
  fetch(member: string, metered: boolean): void {
    const spent = this.#of(member)
    const { fetches, bytes, pulls } = this.#limits
    if (spent.fetches >= fetches) throw this.#overspent(`${fetches} questions to upstream an hour`, spent.hour + HOUR)
    if (spent.bytes >= bytes) throw this.#overspent(`${bytes} new bytes a day`, spent.day + DAY)
    if (metered && spent.pulls >= pulls) throw this.#overspent(`${pulls} pulls a day`, spent.day + DAY)
    spent.fetches++
    if (metered) spent.pulls++
  }

  /** So many bytes were fetched for it. */
  fetched(member: string, bytes: number): void {
    this.#of(member).bytes += bytes
  }

  /** What is left to a member. */
  left(member: string): Budget {
    const spent = this.#spent.get(member) ? this.#of(member) : { requests: 0, fetches: 0, bytes: 0, pulls: 0 }
    const { requests, fetches, bytes, pulls } = this.#limits
    return {
      requests: Math.max(0, requests - spent.requests),
      fetches: Math.max(0, fetches - spent.fetches),
      bytes: Math.max(0, bytes - spent.bytes),
      pulls: Math.max(0, pulls - spent.pulls),
    }
  }

  #of(member: string): Spent {
    const now = this.#clock.now()
    let spent = this.#spent.get(member)
    if (!spent) {
      spent = { minute: now, hour: now, day: now, requests: 0, fetches: 0, bytes: 0, pulls: 0 }
      this.#spent.set(member, spent)
    }
    // A clock that was set back must not make a minute of years.
    if (Math.abs(now - spent.minute) >= MINUTE) Object.assign(spent, { minute: now, requests: 0 })
    if (Math.abs(now - spent.hour) >= HOUR) Object.assign(spent, { hour: now, fetches: 0 })
    if (Math.abs(now - spent.day) >= DAY) Object.assign(spent, { day: now, bytes: 0, pulls: 0 })
    return spent
  }

  /** @param until when it has another one, in ms since the epoch */
  #overspent(what: string, until: number): WarrenError {
    const retryAfter = Math.ceil((until - this.#clock.now()) / 1_000)
    return new WarrenError('BUDGET_SPENT', `this seed does no more for you than ${what}`, { retryAfter })
  }
}
