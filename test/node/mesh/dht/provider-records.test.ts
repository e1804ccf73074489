import { beforeEach, expect, it } from 'vitest'
import { ProviderRecords, type ProviderRecordsInit } from '../../../../node/mesh/dht/provider-records.ts'
import { VirtualClock } from '../../../harness/clock.ts'

const VALIDITY = 1000

let clock: VirtualClock
beforeEach(() => {
  clock = new VirtualClock()
})

function records(init: Partial<ProviderRecordsInit> = {}): ProviderRecords {
  return new ProviderRecords({ clock }, { validity: VALIDITY, perProvider: 100, total: 1000, ...init })
}

const providersOf = (from: ProviderRecords, key: string) => from.of(key).map(([provider]) => provider)

it('names the providers of a key, the latest first, with their times', async () => {
  const kept = records()
  kept.put('key', 'a')
  await clock.advance(10)
  kept.put('key', 'b')
  kept.put('other', 'c')
  expect(kept.of('key')).toEqual([
    ['b', clock.now()],
    ['a', clock.now() - 10],
  ])
  expect(kept.of('absent')).toEqual([])
})

it('counts a repeated record from then on', async () => {
  const kept = records()
  kept.put('key', 'a')
  kept.put('key', 'b')
  await clock.advance(VALIDITY)
  kept.put('key', 'a')
  await clock.advance(1)
  expect(providersOf(kept, 'key')).toEqual(['a'])
  expect(kept.size).toBe(1)
})

it('drops a record that has expired when it is asked for', async () => {
  const kept = records()
  kept.put('key', 'a')
  await clock.advance(VALIDITY)
  expect(providersOf(kept, 'key')).toEqual(['a'])
  await clock.advance(1)
  expect(kept.time('key', 'a')).toBeUndefined()
  expect(kept.size).toBe(0)
})

it('drops whatever has expired in a round, and nothing else', async () => {
  const kept = records()
  for (let at = 0; at < 5; at++) kept.put(`early ${at}`, 'a')
  await clock.advance(VALIDITY)
  for (let at = 0; at < 5; at++) kept.put(`late ${at}`, 'b')
  await clock.advance(1)
  kept.expire()
  expect(kept.size).toBe(5)
  expect(providersOf(kept, 'late 0')).toEqual(['b'])
})

it('does not keep records for ever when the wall clock is set back', () => {
  const kept = records()
  kept.put('key', 'a')
  clock.jump(-10 * VALIDITY)
  expect(providersOf(kept, 'key')).toEqual([])
})

it('makes room among the provider’s own records when it has too many', () => {
  const kept = records({ perProvider: 3 })
  kept.put('theirs', 'b')
  for (let at = 0; at < 10; at++) kept.put(`key ${at}`, 'a')
  expect(kept.size).toBe(4)
  expect(providersOf(kept, 'theirs')).toEqual(['b'])
  expect([6, 7, 8, 9].map((at) => providersOf(kept, `key ${at}`).length)).toEqual([0, 1, 1, 1])
})

it('makes room among the records of whoever has most when all room is taken', () => {
  const kept = records({ total: 20, perProvider: 20 })
  for (let at = 0; at < 5; at++) kept.put(`theirs ${at}`, 'b')
  for (let at = 0; at < 500; at++) kept.put(`key ${at}`, 'a')
  expect(kept.size).toBe(20)
  for (let at = 0; at < 5; at++) expect(providersOf(kept, `theirs ${at}`)).toEqual(['b'])
  kept.put('new', 'c')
  expect(providersOf(kept, 'new')).toEqual(['c'])
  expect(providersOf(kept, 'key 485')).toEqual([])
  expect(providersOf(kept, 'key 486')).toEqual(['a'])
})

it('forgets what is deleted, and leaves nothing behind', () => {
  const kept = records({ perProvider: 1 })
  kept.put('key', 'a')
  kept.delete('key', 'b')
  kept.delete('other', 'a')
  expect(kept.size).toBe(1)
  kept.delete('key', 'a')
  expect(kept.size).toBe(0)
  kept.put('one', 'a')
  expect(kept.size).toBe(1)
})
