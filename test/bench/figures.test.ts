import { expect, test } from 'vitest'
import { compare, type Figure, reached, summarize } from './figures.ts'

const FIGURE: Figure = { row: '1', work: 'some', unit: 'requests/s', warren: [], compared: 'ratio' }

test('the median of an even number of values lies between the two in the middle', () => {
  expect(summarize([9, 1, 4, 2])).toEqual({ median: 3, least: 1, most: 9 })
  expect(summarize([5, 1, 3]).median).toBe(3)
})

test('values are compared pair by pair, so that a drift of the machine does not show', () => {
  const drifting: Figure = { ...FIGURE, warren: [100, 50, 10], rival: { name: 'other', values: [50, 25, 5] } }
  expect(compare(drifting)).toEqual({ median: 2, least: 2, most: 2 })
  expect(compare({ ...drifting, compared: 'difference' })).toEqual({ median: 25, least: 5, most: 50 })
  expect(compare({ ...drifting, compared: 'value' }).median).toBe(50)
})

test('a rival that lacks a round is no rival', () => {
  expect(() => compare({ ...FIGURE, warren: [1, 2], rival: { name: 'other', values: [1] } })).toThrow('round 1')
})

test('a goal is reached by the median, and is a least or a most', () => {
  const twice: Figure = { ...FIGURE, warren: [2, 2, 9], rival: { name: 'other', values: [1, 1, 1] } }
  expect(reached({ ...twice, goal: { atLeast: 2 } })).toBe(true)
  expect(reached({ ...twice, goal: { atLeast: 2.1 } })).toBe(false)
  expect(reached({ ...twice, goal: { atMost: 2 } })).toBe(true)
  expect(reached({ ...twice, goal: { atMost: 1.9 } })).toBe(false)
  expect(reached(twice)).toBeUndefined()
})
