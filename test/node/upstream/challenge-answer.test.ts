import { describe, expect, it } from 'vitest'
import { Secret } from '../../../node/secret.ts'
import { isSameWay, type Way, wayOf } from '../../../node/upstream/challenge-answer.ts'
import type { CredentialEntry } from '../../../node/upstream/credentials.ts'

const origin = 'https://registry.example.test'
const login: CredentialEntry = { origin, username: 'ann', password: new Secret('secret') }
const token: CredentialEntry = { origin, token: new Secret('secret') }

const REALM = 'https://auth.example.test/token'
const BEARER = `Bearer realm="${REALM}",service="registry"`
const byToken = {
  kind: 'token',
  realm: new URL(REALM),
  service: 'registry',
  scope: 'repository:a:pull',
  withheld: false,
} as const

describe('the way to answer a 401', () => {
  it('is a token of the service that the challenge names, with its scope or else the given one', () => {
    expect(wayOf(`${BEARER},scope="repository:a:pull"`, undefined, 'repository:b:pull')).toEqual(byToken)
    expect(wayOf(BEARER, undefined, 'repository:a:pull')).toEqual(byToken)
    expect(wayOf(`${BEARER},scope=""`, undefined, 'repository:a:pull')).toEqual(byToken)
    expect(wayOf(BEARER, undefined, undefined)).toEqual({ ...byToken, scope: undefined })
    expect(wayOf(`Bearer realm="${REALM}"`, undefined, undefined)).toMatchObject({ service: undefined })
  })

  it('is that token, too, where the challenge comes after others, or was sent by hand with credentials at hand', () => {
    const challenge = `Negotiate, Basic realm="x", Bearer realm="no url", ${BEARER},scope="repository:a:pull"`
    for (const entry of [undefined, login, token]) expect(wayOf(challenge, entry, undefined)).toEqual(byToken)
  })

  it('shows credentials to no token service on another site', () => {
    const challenge = 'Bearer realm="https://auth.evil.test/token"'
    expect(wayOf(challenge, login, undefined)).toMatchObject({ kind: 'token', withheld: true })
    expect(wayOf(challenge, undefined, undefined)).toMatchObject({ kind: 'token', withheld: false })
    const named = { ...login, realm: 'https://auth.evil.test/' }
    expect(wayOf(challenge, named, undefined)).toMatchObject({ kind: 'token', withheld: false })
  })

  it.each([
    ['Basic', 'Basic realm="x"', login],
    ['nothing that it says', undefined, login],
    ['nothing that it says, for a token', undefined, token],
    ['Bearer without a token service', 'Bearer realm="Some Registry"', token],
    ['Basic with a realm that is a URL', `Basic realm="${REALM}"`, login],
    ['Basic, for a token', 'Basic realm="x"', token],
  ])('is the credentials themselves for %s', (_what, challenge, entry) => {
    expect(wayOf(challenge, entry, 'repository:a:pull')).toEqual({ kind: 'credentials' })
  })

  it.each([
    ['there are no credentials', 'Basic realm="x"', undefined],
    ['there is no challenge and there are no credentials', undefined, undefined],
    ['a password is no answer to it', 'Negotiate', login],
    ['a password is no answer to Bearer without a token service', 'Bearer realm="Some Registry"', login],
    ['it is malformed', `${BEARER},realm="https://auth.evil.test/token"`, login],
    ['the realm is a file', 'Bearer realm="file:///etc/passwd"', undefined],
    ['the realm carries credentials', 'Bearer realm="https://ann:secret@auth.example.test/token"', undefined],
    ['the realm is only a path', 'Bearer realm="/token"', undefined],
  ])('is none where %s', (_what, challenge, entry) => {
    expect(wayOf(challenge, entry, 'repository:a:pull')).toBeUndefined()
  })

  it('is the same when realm, service and scope are', () => {
    const credentials: Way = { kind: 'credentials' }
    expect(isSameWay(byToken, { ...byToken, realm: new URL(REALM) })).toBe(true)
    expect(isSameWay(credentials, { kind: 'credentials' })).toBe(true)
    for (const other of [
      { ...byToken, realm: new URL('https://auth.example.test/other') },
      { ...byToken, service: undefined },
      { ...byToken, scope: 'repository:b:pull' },
      credentials,
    ])
      expect(isSameWay(byToken, other)).toBe(false)
  })
})
