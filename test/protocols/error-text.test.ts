import { expect, it } from 'vitest'
import { type ErrorCode, WarrenError } from '../../node/errors.ts'
import { type Advice, errorText, messageOf, plainText } from '../../protocols/error-text.ts'

const ALL: Advice = { tell: 'the index', absent: 'check the name', takenDown: 'choose another version' }

it.each<[code: ErrorCode, of: Advice, text: string]>([
  ['UPSTREAM_ABSENT', ALL, 'no; check the name'],
  ['UPSTREAM_ABSENT', { tell: 'the proxy' }, 'no'],
  ['UPSTREAM_GONE', ALL, 'no; it was taken down there: choose another version'],
  ['UPSTREAM_GONE', { tell: 'the proxy' }, 'no'],
  ['UPSTREAM_LEGAL', ALL, 'no; it was taken down there for legal reasons: choose another version'],
  ['UPSTREAM_DENIED', ALL, 'no'],
  ['UPSTREAM_CORRUPT', ALL, 'no; nothing of it was kept; try again, and tell the index if it stays so'],
  ['UPSTREAM_TIMEOUT', ALL, 'no; try again in a moment'],
  ['BAD_REQUEST', ALL, 'no'],
])('%s with %j is «%s»', (code, advice, text) => {
  expect(errorText(new WarrenError(code, 'no'), advice)).toBe(text)
})

it('says how long to wait where that is known', () => {
  const busy = new WarrenError('UPSTREAM_BUSY', 'slow down', { retryAfter: 7 })
  expect(plainText(errorText(busy, ALL))).toEqual({
    contentType: 'text/plain; charset=utf-8',
    body: 'slow down; try again in 7 s\n',
  })
})

it('does not say twice how long to wait', () => {
  const busy = new WarrenError('UPSTREAM_UNREACHABLE', 'a.test has failed; asked again in 16 s', { retryAfter: 16 })
  expect(errorText(busy, ALL)).toBe('a.test has failed; asked again in 16 s')
})

it.each(['\n', '\r', '\r\n'])('nothing behind the first line of a message goes out (%j)', (end) => {
  expect(errorText(new WarrenError('UPSTREAM_DENIED', `no${end}at secret.ts:1`), ALL)).not.toContain('secret')
  expect(messageOf(new WarrenError('BAD_REQUEST', `no${end}at secret.ts:1`))).toBe('no')
})

it('a message is cut, and its advice is not', () => {
  const long = new WarrenError('UPSTREAM_ABSENT', 'x'.repeat(9_000))
  expect(messageOf(long)).toBe('x'.repeat(500))
  expect(errorText(long, ALL, 10)).toBe(`${'x'.repeat(10)}; check the name`)
})
