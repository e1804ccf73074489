import { expect, test } from 'vitest'
import type { Figure } from './figures.ts'
import { formatJson, formatTable, type Outcome } from './report.ts'

const RATE: Figure = {
  row: '1a',
  work: 'hot artifact',
  unit: 'requests/s',
  warren: [80_000, 90_000],
  rival: { name: 'nginx', values: [100_000, 100_000] },
  compared: 'ratio',
  goal: { atLeast: 0.9 },
}
const MEMORY: Figure = {
  row: '4',
  work: 'growth',
  unit: 'bytes',
  warren: [40e6, 50e6],
  compared: 'value',
  goal: { atMost: 64e6 },
}
const OUTCOME: Outcome = {
  machine: { cpus: 2 },
  rounds: 2,
  smoke: false,
  figures: [RATE, MEMORY],
  skipped: [{ row: '3', what: 'Verdaccio', why: 'not installed' }],
}

test('the table says for each figure whether its goal is reached, and what was skipped', () => {
  const [titles, , rate, memory, skipped] = formatTable(OUTCOME).split('\n')
  expect(titles).toMatch(/^# +work +Warren +rival +compared +min–max +goal +reached/)
  expect(rate).toMatch(/^1a +hot artifact +85000\/s +nginx 100000\/s +0\.85× +0\.80×–0\.90× +≥ 0\.90× +no$/)
  expect(memory).toMatch(/^4 +growth +45\.0 MB +– +45\.0 MB +40\.0 MB–50\.0 MB +≤ 64\.0 MB +yes$/)
  expect(skipped).toBe('skipped: 3 Verdaccio: not installed')
})

test('a smoke run claims nothing', () => {
  expect(formatTable({ ...OUTCOME, smoke: true })).not.toMatch(/yes|no$/m)
  expect(JSON.parse(formatJson({ ...OUTCOME, smoke: true })).figures[0]).not.toHaveProperty('reached')
})

test('JSON has the values of each round beside their median', () => {
  const [rate, memory] = JSON.parse(formatJson(OUTCOME)).figures
  expect(rate.warren).toEqual({ median: 85_000, least: 80_000, most: 90_000, rounds: [80_000, 90_000] })
  expect(rate.compared).toMatchObject({ by: 'ratio', least: 0.8, most: 0.9 })
  expect([rate.reached, memory.reached]).toEqual([false, true])
  expect(memory).not.toHaveProperty('rival')
})

test('long times, shares and CPU time are told in units that people read', () => {
  const one = { row: '6', work: 'some', warren: [0], compared: 'value' } as const
  const figures: Figure[] = [
    { ...one, unit: 'ms', warren: [12_345] },
    { ...one, unit: 'share', warren: [0.2512], goal: { atMost: 0.25 } },
    { ...one, unit: 'CPU s', warren: [1.5] },
    { ...one, unit: 'requests', warren: [1.0666] },
  ]
  const text = formatTable({ ...OUTCOME, figures })
  for (const told of ['12.3 s', '25.1 %', '≤ 25.0 %', '1.50 s', '1.07']) expect(text).toContain(told)
})
