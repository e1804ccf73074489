import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate, rangeApplies } from '../../node/http/conditional.ts'
import { acceptedEncodings } from '../../node/http/encodings.ts'
import { parseHttpDate } from '../../node/http/http-date.ts'
import { parseRange } from '../../node/http/range.ts'
import { encodingsOf, matchingTag, rangesOf, verdictOf } from './models.ts'

const number = fc.oneof(
  fc.nat(30).map(String),
  fc.constantFrom('', '0', '007', '99999999999999999999', '1e1', '+1', '-1', '1.0', '٣'),
)
const spec = fc.oneof(
  fc.tuple(number, number).map(([first, last]) => `${first}-${last}`),
  fc.constantFrom('', ' ', '\t', '-', '--', '*', '0-0', '-5', '5-', 'bytes=1-2', '1-2-3', '\0', 'x'),
)
const padded = fc.tuple(fc.constantFrom('', ' ', '\t '), spec, fc.constantFrom('', ' ')).map((parts) => parts.join(''))
const unit = fc.constantFrom('bytes=', 'bytes=', 'bytes=', 'bytes=', 'Bytes=', 'bytes', 'items=', '', 'bytes =', 'bytes==')
const range = fc.oneof(
  fc.tuple(unit, fc.array(padded, { maxLength: 20 })).map(([name, specs]) => name + specs.join(',')),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

test('a Range header is read as the obvious model reads it, byte by byte', () => {
  fc.assert(
    fc.property(range, fc.nat(25), (header, size) => {
      const ranges = parseRange(header, size)
      const model = rangesOf(header, size)
      expect(ranges === undefined).toBe(model === undefined)
      const bytes = (ranges ?? []).flatMap(({ start, end }) => Array.from({ length: end - start + 1 }, (_, i) => start + i))
      // Each byte that was asked for is there once, and no other one.
      expect(bytes.length).toBe(new Set(bytes).size)
      expect(new Set(bytes)).toEqual(model ?? new Set())
      for (const { start, end } of ranges ?? []) expect(0 <= start && start <= end && end < size).toBe(true)
    }),
    { numRuns: 25_000 },
  )
})

const opaque = fc.constantFrom('a', 'b', 'a-gzip', '', 'sha256:x', 'with,comma', 'W/', 'é')
const tag = fc.tuple(fc.constantFrom('', '', 'W/'), opaque).map(([weak, name]) => `${weak}"${name}"`)
const separator = fc.constantFrom(',', ', ', ' ,', ',,', ' , ')
const tags = fc
  .array(fc.tuple(tag, separator), { minLength: 1, maxLength: 5 })
  .map((pairs) => pairs.flat().slice(0, -1).join(''))
const held = fc.array(opaque, { maxLength: 4 }).map((names) => names.map((name) => `"${name}"`))
const date = fc.integer({ min: 0, max: 5 }).map((seconds) => new Date(1_445_412_480_000 + seconds * 1_000).toUTCString())
const when = fc.oneof(date, fc.constantFrom('', 'yesterday', '0', '2015-10-21', 'Wed, 21 Oct 2015 07:28:00'))
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const list = fc.oneof(tags, fc.constantFrom('*', ' * ', '', 'a', '"', 'W/', '"a'))

test('conditions come to what the steps of RFC 9110 section 13.2.2 come to', () => {
  const conditions = fc.record({
    'if-match': optional(list),
    'if-none-match': optional(list),
    'if-modified-since': optional(when),
    'if-unmodified-since': optional(when),
  })
  fc.assert(
    fc.property(conditions, held, optional(date), (headers, etags, lastModified) => {
      const verdict = evaluate(headers, { etags, lastModified })
      const told = typeof verdict === 'string' ? verdict : 'not modified'
      expect(told).toBe(verdictOf(headers, etags, lastModified))
      // A 304 names a form that the client holds, or the one that it would be given.
      if (typeof verdict !== 'string' && verdict.notModified !== undefined) expect(etags).toContain(verdict.notModified)
    }),
    { numRuns: 20_000 },
  )
})

test('If-Range holds for exactly the same bytes only', () => {
  const value = fc.oneof(tag, when, fc.string({ maxLength: 8 }))
  fc.assert(
    fc.property(optional(value), optional(tag), optional(date), (ifRange, etag, lastModified) => {
      const strong = etag?.startsWith('W/') ? undefined : etag
      const wanted =
        ifRange === undefined || matchingTag(ifRange, strong) || (ifRange.trim() === lastModified && !ifRange.includes('"'))
      expect(rangeApplies({ 'if-range': ifRange }, { etag: strong, lastModified })).toBe(wanted)
    }),
    { numRuns: 10_000 },
  )
})

const weight = fc.constantFrom(
  '',
  ';q=1',
  ';q=0',
  ';q=0.5',
  '; q=0.25',
  ';Q=0.125',
  ';q=0.0',
  ';q=2',
  ';q=',
  ';q=1.0001',
  ';x=y;q=0.5',
)
const coding = fc.constantFrom('gzip', 'GZIP', 'x-gzip', 'br', 'zstd', 'deflate', 'identity', '*', '', 'gzip br', '\0')
const accept = fc
  .array(
    fc.tuple(coding, weight).map((parts) => parts.join('')),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(', '))

test('Accept-Encoding is read as the obvious model reads it', () => {
  fc.assert(
    fc.property(fc.oneof(accept, fc.string({ unit: 'binary', maxLength: 40 })), (header) => {
      expect(acceptedEncodings(header)).toEqual(encodingsOf(header))
    }),
    { numRuns: 20_000 },
  )
})

test('a date is read back as it was written, in all three forms, and nothing else is a date', () => {
  const moment = fc.integer({ min: 0, max: 4_102_444_799 }).map((seconds) => new Date(seconds * 1_000))
  fc.assert(
    fc.property(moment, fc.string({ maxLength: 6 }), fc.nat(40), (then, noise, at) => {
      const [day = '', date = '', month = '', year = '', time = ''] = then.toUTCString().split(/,? /)
      const asctime = `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`
      expect(parseHttpDate(then.toUTCString())).toBe(then.getTime())
      expect(parseHttpDate(asctime)).toBe(then.getTime())
      const spoilt = then.toUTCString().slice(0, at) + noise + then.toUTCString().slice(at)
      const read = parseHttpDate(spoilt)
      if (read !== undefined) expect(new Date(read).getTime()).toBe(read)
    }),
    { numRuns: 10_000 },
  )
})
