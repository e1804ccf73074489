import { expect, test } from 'vitest'
import { FingerprintSet } from '../../../../node/mesh/inventory/fingerprint-set.ts'
import { Random } from '../../../harness/random.ts'

/** Adds and removes at random, and what a Set would hold after that. */
function changed(seed: number, changes: number, range: number) {
  const random = new Random(seed)
  const set = new FingerprintSet()
  const model = new Set<number>()
  for (let at = 0; at < changes; at++) {
    const one = Math.floor(random.next() * range) * Math.floor(2 ** 32 / range)
    const isNew = !model.has(one)
    if (random.next() < 0.7) {
      expect(set.add(one)).toBe(isNew)
      model.add(one)
    } else {
      expect(set.delete(one)).toBe(!isNew)
      model.delete(one)
    }
  }
  return { set, model }
}

function all(set: FingerprintSet, most: number): number[] {
  const found: number[] = []
  for (let after = -1; ; ) {
    const part = set.next(after, most)
    found.push(...part)
    if (part.length < most) return found
    after = part.at(-1) ?? after
  }
}

test.each([
  { seed: 1, changes: 500, range: 100 },
  { seed: 2, changes: 20_000, range: 3_000 },
  { seed: 3, changes: 60_000, range: 2 ** 20 },
])('holds what was put in and not taken out ($changes changes)', ({ seed, changes, range }) => {
  const { set, model } = changed(seed, changes, range)
  expect(set.size).toBe(model.size)
  for (const one of model) expect(set.has(one)).toBe(true)
  const step = Math.floor(2 ** 32 / range)
  for (let at = 0; at < 1_000; at++) expect(set.has(at * step)).toBe(model.has(at * step))
  expect(all(set, 97)).toEqual([...model].sort((one, other) => one - other))
})

test.each([
  [131_000, 1],
  [140_000, 1],
  [140_000, 0x10000],
])('is the same for %i keys that lie %i apart, and changes by the thousand cost no more than others', (count, step) => {
  // All in a few places: a search that reads them one by one would take minutes.
  const keys = Uint32Array.from({ length: count }, (_, at) => (at * step) >>> 0).sort()
  const last = keys.subarray(count - 12_000)
  const none = new Uint32Array()
  const set = FingerprintSet.of([keys])
  const { size } = set
  for (let round = 0; round < 30; round++) {
    set.change(none, last)
    expect(set.size).toBe(size - new Set(last).size)
    set.change(last, none)
    expect(set.size).toBe(size)
  }
  expect(all(set, 50_000)).toEqual([...new Set(keys)])
})

test('takes lists in any order, also several times', () => {
  const set = FingerprintSet.of([Uint32Array.of(7, 3, 3), new Uint32Array(), Uint32Array.of(9, 7, 0xffffffff, 0)])
  expect([set.size, all(set, 2)]).toEqual([5, [0, 3, 7, 9, 0xffffffff]])
})

test('is empty at first, and knows the smallest and the largest', () => {
  const set = new FingerprintSet()
  expect([set.size, set.has(0), all(set, 5)]).toEqual([0, false, []])
  for (const one of [0xffffffff, 0]) set.add(one)
  expect([set.has(0), set.has(0xffffffff), set.has(1), all(set, 1)]).toEqual([true, true, false, [0, 0xffffffff]])
  set.delete(0)
  expect(all(set, 1)).toEqual([0xffffffff])
})

test('takes some two bytes for each of many', () => {
  const random = new Random(4)
  const some = () => Uint32Array.from({ length: 300_000 }, () => Math.floor(random.next() * 2 ** 32))
  const first = some()
  const set = FingerprintSet.of([first, some(), first])
  expect(set.size).toBeGreaterThan(599_000)
  expect(set.size).toBeLessThanOrEqual(600_000)
  expect(set.bytes / set.size).toBeLessThan(3)
  let wrong = 0
  for (let at = 0; at < 100_000; at++) if (set.has(Math.floor(random.next() * 2 ** 32))) wrong++
  expect(wrong).toBeLessThan(100)
})
