import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ageOf, disowned, freshFor, isFromFuture, overdueBy, renewedFor } from '../../../node/cache/freshness.ts'
import type { NameRecord } from '../../../node/store/store.ts'
import { MINUTE } from './fixture.ts'
import { document } from './plans.ts'

const SECOND = 1_000
const DAY = 24 * 60 * MINUTE
const NOW = Date.UTC(2026, 0, 1)
const PLAN = document('index', { lifetime: { floor: 0, cap: 365 * DAY } })
const date = (ms: number) => new Date(ms).toUTCString()

const RECORD: NameRecord = {
  v: 1,
  blob: 'b',
  size: 1,
  headers: {},
  fetchedAt: NOW,
  checkedAt: NOW,
  freshFor: MINUTE,
  verified: [],
}

describe('the lifetime that upstream gives (RFC 9111 section 4.2)', () => {
  const cases: [string, Record<string, string>, seconds: number][] = [
    ['max-age', { 'cache-control': 'public, max-age=300' }, 300],
    ['s-maxage before max-age, since the cache is shared', { 'cache-control': 'max-age=300, s-maxage=60' }, 60],
    ['max-age before Expires', { 'cache-control': 'max-age=300', expires: date(NOW + DAY) }, 300],
    ['s-maxage before Expires', { 'cache-control': 's-maxage=5', expires: date(NOW + DAY) }, 5],
    ['Expires less Date', { date: date(NOW - DAY), expires: date(NOW - DAY + 90 * SECOND) }, 90],
    ['Expires less now, without a Date', { expires: date(NOW + 90 * SECOND) }, 90],
    ['nothing for an Expires that is no date', { expires: '0' }, 0],
    ['nothing for an Expires in the past', { expires: date(NOW - SECOND) }, 0],
    ['a tenth of the time since it changed', { date: date(NOW), 'last-modified': date(NOW - 1_000 * SECOND) }, 100],
    ['the same without a Date', { 'last-modified': date(NOW - 1_000 * SECOND) }, 100],
    ['nothing without a word', {}, 0],
    ['less the Age that it has already', { 'cache-control': 'max-age=300', age: '299' }, 1],
    ['nothing when it is older than that', { 'cache-control': 'max-age=300', age: '301' }, 0],
    ['nothing for no-cache', { 'cache-control': 'no-cache, max-age=300' }, 0],
    ['nothing for no-store', { 'cache-control': 'no-store, max-age=300' }, 0],
    ['nothing for what is private', { 'cache-control': 'private, max-age=300' }, 0],
    ['no time in which it may be served stale', { 'cache-control': 'max-age=60, stale-while-revalidate=600' }, 60],
    ['nor that after errors', { 'cache-control': 'max-age=60, stale-if-error=86400' }, 60],
    ['nor any of that when it is not fresh at all', { 'cache-control': 'max-age=0, stale-if-error=86400' }, 0],
    ['nothing for a max-age that is no number', { 'cache-control': 'max-age=soon' }, 0],
  ]

  it.each(cases)('is %s', (_, headers, seconds) => {
    expect(freshFor(PLAN, headers, NOW)).toBe(seconds * SECOND)
  })

  it('stays between the bounds of the plan', () => {
    const bound = { ...PLAN, lifetime: { floor: 10 * SECOND, cap: 5 * MINUTE } }
    const lifetimes = ['max-age=1', 'max-age=100', 'max-age=31536000', 'no-store', ''].map((value) =>
      freshFor(bound, { 'cache-control': value }, NOW),
    )
    expect(lifetimes).toEqual([10, 100, 300, 10, 10].map((seconds) => seconds * SECOND))
  })

  it('has a floor of its own where upstream tells of none', () => {
    const bound = { ...PLAN, lifetime: { floor: 0, cap: 5 * MINUTE, silent: 10 * SECOND } }
    const ago = (ms: number) => ({ 'last-modified': new Date(NOW - ms).toUTCString() })
    const silent = [{}, ago(20 * SECOND), ago(1000 * SECOND), ago(DAY)].map((headers) => freshFor(bound, headers, NOW))
    expect(silent).toEqual([10, 10, 100, 300].map((seconds) => seconds * SECOND))
    const told = [{ 'cache-control': 'no-cache' }, { 'cache-control': 'max-age=1' }, { expires: '0' }, { pragma: 'no-cache' }]
    expect(told.map((headers) => freshFor(bound, headers, NOW))).toEqual([0, 1, 0, 0].map((seconds) => seconds * SECOND))
    const short = { ...PLAN, lifetime: { floor: 0, cap: SECOND, silent: 10 * SECOND } }
    expect(freshFor(short, {}, NOW)).toBe(SECOND)
  })

  it('is between ten seconds and five minutes where the plan has no bounds', () => {
    const { lifetime: _, ...unbound } = PLAN
    const lifetimes = ['max-age=1', 'max-age=86400'].map((value) => freshFor(unbound, { 'cache-control': value }, NOW))
    expect(lifetimes).toEqual([10 * SECOND, 5 * MINUTE])
  })

  it('is a number within the bounds whatever upstream sends', () => {
    const bound = { ...PLAN, lifetime: { floor: 10 * SECOND, cap: 5 * MINUTE } }
    const odd = fc.oneof(
      fc.string(),
      fc.constantFrom('Infinity', 'NaN', '-1', '1e999', '99999999999999999999', 'max-age=1e999'),
    )
    const headers = fc.record(
      {
        'cache-control': fc.oneof(
          odd,
          odd.map((value) => `max-age=${value}`),
        ),
        age: odd,
        expires: odd,
        date: odd,
        vary: odd,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(headers, (given) => {
        const lifetime = freshFor(bound, given, NOW)
        expect(lifetime >= 10 * SECOND && lifetime <= 5 * MINUTE).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the lifetime after a 304 (RFC 9111 section 4.3.4)', () => {
  const bound = { ...PLAN, lifetime: { floor: 10 * SECOND, cap: 5 * MINUTE } }

  it('is that of its own headers where it has some, else as before', () => {
    expect(renewedFor(bound, RECORD, { 'cache-control': 'max-age=120' }, NOW)).toBe(2 * MINUTE)
    expect(renewedFor(bound, RECORD, { expires: date(NOW + 90 * SECOND) }, NOW)).toBe(90 * SECOND)
    expect(renewedFor(bound, RECORD, { etag: '"1"' }, NOW)).toBe(MINUTE)
  })

  it('keeps to the bounds of today', () => {
    expect(renewedFor(bound, { ...RECORD, freshFor: DAY }, {}, NOW)).toBe(5 * MINUTE)
    expect(renewedFor(bound, { ...RECORD, freshFor: 1 }, {}, NOW)).toBe(10 * SECOND)
  })
})

describe('the age of a record', () => {
  it('is the time since it was confirmed, never negative', () => {
    expect([NOW + 5, NOW, NOW - 5].map((now) => ageOf(RECORD, now))).toEqual([5, 0, 0])
  })

  it('is held against its lifetime; what has none is never overdue', () => {
    expect([NOW, NOW + MINUTE, NOW + 2 * MINUTE].map((now) => overdueBy(RECORD, now))).toEqual([-MINUTE, 0, MINUTE])
    expect(overdueBy({ ...RECORD, freshFor: null }, NOW + 1e15)).toBe(Number.NEGATIVE_INFINITY)
  })

  it('is from the future when it is more than a minute ahead, but for what has no lifetime', () => {
    expect([NOW - MINUTE, NOW - MINUTE - 1].map((now) => isFromFuture(RECORD, now))).toEqual([false, true])
    expect(isFromFuture({ ...RECORD, freshFor: null }, 0)).toBe(false)
  })

  it('is beyond every bound once upstream has taken it back, whatever the clock says', () => {
    const gone = JSON.parse(JSON.stringify(disowned(RECORD))) as NameRecord
    expect([0, 1, NOW, 1e15].map((now) => overdueBy(gone, now))).toEqual(Array.from({ length: 4 }, () => Infinity))
    expect(gone).toEqual({ ...RECORD, checkedAt: gone.checkedAt })
  })
})
