import { expect, test } from 'vitest'
import { upstreamFigure } from './warm.ts'

const WORK = { row: '11', work: 'some', load: { connections: 1 }, goals: {}, isFixed: true }

test('what is fixed has to cost no request at upstream, whatever the rival needs', () => {
  const figure = upstreamFigure(
    WORK,
    new Map([
      ['other', 7],
      ['warren', 0],
    ]),
  )
  expect(figure).toMatchObject({ unit: 'requests', warren: [0], rival: { name: 'other', values: [7] }, goal: { atMost: 0 } })
})

test('what may change is told without a goal, and a rival without an upstream is not told', () => {
  const figure = upstreamFigure({ ...WORK, isFixed: false }, new Map([['warren', 3]]))
  expect(figure.warren).toEqual([3])
  expect(figure).not.toHaveProperty('goal')
  expect(figure).not.toHaveProperty('rival')
})

test('a count that nobody made is no zero', () => {
  expect(() => upstreamFigure(WORK, new Map([['other', 7]]))).toThrow('nobody counted')
})
