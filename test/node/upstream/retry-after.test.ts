import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from '../../../node/upstream/retry-after.ts'

const NOW = Date.UTC(2030, 0, 1)

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['7', 7],
    [' 12 ', 12],
    ['Tue, 01 Jan 2030 00:00:30 GMT', 30],
    ['Tuesday, 01-Jan-30 00:00:30 GMT', 30],
    ['Tue Jan  1 00:00:30 2030', 30],
  ])('understands %s', (value, seconds) => {
    expect(parseRetryAfter(value, NOW)).toBe(seconds)
  })

  it('rounds the rest of a second up', () => {
    expect(parseRetryAfter('Tue, 01 Jan 2030 00:00:30 GMT', NOW + 1)).toBe(30)
  })

  it('takes a date that has passed for now', () => {
    expect(parseRetryAfter('Mon, 31 Dec 2029 00:00:00 GMT', NOW)).toBe(0)
  })

  it.each(['999999999999999999999', 'Fri, 01 Jan 2100 00:00:00 GMT'])('bounds %s to a quarter of an hour', (value) => {
    expect(parseRetryAfter(value, NOW)).toBe(900)
  })

  it.each([undefined, '', 'soon', '-1', '1.5', '10, 20', '2030-01-01T00:00:30Z', 'Tue, 01 Jan 2030 00:00:30'])(
    'ignores %s',
    (value) => {
      expect(parseRetryAfter(value, NOW)).toBeUndefined()
    },
  )

  it('yields whole seconds within bounds, or nothing, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789 ,:-GMTuesJan') }), (value) => {
        const seconds = parseRetryAfter(value, NOW)
        expect(seconds === undefined || (Number.isInteger(seconds) && seconds >= 0 && seconds <= 900)).toBe(true)
      }),
    )
  })
})
