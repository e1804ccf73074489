import { expect, test } from 'vitest'
import { storeFacts } from '../../../admin/cli/store-facts.ts'

const NOW = 1_800_000_000_000
const GIB = 2 ** 30
const store = { blobs: 3, bytes: 5 * GIB, records: 4, free: 2 ** 40, storing: true }
const scrub = { progress: null, lastEnded: null, blobs: 0, bad: 0, healed: 0, lost: 0, waiting: 0 }

test('a store without a quota shows what is in it', () => {
  expect(storeFacts({ ...store, quota: null, scrub }, false, NOW)).toEqual([
    '3 blobs, 5.0 GiB, 4 name records; 1.0 TiB free on the disk',
  ])
})

test('one with a quota shows how much of it is taken, and what made room', () => {
  const evicted = { blobs: 1, bytes: GIB, obstacle: null }
  expect(storeFacts({ ...store, quota: 20 * GIB, shortage: null, evicted }, false, NOW)).toEqual([
    '3 blobs, 5.0 GiB of 20.0 GiB (25 %), 4 name records; 1.0 TiB free on the disk',
    '1 blob of 1.0 GiB made room since start',
  ])
})

test('what found no room is told of, also by a store that is not full', () => {
  const turnedAway = { blobs: 2, bytes: GIB }
  const lines = (blobs: number) => storeFacts({ ...store, quota: null, turnedAway: { ...turnedAway, blobs } }, true, NOW)
  expect(lines(0)).toHaveLength(1)
  expect(lines(2)[1]).toBe('no room for 2 blobs of 1.0 GiB since start, within store.minFree and store.quota')
})

test.for([
  ['disk', null, false, 'the disk is fuller than store.minFree allows'],
  [
    'disk',
    null,
    true,
    'the disk is fuller than store.minFree allows; this is a seed, so that what comes now may be kept nowhere',
  ],
  ['quota', null, false, 'store.quota is reached'],
  ['quota', 'no seed', false, 'store.quota is reached, and no seed answers that could say what may be evicted'],
  ['quota', 'nothing confirmed', false, 'store.quota is reached, and no seed holds what would have to be evicted'],
  [undefined, null, false, 'the disk is fuller than store.minFree allows'],
] as const)('one that is full says why (%s, %s)', ([shortage, obstacle, isSeed, why]) => {
  const evicted = { blobs: 0, bytes: 0, obstacle }
  expect(storeFacts({ ...store, storing: false, shortage, evicted }, isSeed, NOW)[1]).toBe(`nothing more is stored: ${why}`)
})

test.for([
  [{ progress: 0.129, blobs: 7 }, 'scrub is 12 % through: 7 blobs read again, all right'],
  [
    { progress: 0.5, lastEnded: NOW - 3_600_000, blobs: 1, bad: 2 },
    'scrub is 50 % through, the last one ended 1 h ago: 1 blob read again, 2 not right',
  ],
  [
    { lastEnded: NOW - 172_800_000, blobs: 90, bad: 6, healed: 1, waiting: 2, lost: 3 },
    'scrub ended 2 d ago: 90 blobs read again, 6 not right; since start 1 healed, 2 looked for at members, 3 that no member has',
  ],
] as const)('a scrub of %j is told of', ([facts, line]) => {
  expect(storeFacts({ ...store, scrub: { ...scrub, ...facts } }, false, NOW).at(-1)).toBe(line)
})
