import { expect, test } from 'vitest'
import type { Peer } from '../../../../admin/web/api/types.ts'
import { layoutOf } from '../../../../admin/web/views/mesh/layout.ts'

function peers(count: number, zones: readonly (string | null)[] = [null], seeds = 5): Peer[] {
  return Array.from({ length: count }, (_, at) => ({
    ...{ id: `peer-${at}`, role: at < seeds ? 'seed' : 'member', version: '1', addresses: [], blobs: [], connected: true },
    ...{ lastSeen: 0, latency: null, bytesIn: 0, bytesOut: 0, quarantine: null, notAfter: 0, inventory: null },
    ...{ zone: zones[at % zones.length] ?? null, budget: null, ticket: null, ledgerDiffersSince: null },
  }))
}

test.each([
  [1, 1],
  [6, 5],
  [60, 60],
  [500, 40],
])('%i members, %i of them seeds, are all there, apart from each other and within the picture', (count, seeds) => {
  const { placed, radius } = layoutOf(peers(count, ['eu', 'us', null], seeds))
  expect(placed).toHaveLength(count)
  for (const [at, one] of placed.entries()) {
    expect(Math.hypot(one.x, one.y)).toBeLessThan(radius)
    for (const other of placed.slice(at + 1)) expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(11)
  }
})

test('whoever tells them in another order sees the same picture', () => {
  const known = peers(50, ['eu', 'us'])
  expect(layoutOf([...known].reverse())).toEqual(layoutOf(known))
})

test('zones have names where there are several', () => {
  expect(layoutOf(peers(20)).zones).toEqual([])
  expect(layoutOf(peers(20, ['eu', null])).zones.map(({ name }) => name)).toEqual(['no zone', 'eu'])
})
