import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { WarrenError } from '../errors.ts'

/** What a member may have a seed do for it. */
export interface BudgetLimits {
  /** Questions a minute. */
  readonly requests: number
  /** Questions an hour for which upstream has to be asked. */
  readonly fetches: number
  /** Bytes a day that have to be brought for it. */
  readonly bytes: number
  /** Documents a day from upstreams that count their pulls. */
  readonly pulls: number
}

/** What is left of it. */
export type Budget = BudgetLimits

/** Whose budget it is. */
export interface Holder {
  /** Peer id. */
  readonly peer: string
  /** Id of the ticket by which it joined; none for a seed that the admin key certified itself. */
  readonly ticket?: string | null | undefined
}

interface Spent {
  minute: number
  hour: number
  day: number
  requests: number
  fetches: number
  bytes: number
  pulls: number
}

/** What was spent by one member, or by all of one ticket, and how much that may be. */
interface Account {
  readonly spent: Spent
  readonly limits: BudgetLimits
  /** Who has it, for messages. */
  readonly who: string
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Members and tickets whose spending is remembered; those that asked longest ago go first. */
const MAX_ACCOUNTS = 4_000
/**
 * As many members' budgets have all members of one ticket together, questions apart, which cost next to nothing: whoever has the ticket
 * can join with it as often as it likes. What a whole farm of runners is the first to ask for is far less.
 */
const TICKET_FACTOR = 10

/**
 * What each member had this seed do, so that a single one cannot fill the disk, use the upstream's limit up or keep the seed from
 * others. What is here already costs but the question.
 */
export class MemberBudgets {
  readonly #clock: Clock
  readonly #limits: BudgetLimits
  readonly #ticketLimits: BudgetLimits
  readonly #spent = new LRUCache<string, Spent>({ max: MAX_ACCOUNTS })

  constructor(components: { clock: Clock }, limits: BudgetLimits) {
    this.#clock = components.clock
    this.#limits = limits
    this.#ticketLimits = {
      requests: Number.POSITIVE_INFINITY,
      fetches: limits.fetches * TICKET_FACTOR,
      bytes: limits.bytes * TICKET_FACTOR,
      pulls: limits.pulls * TICKET_FACTOR,
    }
  }

  /** A member asks. Throws BUDGET_SPENT when it does so too often. */
  ask(member: Holder): void {
    for (const { spent, limits, who } of this.#of(member)) {
      if (spent.requests >= limits.requests) this.#refuse(who, `${limits.requests} questions a minute`, spent.minute + MINUTE)
      spent.requests++
    }
  }

  /** Upstream has to be asked for it. Throws BUDGET_SPENT. @param metered whether upstream counts it */
  fetch(member: Holder, metered: boolean): void {
    const accounts = this.#of(member)
    for (const { spent, limits, who } of accounts) {
      const { fetches, bytes, pulls } = limits
      if (spent.fetches >= fetches) this.#refuse(who, `${fetches} questions to upstream an hour`, spent.hour + HOUR)
      if (spent.bytes >= bytes) this.#refuse(who, `${bytes} new bytes a day`, spent.day + DAY)
      if (metered && spent.pulls >= pulls) this.#refuse(who, `${pulls} pulls a day`, spent.day + DAY)
    }
    for (const { spent } of accounts) {
      spent.fetches++
      if (metered) spent.pulls++
    }
  }

  /** So many bytes were brought for it. */
  brought(member: Holder, bytes: number): void {
    for (const { spent } of this.#of(member)) spent.bytes += bytes
  }

  /** Whether no more bytes may be brought for it: so may be found of what was let through together with others. */
  isSpent(member: Holder): boolean {
    return this.left(member).bytes === 0
  }

  /** What is left to a member; nothing is noted for one that never asked. */
  left(member: Holder): Budget {
    const left = { ...this.#limits }
    for (const { spent, limits } of this.#of(member, false)) {
      for (const what of KINDS) left[what] = Math.min(left[what], Math.max(0, limits[what] - spent[what]))
    }
    return left
  }

  #of({ peer, ticket }: Holder, note = true): Account[] {
    const own: Account = { spent: this.#spentBy(peer, note), limits: this.#limits, who: 'you' }
    if (!ticket) return [own]
    return [own, { spent: this.#spentBy(`ticket ${ticket}`, note), limits: this.#ticketLimits, who: `ticket ${ticket}` }]
  }

  #spentBy(whose: string, note: boolean): Spent {
    const now = this.#clock.now()
    let spent = this.#spent.get(whose)
    if (!spent) {
      spent = { minute: now, hour: now, day: now, requests: 0, fetches: 0, bytes: 0, pulls: 0 }
      if (note) this.#spent.set(whose, spent)
    }
    // A clock that was set back must not make a minute of years.
    if (Math.abs(now - spent.minute) >= MINUTE) Object.assign(spent, { minute: now, requests: 0 })
    if (Math.abs(now - spent.hour) >= HOUR) Object.assign(spent, { hour: now, fetches: 0 })
    if (Math.abs(now - spent.day) >= DAY) Object.assign(spent, { day: now, bytes: 0, pulls: 0 })
    return spent
  }

  /** @param until when it has another one, in ms since the epoch */
  #refuse(who: string, what: string, until: number): never {
    const retryAfter = Math.ceil((until - this.#clock.now()) / 1_000)
    throw new WarrenError('BUDGET_SPENT', `this seed does no more for ${who} than ${what}`, { retryAfter })
  }
}

const KINDS = ['requests', 'fetches', 'bytes', 'pulls'] as const
