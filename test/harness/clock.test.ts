import { expect, test } from 'vitest'
import { VirtualClock } from './clock.ts'

test('sleeps end in the order in which they are due, not in which they began', async () => {
  const clock = new VirtualClock()
  const woken: string[] = []
  void clock.sleep(300).then(() => woken.push('third'))
  void clock.sleep(100).then(() => woken.push('first'))
  void clock.sleep(200).then(() => woken.push('second'))
  await clock.advance(250)
  expect(woken).toEqual(['first', 'second'])
  await clock.advance(50)
  expect(woken).toEqual(['first', 'second', 'third'])
})

test('sleeps that are due together end in the order in which they began', async () => {
  const clock = new VirtualClock()
  const woken: number[] = []
  for (const number of [1, 2, 3]) void clock.sleep(10).then(() => woken.push(number))
  await clock.advance(10)
  expect(woken).toEqual([1, 2, 3])
})

test('a sleeper sees the moment at which it was due, and may sleep again within the same advance', async () => {
  const clock = new VirtualClock(1_000)
  const moments: number[] = []
  const walk = async () => {
    for (let step = 0; step < 4; step++) {
      await clock.sleep(30)
      moments.push(clock.now())
    }
  }
  void walk()
  await clock.advance(100)
  expect(moments).toEqual([1_030, 1_060, 1_090])
  expect(clock.now()).toBe(1_100)
  expect(clock.sleeping).toBe(1)
})

test('time stands still while nobody advances it', async () => {
  const clock = new VirtualClock(5)
  let woken = false
  void clock.sleep(1).then(() => {
    woken = true
  })
  await new Promise<void>((resolve) => setTimeout(resolve, 20))
  expect(woken).toBe(false)
  expect(clock.now()).toBe(5)
})

test('an aborted sleep rejects with the reason and is forgotten', async () => {
  const clock = new VirtualClock()
  const leaving = new AbortController()
  const sleep = clock.sleep(1_000, leaving.signal)
  clock.jump(50)
  leaving.abort(new Error('gone home'))
  await expect(sleep).rejects.toThrow('gone home')
  expect(clock.sleeping).toBe(0)
  await expect(clock.sleep(1_000, leaving.signal)).rejects.toThrow('gone home')
})

test('a jump of the wall clock wakes nobody and makes nobody sleep longer', async () => {
  const clock = new VirtualClock(0)
  let woken = false
  void clock.sleep(100).then(() => {
    woken = true
  })
  clock.jump(-3_600_000)
  await clock.advance(99)
  expect(woken).toBe(false)
  await clock.advance(1)
  expect(woken).toBe(true)
  expect(clock.now()).toBe(-3_599_900)
})
