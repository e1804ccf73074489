import { expect, test } from 'vitest'
import { configuredHosts } from '../../../node/configured-upstreams.ts'
import type { Snapshot } from '../../../node/metrics/snapshot.ts'
import { UpstreamFamilies } from '../../../node/metrics/upstreams.ts'
import type { HostHealth } from '../../../node/upstream/upstream.ts'

const known = {
  upstreams: ['https://known.test/base/'],
  routes: [{ pattern: '@corp/*', upstream: 'http://corp.test:8080/npm/' }],
}

function health(origin: string, more: Partial<HostHealth> = {}): HostHealth {
  return { origin, state: 'closed', until: 0, inFlight: 1, queued: 0, requests: 10, failures: 1, ...more }
}

function reader() {
  const { families } = new UpstreamFamilies()
  return (name: string, upstream: readonly HostHealth[]) => {
    const snapshot = { upstream, configuredHosts: configuredHosts([known]) } as unknown as Snapshot
    const family = families.find((one) => one.name === name)
    return family?.read(snapshot).map(({ labels, value }) => [...Object.values(labels ?? {}), value])
  }
}

test('origins in the settings have their hosts for names, all others one together', () => {
  const read = reader()
  const asked = [
    health('https://known.test'),
    health('http://corp.test:8080', { state: 'open' }),
    ...Array.from({ length: 300 }, (_, i) => health(`https://named-by-a-client-${i}.test`)),
  ]
  expect(read('warren_upstream_requests_total', asked)).toEqual([
    ['other', 3_000],
    ['known.test', 10],
    ['corp.test:8080', 10],
  ])
  expect(read('warren_upstream_state', asked)?.filter(([, , value]) => value !== 0)).toEqual([
    ['other', 'closed', 300],
    ['known.test', 'closed', 1],
    ['corp.test:8080', 'open', 1],
  ])
})

test('what was counted at origins that are forgotten stays counted', () => {
  const read = reader()
  const count = (...there: HostHealth[]) => read('warren_upstream_requests_total', there)?.[0]
  expect(count(health('https://a.test'), health('https://b.test'))).toEqual(['other', 20])
  expect(count(health('https://b.test', { requests: 12 }))).toEqual(['other', 22])
  // It comes back and counts from the beginning, as one does that was forgotten and asked again between two looks.
  expect(count(health('https://a.test', { requests: 3 }), health('https://b.test', { requests: 2 }))).toEqual(['other', 27])
})

test('budgets are told of upstreams in the settings', () => {
  const budget = { limit: 100, remaining: 4, window: 21_600, at: 0, isLow: true, source: '203.0.113.7' }
  const asked = [health('https://known.test', { budget }), health('https://other.test', { budget })]
  expect(reader()('warren_upstream_budget_remaining', asked)).toEqual([['known.test', 4]])
  expect(reader()('warren_upstream_budget_window_seconds', asked)).toEqual([['known.test', 21_600]])
})
