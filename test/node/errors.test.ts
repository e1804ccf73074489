import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { errorCodes, isWarrenError, reasonOf, WarrenError } from '../../node/errors.ts'

const documented = new Map(
  readFileSync(new URL('../../node/README.md', import.meta.url), 'utf8')
    .split('<!-- errors -->')[1]
    ?.matchAll(/^\| `([A-Z_]+)` +\| (\d+) +\| (yes|no) +\| (.+) \|$/gm)
    .map(([, code, status, again]) => [code as string, { status: Number(status), retryable: again === 'yes' }] as const),
)

describe('the error catalogue', () => {
  it('and its documentation name the same codes', () => {
    expect([...documented.keys()].sort()).toEqual([...errorCodes].sort())
  })

  it.each(errorCodes)('%s has the status and the advice that the documentation gives', (code) => {
    const { status, retryable } = new WarrenError(code, 'x')
    expect({ status, retryable }).toEqual(documented.get(code))
  })

  it('tells its errors from others, by code where asked', () => {
    const error = new WarrenError('LOOP', 'x', { cause: new Error('y'), retryAfter: 7 })
    expect(isWarrenError(error)).toBe(true)
    expect(isWarrenError(error, 'UPSTREAM_CUT', 'LOOP')).toBe(true)
    expect(isWarrenError(error, 'UPSTREAM_CUT')).toBe(false)
    expect(isWarrenError(new Error('LOOP'))).toBe(false)
    expect([error.retryAfter, (error.cause as Error).message]).toEqual([7, 'y'])
  })
})

describe('the reason of whatever was thrown', () => {
  it.each([
    [new Error('first\nsecond'), 'first'],
    [Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' }), 'connect failed (ECONNREFUSED)'],
    [Object.assign(new Error('connect ECONNREFUSED 1.2.3.4'), { code: 'ECONNREFUSED' }), 'connect ECONNREFUSED 1.2.3.4'],
    [Object.assign(new Error(''), { code: 'EPIPE' }), 'EPIPE'],
    [new WarrenError('LOOP', 'round and round'), 'round and round'],
    ['text', 'text'],
  ])('%o is told as «%s»', (thrown, told) => {
    expect(reasonOf(thrown)).toBe(told)
  })
})
