import { expect, test } from 'vitest'
import { parseMetrics, sumOf } from './prometheus.ts'

const COUNTER = '# HELP a_total Things.\n# TYPE a_total counter\n'
const HISTOGRAM = '# HELP h Times.\n# TYPE h histogram\n'

test('families, labels and values are read', () => {
  const page = parseMetrics(`${COUNTER}a_total{x="1",y="q\\"\\\\\\n"} 2\na_total{x="2"} 3e+21\n`)
  expect(page.get('a_total')).toMatchObject({ type: 'counter', help: 'Things.' })
  expect(page.get('a_total')?.series[0]?.labels).toEqual({ x: '1', y: 'q"\\\n' })
  expect(sumOf(page, 'a_total', { x: '1' })).toBe(2)
})

test.for([
  ['a series without a type', '# HELP a_total Things.\na_total 1\n'],
  ['a type without help', '# TYPE a_total counter\na_total 1\n'],
  ['a family that is told twice', `${COUNTER}a_total 1\n${COUNTER}a_total{x="1"} 1\n`],
  ['a series that is told twice', `${COUNTER}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`],
  ['a series under another name', `${COUNTER}b_total 1\n`],
  ['a counter below nothing', `${COUNTER}a_total -1\n`],
  ['no number', `${COUNTER}a_total one\n`],
  ['a label that is not closed', `${COUNTER}a_total{x="1} 1\n`],
  ['a line break in a label', `${COUNTER}a_total{x="1\n"} 1\n`],
  ['a last line without an end', `${COUNTER}a_total 1`],
  ['buckets that shrink', `${HISTOGRAM}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`],
  [
    'a count that is not that of the last bucket',
    `${HISTOGRAM}h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`,
  ],
  ['no last bucket', `${HISTOGRAM}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`],
] as const)('%s is no page', ([, text]) => {
  expect(() => parseMetrics(text)).toThrow()
})
