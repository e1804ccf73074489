import { expect, it } from 'vitest'
import { PeerClocks } from '../../../../node/mesh/ledger/peer-clocks.ts'

const NOW = Date.UTC(2026, 0, 1)

/** What is made of clocks that are so many ms ahead of the own one, by the names of their owners. */
function aheadOf(clocks: Record<string, number>): number | undefined {
  const known = new PeerClocks({ isSeed: (peer) => peer.startsWith('seed') })
  for (const [peer, ahead] of Object.entries(clocks)) known.told(peer, NOW + ahead, NOW)
  return known.ahead
}

it.each([
  ['nobody has told', {}, undefined],
  ['most agree', { a: -1_000, b: -2_000, c: 9e9 }, 1_000],
  ['one of two lies', { a: -1_000, b: 9e9 }, 1_000],
  ['a seed has told, however many members one ticket makes up', { seed: -1_000, a: 9e9, b: 9e9, c: 9e9 }, 1_000],
  ['one of two seeds lies', { seed: -1_000, seed2: 9e9 }, 1_000],
])('this node is ahead of others by what is likely where %s', (_, clocks, expected) => {
  expect(aheadOf(clocks)).toBe(expected)
})
