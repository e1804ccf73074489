import { expect, test } from 'vitest'
import { LedgerDesk } from '../../node/ledger-desk.ts'
import type { MeshLedger } from '../../node/mesh/mesh-ledger.ts'
import type { PeerStatus } from '../../node/mesh/mesh-status.ts'
import { opWith, scope } from './ledger/fixture.ts'
import { NOW } from './trust/fixture.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Three ops, of which the first is the oldest, and who has put them into effect. */
function deskOf(
  applied: readonly (readonly string[] | undefined)[],
  peers: readonly Partial<PeerStatus>[],
  replaced: readonly number[] = [],
  asked = () => {},
) {
  const ops = applied.map((_, at) => opWith({ seq: at + 1, issuedAt: NOW + at * MINUTE, body: { ticket: `${at}`.repeat(16) } }))
  const state = { isInEffect: (op: (typeof ops)[0]) => !replaced.includes(ops.indexOf(op)), isVoid: () => false }
  const mesh = {
    ledger: { live: () => ops, all: () => ops, scope, state },
    gather: () => {},
    appliedBy: (hash: string) => applied[ops.findIndex((op) => op.hash === hash)],
  } as unknown as MeshLedger
  return new LedgerDesk({
    clock: { now: () => NOW + 10 * MINUTE, sleep: () => Promise.resolve() },
    mesh: () => mesh,
    peers: () => {
      asked()
      return peers as PeerStatus[]
    },
    adminKey: () => undefined,
  })
}

const here = (id: string) => ({ id, connected: true, lastSeen: NOW })

test.for([
  [
    'all have all',
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [],
    { connected: 0, away: 0, ms: 0 },
  ],
  ['one lacks the newer op', [['a', 'b'], ['a']], [], { connected: 1, away: 0, ms: 9 * MINUTE }],
  ['one lacks both, another one', [[], ['a']], [], { connected: 2, away: 0, ms: 10 * MINUTE }],
  ['one lacks what was replaced since', [[], ['a', 'b']], [0], { connected: 0, away: 0, ms: 0 }],
  ['nobody knows any more who has an old one', [undefined, ['a', 'b']], [], { connected: 0, away: 0, ms: 0 }],
] as const)('where %s, that is how far members are behind', ([, applied, replaced, lag]) => {
  expect(deskOf(applied, [here('a'), here('b')], replaced).lag()).toEqual(lag)
})

test('who is away is counted apart and for a day, and holds nothing up', () => {
  const away = (id: string, lastSeen: number) => ({ id, connected: false, lastSeen })
  expect(deskOf([[]], [away('a', NOW), away('b', NOW - 2 * DAY)]).lag()).toEqual({ connected: 0, away: 1, ms: 0 })
})

test('members are listed once for all ops: there may be thousands of both', () => {
  let times = 0
  const asked = () => void times++
  const lag = deskOf(
    [...Array(9).keys()].map(() => ['a']),
    [here('a'), here('b')],
    [],
    asked,
  ).lag()
  expect([times, lag?.connected]).toEqual([1, 1])
})

test('a page behind an op that is not kept any more is none, and not the first one again', () => {
  const desk = deskOf([['a'], ['a']], [])
  const [newest] = desk.page(undefined, 1).ops
  expect(desk.page(newest?.op.hash, 1)).toMatchObject({ ops: [{ appliedBy: ['a'] }], more: false })
  expect(() => desk.page('f'.repeat(64), 1)).toThrow(expect.objectContaining({ code: 'NO_SUCH_OP' }))
})

test('in no mesh there is no ledger to be behind', () => {
  const clock = { now: () => NOW, sleep: () => Promise.resolve() }
  expect(new LedgerDesk({ clock, mesh: () => undefined, peers: () => [], adminKey: () => undefined }).lag()).toBeUndefined()
})
