import { describe, expect, test } from 'vitest'
import { errorCodes, WarrenError } from '../../../node/errors.ts'
import { oci } from '../../../protocols/oci/index.ts'
import { SHA256 } from './fixtures.ts'

const MANIFEST = '/v2/library/x/manifests/latest'
const BLOB = `/v2/library/x/blobs/${SHA256}`
const TAGS = '/v2/library/x/tags/list'

interface Shown {
  readonly code: string
  readonly message: string
}

function shown(error: WarrenError, path: string): Shown {
  const { contentType, body } = oci.formatError(error, path)
  expect(contentType).toBe('application/json')
  const { errors } = JSON.parse(body) as { errors: Shown[] }
  expect(errors).toHaveLength(1)
  return errors[0] as Shown
}

describe('an error as clients of registries print it', () => {
  test.each(errorCodes)('%s says in one line what was wrong', (code) => {
    const error = new WarrenError(code, 'hub: no «x» there', { cause: new Error('secret'), retryAfter: 7 })
    const { message, code: told } = shown(error, MANIFEST)
    expect(message).toMatch(/^hub: no «x» there(?:; [^\n]+)?$/)
    expect(told).toMatch(/^[A-Z_]+$/)
    expect(oci.formatError(error, MANIFEST).body).not.toContain('secret')
  })

  test.each([
    ['UPSTREAM_ABSENT', MANIFEST, 'MANIFEST_UNKNOWN'],
    ['UPSTREAM_ABSENT', `/v2/library/x/manifests/${SHA256}`, 'MANIFEST_UNKNOWN'],
    ['UPSTREAM_ABSENT', BLOB, 'BLOB_UNKNOWN'],
    ['UPSTREAM_ABSENT', TAGS, 'NAME_UNKNOWN'],
    ['UPSTREAM_ABSENT', '/quay.io/v2/org/app/manifests/1', 'MANIFEST_UNKNOWN'],
    ['UPSTREAM_GONE', BLOB, 'BLOB_UNKNOWN'],
    ['NO_SUCH_MIRROR', MANIFEST, 'NAME_UNKNOWN'],
    ['NO_SUCH_MIRROR', '/other.example.test/v2/', 'NAME_UNKNOWN'],
    ['METHOD_NOT_ALLOWED', BLOB, 'UNSUPPORTED'],
    ['UPSTREAM_BUSY', MANIFEST, 'TOOMANYREQUESTS'],
    ['UPSTREAM_DENIED', MANIFEST, 'DENIED'],
    ['UPSTREAM_LEGAL', BLOB, 'DENIED'],
    ['UPSTREAM_UNREACHABLE', MANIFEST, 'UNAVAILABLE'],
    ['UPSTREAM_TIMEOUT', BLOB, 'UNAVAILABLE'],
    ['UPSTREAM_CORRUPT', BLOB, 'UNAVAILABLE'],
    ['DRAINING', MANIFEST, 'UNAVAILABLE'],
    ['INTERNAL', MANIFEST, 'UNKNOWN'],
    ['STORE_UNUSABLE', BLOB, 'UNKNOWN'],
  ] as const)('%s at %s is %s', (code, path, told) => {
    expect(shown(new WarrenError(code, 'no'), path).code).toBe(told)
  })

  test.each(errorCodes.filter((code) => new WarrenError(code, '').status >= 500))(
    '%s never says that something does not exist',
    (code) => {
      for (const path of [MANIFEST, BLOB, TAGS, '/v2/']) {
        expect(shown(new WarrenError(code, 'no'), path).code).not.toMatch(/_UNKNOWN$/)
      }
    },
  )

  test.each(errorCodes)('%s asks nobody for credentials', (code) => {
    // A client would look for some, or for a token, and send them here.
    if (code !== 'TOKEN_REQUIRED') expect(shown(new WarrenError(code, 'no'), MANIFEST).code).not.toBe('UNAUTHORIZED')
  })

  test('shows no stack and no more than a screen line', () => {
    const error = new WarrenError('STORE_UNUSABLE', `boom\n    at parse (store.ts:1:1)\r\n${'x'.repeat(9000)}`)
    expect(shown(error, MANIFEST).message).toBe('boom')
    expect(shown(new WarrenError('STORE_UNUSABLE', 'x'.repeat(9000)), MANIFEST).message.length).toBeLessThan(700)
  })

  test('does not depend on the path being a legal one', () => {
    for (const path of ['', '/', '%', '/v2/%ff/manifests/%', `/${'manifests/'.repeat(2000)}x`, '/v2/x/manifests/\n']) {
      expect(shown(new WarrenError('UPSTREAM_ABSENT', 'no'), path).code).toMatch(/^(?:MANIFEST|NAME)_UNKNOWN$/)
    }
  })
})
