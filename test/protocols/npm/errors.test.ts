import { describe, expect, test } from 'vitest'
import { errorCodes, WarrenError } from '../../../node/errors.ts'
import { npm } from '../../../protocols/npm/index.ts'

function shown(error: WarrenError): string {
  const { contentType, body } = npm.formatError(error, '/npm/left-pad')
  expect(contentType).toBe('application/json')
  const parsed = JSON.parse(body) as { error: string }
  expect(Object.keys(parsed)).toEqual(['error'])
  return parsed.error
}

describe('an error as npm prints it', () => {
  test.each(errorCodes)('%s says in one line what was wrong', (code) => {
    const error = new WarrenError(code, 'npm: no «foo» there', { cause: new Error('secret'), retryAfter: 7 })
    expect(shown(error)).toMatch(/^npm: no «foo» there(?:; [^\n]+)?$/)
    expect(shown(error)).not.toContain('secret')
  })

  test('says what to do', () => {
    expect(shown(new WarrenError('UPSTREAM_ABSENT', 'no foo'))).toBe('no foo; check the name and the version')
    expect(shown(new WarrenError('UPSTREAM_BUSY', 'too many requests', { retryAfter: 30 }))).toBe(
      'too many requests; try again in 30 s',
    )
    expect(shown(new WarrenError('UPSTREAM_TIMEOUT', 'no answer'))).toBe('no answer; try again in a moment')
    expect(shown(new WarrenError('BAD_REQUEST', 'ask for «package»'))).toBe('ask for «package»')
  })

  test('shows no stack and no more than a screen line', () => {
    const error = new WarrenError('STORE_UNUSABLE', `boom\n    at parse (store.ts:1:1)\r\n${'x'.repeat(9000)}`)
    expect(shown(error)).toBe('boom')
    expect(shown(new WarrenError('STORE_UNUSABLE', 'x'.repeat(9000))).length).toBeLessThan(600)
  })
})
