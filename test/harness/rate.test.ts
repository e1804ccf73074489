import { expect, test } from 'vitest'
import { VirtualClock } from './clock.ts'
import { TokenBucket } from './rate.ts'

const never = new AbortController().signal

test('a rate holds over any span: what is taken is what time has earned', async () => {
  const clock = new VirtualClock()
  const bucket = new TokenBucket(clock, 100_000)
  let taken = 0
  const reader = async () => {
    for (;;) {
      await bucket.take(bucket.piece, never)
      taken += bucket.piece
    }
  }
  void reader()
  await clock.advance(10_000)
  // Ten seconds' worth, and at most the burst of a twentieth of a second and one piece more.
  expect(taken).toBeGreaterThanOrEqual(1_000_000 - bucket.piece)
  expect(taken).toBeLessThanOrEqual(1_000_000 + 5_000 + bucket.piece)
})

test('several takers share one rate', async () => {
  const clock = new VirtualClock()
  const bucket = new TokenBucket(clock, 100_000)
  const taken = [0, 0, 0, 0]
  const reader = async (index: number) => {
    for (;;) {
      await bucket.take(1_000, never)
      taken[index] = (taken[index] ?? 0) + 1_000
    }
  }
  taken.forEach((_, index) => void reader(index))
  await clock.advance(4_000)
  const sum = taken.reduce((total, one) => total + one, 0)
  expect(sum).toBeGreaterThanOrEqual(396_000)
  expect(sum).toBeLessThanOrEqual(410_000)
  for (const one of taken) expect(one).toBeGreaterThan(sum / 5)
})

test('what was not used in time is not saved up beyond the burst', async () => {
  const clock = new VirtualClock()
  const bucket = new TokenBucket(clock, 1_000)
  await clock.advance(60_000)
  let done = false
  void bucket.take(1_050, never).then(() => {
    done = true
  })
  await clock.advance(999)
  expect(done).toBe(false)
  await clock.advance(1)
  expect(done).toBe(true)
})

test('a rate of nothing is refused', () => {
  expect(() => new TokenBucket(new VirtualClock(), 0)).toThrow(RangeError)
})
