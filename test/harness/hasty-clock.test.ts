import { expect, test } from 'vitest'
import { HastyClock } from './shifted-clock.ts'

const HOUR = 3_600_000

test('a hasty clock wakes whoever would have woken by then, and nobody else', async () => {
  const clock = new HastyClock()
  const stop = new AbortController()
  const woken: string[] = []
  void clock.sleep(HOUR).then(() => woken.push('an hour'))
  const longer = clock.sleep(3 * HOUR, stop.signal).then(() => woken.push('three hours'))
  const before = clock.now()
  clock.advance(2 * HOUR)
  await clock.sleep(1)
  expect(woken).toEqual(['an hour'])
  expect(clock.now() - before).toBeGreaterThanOrEqual(2 * HOUR)
  stop.abort('enough')
  await expect(longer).rejects.toBe('enough')
})

test('a hasty clock that jumps lets all sleep on as long as they would have', async () => {
  const clock = new HastyClock()
  const stop = new AbortController()
  const sleeping = clock.sleep(HOUR, stop.signal)
  clock.jump(2 * HOUR)
  clock.advance(HOUR / 2)
  stop.abort('still asleep')
  await expect(sleeping).rejects.toBe('still asleep')
})
