import { expect, test } from 'vitest'
import { type ErrorCode, WarrenError } from '../../node/errors.ts'
import { LATENCY_BOUNDS, Latencies } from '../../node/latency.ts'
import { StatsCounter } from '../../node/stats.ts'

test('answers are counted by protocol and source, and all together without what is no artifact', () => {
  const stats = new StatsCounter()
  stats.served('npm', 'local', 100, 0.1)
  stats.served('maven', 'local', 10, 3)
  stats.served('maven', 'upstream', 1, 3)
  stats.served('npm', 'fixed', 1_000, 0.1)
  expect(stats.protocols.get('npm')?.served.local).toMatchObject({ requests: 1, bytes: 100 })
  expect(stats.snapshot()).toMatchObject({
    requests: { local: 2, upstream: 1 },
    bytes: { local: 110, upstream: 1 },
    saved: 110,
  })
})

test.for([
  ['UPSTREAM_ABSENT', 'negative', 'negative'],
  ['UPSTREAM_GONE', 'negative', 'negative'],
  ['POLICY_DENIED', 'denied', 'denied'],
  ['UPSTREAM_DENIED', 'wrong', 'error'],
  ['BAD_REQUEST', 'wrong', 'error'],
  ['UPSTREAM_BUSY', 'trouble', 'error'],
  ['UPSTREAM_CUT', 'trouble', 'error'],
  ['INTERNAL', 'trouble', 'error'],
] as const satisfies (readonly [ErrorCode, string, string])[])(
  '%s is counted as %s, in the status as %s',
  ([code, refusal, shown]) => {
    const stats = new StatsCounter()
    stats.refused('npm', new WarrenError(code, 'x'))
    expect(stats.protocols.get('npm')?.refused).toMatchObject({ [refusal]: 1 })
    expect(Object.entries(stats.snapshot().requests).filter(([, value]) => value > 0)).toEqual([[shown, 1]])
    expect([...stats.codes]).toEqual([[code, 1]])
  },
)

test('a client that left is counted, and in the status as nothing', () => {
  const stats = new StatsCounter()
  stats.left(undefined)
  expect(stats.protocols.get('none')?.refused.left).toBe(1)
  expect(Object.values(stats.snapshot().requests).every((value) => value === 0)).toBe(true)
})

test('a time is counted in the first class that it is not above', () => {
  const latencies = new Latencies()
  for (const ms of [0, 0.2, 0.21, 60_000, 60_001, 1e9]) latencies.add(ms)
  const counts = [...latencies.counts]
  expect(counts.slice(0, 2)).toEqual([2, 1])
  expect(counts.slice(-2)).toEqual([1, 2])
  expect(counts).toHaveLength(LATENCY_BOUNDS.length + 1)
  expect(counts.reduce((sum, count) => sum + count)).toBe(6)
  expect(latencies.sum).toBeCloseTo(60_000.41 + 60_001 + 1e9 - 0, 3)
})
