import { expect, onTestFinished, test } from 'vitest'
import { type Digest, formatDigest } from '../../../../node/digest.ts'
import { fingerprintOf } from '../../../../node/mesh/inventory/fingerprint.ts'
import type { Frame } from '../../../../node/mesh/inventory/frames.ts'
import { OwnInventory } from '../../../../node/mesh/inventory/own-inventory.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { digestOf } from './network.ts'

const HOUR = 60 * 60_000
const MD5: Digest = { algorithm: 'md5', hex: 'ab'.repeat(16) }

function setUp(...names: readonly string[]) {
  return setUpIn({ isCalm: false }, ...names)
}

function setUpIn(mesh: { isCalm: boolean }, ...names: readonly string[]) {
  const clock = new VirtualClock()
  const held = new Map(names.map(digestOf).map((digest) => [formatDigest(digest), digest]))
  const state = { gate: Promise.resolve() }
  const shelf = {
    has: (digest: Digest) => held.has(formatDigest(digest)),
    holdings: async function* () {
      for (const digest of [...held.values(), MD5]) {
        await state.gate
        yield digest
      }
    },
  }
  const own = new OwnInventory({ shelf, clock, isCalm: () => mesh.isCalm })
  onTestFinished(() => own.stop())
  const put = (name: string) => held.set(formatDigest(digestOf(name)), digestOf(name))
  const take = (name: string) => held.delete(formatDigest(digestOf(name)))
  /** What somebody without a copy is told. */
  const all = () => own.answer({ v: 1, generation: 0, sequence: 0 })
  const since = (frame: Frame | undefined) =>
    own.answer({ v: 1, generation: frame?.generation ?? 0, sequence: frame?.sequence ?? 0 })
  return { clock, own, put, take, state, all, since }
}

const keysOf = (...names: readonly string[]) => [...Uint32Array.from(names.map((name) => fingerprintOf(digestOf(name)))).sort()]
const added = (frame: Frame | undefined) => frame && [...frame.added]

test('tells of nothing until it has counted, and then of all by which members ask', async () => {
  const { clock, own, all } = setUp('one', 'two')
  expect([own.keys, all(), own.same().kind]).toEqual([undefined, undefined, 'wait'])
  own.start()
  await clock.advance(0)
  expect([own.keys, added(all()), all()?.kind, own.same().kind]).toEqual([2, keysOf('one', 'two'), 'end', 'same'])
})

test('gathers what changes, and tells each no more than it does not know', async () => {
  const { clock, own, all, since, put, take } = setUp('one')
  own.start()
  await clock.advance(0)
  const first = all()
  const changed = own.changed
  put('two')
  own.add([digestOf('two'), MD5])
  own.add([digestOf('two')])
  await clock.advance(19)
  expect(since(first)).toBeUndefined()
  await clock.advance(1)
  await changed
  const second = since(first)
  expect([second?.kind, added(second), [...(second?.removed ?? [])], second?.keys]).toEqual(['delta', keysOf('two'), [], 2])
  take('one')
  own.remove([digestOf('one'), digestOf('two')])
  await clock.advance(249)
  expect(since(second)).toBeUndefined()
  await clock.advance(1)
  const third = since(second)
  // What is still there stays.
  expect([added(third), [...(third?.removed ?? [])], third?.keys]).toEqual([[], keysOf('one'), 1])
  const both = since(first)
  expect([added(both), [...(both?.removed ?? [])], since(third)]).toEqual([keysOf('two'), keysOf('one'), undefined])
})

test.each([
  ['less and less often', false, [20, 250, 500, 1_000, 2_000, 2_000, 2_000, 20, 250]],
  ['every few seconds where seeds fetch for all', true, [20, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 20, 5_000]],
])('tells of a long row of changes %s, and of what comes alone at once', async (_, isCalm, told) => {
  const { clock, own, all } = setUpIn({ isCalm })
  own.start()
  await clock.advance(0)
  let last = all()?.sequence
  const waits: number[] = []
  const toldAfter = async (text: string) => {
    own.add([digestOf(text)])
    let ms = 0
    for (; all()?.sequence === last; ms += 10) await clock.advance(10)
    last = all()?.sequence
    waits.push(ms)
  }
  for (let at = 0; at < 7; at++) await toldAfter(`in a row ${at}`)
  await clock.advance(isCalm ? 5_000 : 2_000)
  for (let at = 0; at < 2; at++) await toldAfter(`later ${at}`)
  expect(waits).toEqual(told)
})

test('tells at once of what waited when no seed leads others to it any more', async () => {
  const mesh = { isCalm: true }
  const { clock, own, all, since } = setUpIn(mesh)
  own.start()
  await clock.advance(0)
  own.add([digestOf('one')])
  await clock.advance(20)
  const first = all()
  own.add([digestOf('two')])
  own.hurry()
  await clock.advance(100)
  expect(since(first)).toBeUndefined()
  mesh.isCalm = false
  own.hurry()
  await clock.advance(0)
  expect(added(since(first))).toEqual(keysOf('two'))
  own.add([digestOf('three')])
  await clock.advance(249)
  expect(added(since(first))).toEqual(keysOf('two'))
})

test('whoever is too far behind, or has a copy from another life, is told everything', async () => {
  const { clock, own, all, since } = setUp()
  own.start()
  await clock.advance(0)
  const first = all()
  for (let round = 0; round < 7; round++) {
    own.add(Array.from({ length: 10_000 }, (_, at) => digestOf(`${round} ${at}`)))
    await clock.advance(2_000)
  }
  expect([since(first)?.kind, since(first)?.added.length]).toEqual(['part', 12_000])
  expect(own.answer({ v: 1, generation: 1, sequence: 7 })?.kind).toBe('part')
})

test('all keys come in parts, and what changes meanwhile as a change after that', async () => {
  const { clock, own, all } = setUp()
  own.start()
  await clock.advance(0)
  own.add(Array.from({ length: 30_000 }, (_, at) => digestOf(`${at}`)))
  await clock.advance(250)
  const seen = new Set<number>()
  let frame = all()
  const { generation = 0, sequence = 0 } = frame ?? {}
  own.add([digestOf('late')])
  while (frame) {
    for (const key of frame.added) seen.add(key)
    if (frame.kind === 'end') break
    frame = own.answer({ v: 1, generation, sequence, after: frame.added.at(-1) })
  }
  await clock.advance(250)
  for (const key of own.answer({ v: 1, generation, sequence })?.added ?? []) seen.add(key)
  expect(seen.size).toBe(own.keys)
})

test('counts again every hour, and finds what it was not told of', async () => {
  const { clock, own, put, take, all } = setUp('one', 'two')
  own.start()
  await clock.advance(0)
  put('three')
  take('one')
  await clock.advance(HOUR - 1)
  expect(added(all())).toEqual(keysOf('one', 'two'))
  await clock.advance(1)
  expect(added(all())).toEqual(keysOf('two', 'three'))
})

test('what changes while it counts is as it is told, not as it was counted', async () => {
  const { clock, own, put, take, state, all } = setUp('one', 'two')
  const gate = Promise.withResolvers<void>()
  state.gate = gate.promise
  own.start()
  await clock.advance(0)
  put('three')
  own.add([digestOf('three')])
  take('two')
  own.remove([digestOf('two')])
  gate.resolve()
  await clock.advance(0)
  expect(added(all())).toEqual(keysOf('one', 'three'))
})

test('what nobody can fetch is offered to nobody', async () => {
  const { clock, own, all, since } = setUp('one')
  own.start()
  await clock.advance(0)
  const before = all()
  own.offered = false
  expect([since(before)?.kind, added(since(before)), since(before)?.keys, own.same().keys]).toEqual(['end', [], 0, 0])
  own.offered = true
  expect(added(since(before))).toEqual(keysOf('one'))
})
