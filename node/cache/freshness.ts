import CachePolicy from 'http-cache-semantics'
import type { NameRecord } from '../store/store.ts'
import type { UpstreamResponse } from '../upstream/upstream.ts'
import { CLOCK_TOLERANCE } from './constants.ts'
import type { Plan } from './plan.ts'

type Headers = Readonly<Record<string, string>>

const DEFAULT_LIFETIME = { floor: 10_000, cap: 300_000 } as const

/** `checkedAt` of a record that upstream has taken back: it is there to be compared with only. */
const DISOWNED = 0

/**
 * How long a document counts as fresh, in ms. What RFC 9111 section 4.2 gives it as a shared cache, between the plan's bounds:
 * an upstream without any lifetime still gets the floor, one that says a year cannot hide new versions.
 */
export function freshFor(plan: Plan, headers: Headers, now: number): number {
  const request = { url: plan.url, method: 'GET', headers: {} }
  // A response without a Date came when it was received (RFC 9110 section 6.6.1).
  const dated = { date: new Date(now).toUTCString(), ...headers }
  const policy = new CachePolicy(request, { status: 200, headers: dated }, { shared: true })
  // Not `timeToLive()`, which counts stale-if-error and stale-while-revalidate as part of the lifetime.
  const lifetime = Math.round((policy.maxAge() - Math.floor(policy.age())) * 1_000)
  // Of a file that changed just now the heuristics of RFC 9111 section 4.2.2 make no time at all.
  return bounded(plan, tellsOfLifetime(headers) ? lifetime : Math.max(lifetime, plan.lifetime?.silent ?? lifetime))
}

/** The same after a 304, whose headers count where it has some (RFC 9111 section 4.3.4). */
export function renewedFor(plan: Plan, held: NameRecord, headers: Headers, now: number): number {
  return tellsOfLifetime(headers) || held.freshFor === null ? freshFor(plan, headers, now) : bounded(plan, held.freshFor)
}

/**
 * Milliseconds since upstream confirmed what came: none where that is now. A seed tells it by Age; what a cache before upstream says there
 * is counted as part of the lifetime.
 */
export function ageThrough({ headers, through }: Pick<UpstreamResponse, 'headers' | 'through'>): number {
  return through && /^\d{1,9}$/.test(headers.age ?? '') ? Number(headers.age) * 1_000 : 0
}

function tellsOfLifetime(headers: Headers): boolean {
  return ['cache-control', 'expires', 'pragma'].some((name) => headers[name] !== undefined)
}

function bounded(plan: Plan, lifetime: number): number {
  const { floor, cap } = plan.lifetime ?? DEFAULT_LIFETIME
  // What is no number would become null in the record, and null is for ever.
  return Number.isFinite(lifetime) ? Math.min(cap, Math.max(floor, lifetime)) : floor
}

/** The record of something that upstream says does not exist (any more). It is stale beyond every bound. */
export function disowned(record: NameRecord): NameRecord {
  return { ...record, checkedAt: DISOWNED }
}

/** Milliseconds since a source last confirmed the record. */
export function ageOf(record: NameRecord, now: number): number {
  return Math.max(0, now - record.checkedAt)
}

/** Milliseconds past its lifetime; negative while it is fresh. */
export function overdueBy(record: NameRecord, now: number): number {
  // Whatever the clock says, and however long an operator wants stale copies to be served.
  if (record.checkedAt === DISOWNED) return Number.POSITIVE_INFINITY
  return record.freshFor === null ? Number.NEGATIVE_INFINITY : ageOf(record, now) - record.freshFor
}

/** A clock that was set back must not keep a record fresh for years. */
export function isFromFuture(record: NameRecord, now: number): boolean {
  return record.freshFor !== null && record.checkedAt > now + CLOCK_TOLERANCE
}
