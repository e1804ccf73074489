import { expect, it } from 'vitest'
import { MissMemory } from '../../../../node/mesh/dht/miss-memory.ts'
import { VirtualClock } from '../../../harness/clock.ts'

it('remembers for its span, from the last miss on', async () => {
  const clock = new VirtualClock()
  const misses = new MissMemory(clock, 500)
  misses.add('a')
  await clock.advance(400)
  misses.add('a')
  await clock.advance(499)
  expect(misses.has('a')).toBe(true)
  await clock.advance(1)
  expect(misses.has('a')).toBe(false)
  expect(misses.has('b')).toBe(false)
})

it('forgets on demand, and when the wall clock is set back', () => {
  const clock = new VirtualClock()
  const misses = new MissMemory(clock, 500)
  misses.add('a')
  misses.add('b')
  misses.forget('a')
  expect([misses.has('a'), misses.has('b')]).toEqual([false, true])
  clock.jump(-10_000)
  expect(misses.has('b')).toBe(false)
})

it('is bounded: the oldest go', () => {
  const misses = new MissMemory(new VirtualClock(), 500)
  for (let at = 0; at < 4096; at++) misses.add(`${at}`)
  misses.add('0')
  misses.add('4096')
  expect([misses.has('0'), misses.has('1'), misses.has('2'), misses.has('4096')]).toEqual([true, false, true, true])
})
