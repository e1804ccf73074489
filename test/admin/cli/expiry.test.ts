import { expect, test } from 'vitest'
import { UsageError } from '../../../admin/cli/exit-codes.ts'
import { parseExpiry } from '../../../admin/cli/expiry.ts'

const NOW = Date.parse('2026-11-25T12:00:00Z')

test.for([
  ['12h', '2026-11-26T00:00:00.000Z'],
  ['7d', '2026-12-02T12:00:00.000Z'],
  ['366d', '2027-11-26T12:00:00.000Z'],
  ['2026-11-25', '2026-11-25T23:59:59.999Z'],
  ['2027-01-31', '2027-01-31T23:59:59.999Z'],
] as const)('%s is until %s', ([text, time]) => {
  expect(new Date(parseExpiry(text, NOW)).toISOString()).toBe(time)
})

test.for([
  '',
  '0',
  '0d',
  '-1d',
  '7',
  'soon',
  '367d',
  '2026-11-24',
  '2027-02-29',
  '2027-11-27',
  '2027-1-31',
  '2027-01-31T00:00:00Z',
])('%j is refused with what would be right', (text) => {
  expect(() => parseExpiry(text, NOW)).toThrowError(
    new UsageError(
      `--expires: ${JSON.stringify(text)} must be a duration such as 12h or 7d, or a day such as 2027-01-31, at most 366 days from now`,
    ),
  )
})
