import { expect, test } from 'vitest'
import { parsePromql } from './promql.ts'

test('metrics, what they are narrowed to, and labels are found', () => {
  const { selectors, labels } = parsePromql(
    'sum by (le, source) (rate(a_bucket{source!="local", x=~"$y"}[$__rate_interval])) > 0.5 * 3 and on (job) b == 1',
  )
  expect(selectors).toEqual([
    {
      name: 'a_bucket',
      matchers: [
        { label: 'source', operator: '!=', value: 'local' },
        { label: 'x', operator: '=~', value: '$y' },
      ],
    },
    { name: 'b', matchers: [] },
  ])
  expect(labels).toEqual(['le', 'source', 'job'])
})

test.for([
  '1 - time()',
  '-a',
  'histogram_quantile(0.9, sum by (le) (rate(a[5m])))',
  'predict_linear(a[6h], 86400) < 0',
  '(a or vector(0)) / b',
])('%s is an expression', (text) => {
  expect(() => parsePromql(text)).not.toThrow()
})

test.for([
  '',
  'sum by (a (b)',
  'sum(a',
  'a{b=1}',
  'a{b="c"',
  'rate(a)',
  'sum(a[5m])',
  'a[5m]',
  'a[5]',
  'rates(a[5m])',
  'a and 1',
  'a ==',
  'a b',
  'histogram_quantile(a, 0.9)',
  'sum(1)',
  'a ? b',
])('«%s» is none', (text) => {
  expect(() => parsePromql(text)).toThrow()
})
