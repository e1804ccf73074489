import { expect, test } from 'vitest'
import type { Frame } from '../../../../node/mesh/inventory/frames.ts'
import { Inventories } from '../../../../node/mesh/inventory/inventories.ts'
import { VirtualClock } from '../../../harness/clock.ts'

const NONE = new Uint32Array()
const HEAD = { generation: 1, sequence: 5, keys: 0, added: NONE, removed: NONE }

function newInventories(init: { maxBytes?: number } = {}): Inventories {
  return new Inventories({ clock: new VirtualClock(), isSeed: (peer) => peer.startsWith('seed') }, init)
}

function whole(keys: number): Frame {
  return { ...HEAD, kind: 'end', keys, added: Uint32Array.from({ length: keys }, (_, at) => at * 7) }
}

test('what takes too much memory is ignored: the largest of members, and seeds last', () => {
  const inventories = newInventories({ maxBytes: 64 << 10 })
  inventories.apply('seed', whole(8_000))
  inventories.apply('small', whole(1_000))
  inventories.apply('large', whole(5_000))
  expect(['seed', 'small', 'large'].map((peer) => inventories.status(peer)?.state)).toEqual(['fresh', 'fresh', 'fresh'])
  inventories.apply('another', whole(4_000))
  expect(inventories.bytes).toBeLessThanOrEqual(64 << 10)
  expect(['seed', 'small', 'large', 'another'].map((peer) => inventories.status(peer)?.state)).toEqual([
    'fresh',
    'fresh',
    'ignored',
    'fresh',
  ])
  expect(inventories.status('large')?.ignored?.reason).toBe('the list of what it has takes too much memory')
})

test.each<[string, readonly Partial<Frame>[], string]>([
  ['changes to nothing', [{ kind: 'delta' }], 'it tells of changes to what it never told of'],
  ['changes to another one', [whole(3), { kind: 'delta', generation: 2, sequence: 6 }], 'it tells of changes'],
  ['changes from the past', [whole(3), { kind: 'delta', sequence: 5 }], 'it tells of changes'],
  ['a confirmation of nothing', [{ kind: 'same' }], 'it confirms what it never told of'],
  ['a confirmation of something else', [whole(3), { kind: 'same', sequence: 9 }], 'it confirms'],
  ['a part of nothing', [{ kind: 'part' }], 'it tells of nothing and says that more follows'],
  [
    'the same part again',
    [
      { kind: 'part', added: Uint32Array.of(1, 2) },
      { kind: 'part', added: Uint32Array.of(2, 3) },
    ],
    'it tells of keys again that it told of',
  ],
])('%s is refused', (_, frames, reason) => {
  const inventories = newInventories()
  const last = frames.at(-1)
  for (const frame of frames.slice(0, -1)) inventories.apply('a', { ...HEAD, kind: 'end', ...frame })
  expect(() => inventories.apply('a', { ...HEAD, kind: 'end', ...last })).toThrow(reason)
})

test('a list without end is refused', () => {
  const inventories = newInventories()
  const part = (at: number): Frame => ({
    ...HEAD,
    kind: 'part',
    added: Uint32Array.from({ length: 12_000 }, (_, index) => at * 12_000 + index),
  })
  const tell = () => {
    for (let at = 0; at < 400; at++) inventories.apply('a', part(at))
  }
  expect(tell).toThrow('it tells of more than 4194304 keys')
})

test('who begins to tell of another inventory amid one is asked on from there', () => {
  const inventories = newInventories()
  inventories.apply('a', { ...HEAD, kind: 'part', added: Uint32Array.of(1, 9) })
  expect(inventories.askFor('a')).toEqual({ v: 1, generation: 1, sequence: 5, after: 9 })
  inventories.apply('a', { ...HEAD, kind: 'part', generation: 2, sequence: 0, added: Uint32Array.of(4) })
  expect(inventories.askFor('a')).toEqual({ v: 1, generation: 2, sequence: 0, after: 4 })
  inventories.apply('a', { ...HEAD, kind: 'end', generation: 2, sequence: 8, keys: 2, added: Uint32Array.of(6) })
  // What changed while it was being told is asked for.
  expect([inventories.askFor('a'), inventories.status('a')?.keys]).toEqual([{ v: 1, generation: 2, sequence: 0 }, 2])
})

test('who has not counted yet is no neighbour that has nothing', () => {
  const inventories = newInventories()
  inventories.apply('a', { ...HEAD, kind: 'wait' })
  expect([inventories.knows('a'), inventories.isSettled('a'), inventories.status('a')]).toEqual([false, false, null])
})
