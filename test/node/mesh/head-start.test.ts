import { expect, test } from 'vitest'
import { HeadStart } from '../../../node/mesh/head-start.ts'

/** After answers that took so long, in ms. */
function after(...taken: number[]): number {
  const headStart = new HeadStart()
  for (const ms of taken) headStart.add(ms)
  return headStart.value
}

const times = (count: number, ms: number) => Array.from({ length: count }, () => ms)

test('peers get 20 ms as long as nobody was measured', () => {
  expect(after()).toBe(20)
})

test('they get what nine of ten answers took, in whole milliseconds', () => {
  expect(after(30.2)).toBe(31)
  const ten = Array.from({ length: 10 }, (_, at) => 25 + at)
  // One by one up to eight answers, then the figure stands for a while.
  expect(after(...ten.slice(0, 8))).toBe(32)
  expect(after(...times(57, 25), ...times(7, 45))).toBe(45)
  expect(after(...times(58, 25), ...times(6, 45))).toBe(25)
})

test('they get 20 ms at least and 50 at most, whatever was measured', () => {
  expect(after(...times(8, 1))).toBe(20)
  expect(after(...times(8, 5_000))).toBe(50)
  // The clock was set back amid an answer.
  expect(after(...times(8, -3_600_000))).toBe(20)
})

test('only the last 64 answers count', () => {
  expect(after(...times(64, 40), ...times(56, 22))).toBe(40)
  expect(after(...times(64, 40), ...times(64, 22))).toBe(22)
})

test('the figure follows within eight answers', () => {
  const headStart = new HeadStart()
  for (const ms of times(64, 22)) headStart.add(ms)
  expect(headStart.value).toBe(22)
  for (const ms of times(8, 48)) headStart.add(ms)
  expect(headStart.value).toBe(48)
})
