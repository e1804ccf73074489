import CachePolicy from 'http-cache-semantics'
import type { NameRecord } from '../store/store.ts'
import { CLOCK_TOLERANCE } from './constants.ts'
import type { Plan } from './plan.ts'

type Headers = Readonly<Record<string, string>>

const DEFAULT_LIFETIME = { floor: 10_000, cap: 300_000 } as const

/**
 * How long a document counts as fresh, in ms. What RFC 9111 section 4.2 gives it as a shared cache, between the plan's bounds:
 * an upstream without any lifetime still gets the floor, one that says a year cannot hide new versions.
 */
export function freshFor(plan: Plan, headers: Headers): number {
  const { floor, cap } = plan.lifetime ?? DEFAULT_LIFETIME
  const request = { url: plan.url, method: 'GET', headers: {} }
  const lifetime = new CachePolicy(request, { status: 200, headers: { ...headers } }, { shared: true }).timeToLive()
  // What is no number would become null in the record, and null is for ever.
  return Number.isFinite(lifetime) ? Math.min(cap, Math.max(floor, lifetime)) : floor
}

/** The same after a 304, whose headers count where it has some (RFC 9111 section 4.3.4). */
export function renewedFor(plan: Plan, held: NameRecord, headers: Headers): number {
  const told = headers['cache-control'] !== undefined || headers.expires !== undefined
  return told || held.freshFor === null ? freshFor(plan, headers) : held.freshFor
}

/** Milliseconds since a source last confirmed the record. */
export function ageOf(record: NameRecord, now: number): number {
  return Math.max(0, now - record.checkedAt)
}

/** Milliseconds past its lifetime; negative while it is fresh. */
export function overdueBy(record: NameRecord, now: number): number {
  return record.freshFor === null ? Number.NEGATIVE_INFINITY : ageOf(record, now) - record.freshFor
}

/** A clock that was set back must not keep a record fresh for years. */
export function isFromFuture(record: NameRecord, now: number): boolean {
  return record.freshFor !== null && record.checkedAt > now + CLOCK_TOLERANCE
}
