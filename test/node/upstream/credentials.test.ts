import { describe, expect, it } from 'vitest'
import { Secret } from '../../../node/secret.ts'
import { authorization, type CredentialEntry, Credentials, mayHave } from '../../../node/upstream/credentials.ts'

const login = { username: 'ann', password: new Secret('p:w ü') }

function entry(origin: string, realm?: string): CredentialEntry {
  return { origin, ...login, ...(realm === undefined ? {} : { realm }) }
}

describe('credentials', () => {
  it('are those of an origin, and of no other', () => {
    const credentials = new Credentials([entry('https://registry.example.test'), entry('http://127.0.0.1:5000')])
    expect(credentials.of('https://registry.example.test')).toEqual(entry('https://registry.example.test'))
    for (const other of [
      'http://registry.example.test',
      'https://registry.example.test:8443',
      'https://example.test',
      'https://a.registry.example.test',
      'http://127.0.0.1:5001',
    ])
      expect(credentials.of(other)).toBeUndefined()
  })

  it('that come first count', () => {
    const second = { origin: 'https://a.example.test', token: new Secret('second') }
    expect(new Credentials([entry('https://a.example.test'), second]).of('https://a.example.test')).toMatchObject(login)
  })

  it('are shown as Basic in UTF-8, a token as Bearer', () => {
    const [scheme, text] = authorization(entry('https://a.example.test')).split(' ')
    expect([scheme, Buffer.from(text ?? '', 'base64').toString()]).toEqual(['Basic', 'ann:p:w ü'])
    expect(authorization({ origin: 'https://a.example.test', token: new Secret('abc') })).toBe('Bearer abc')
  })
})

describe('the token service that an upstream names may have them', () => {
  it.each([
    ['https://registry-1.docker.io', 'https://auth.docker.io/token'],
    ['https://ghcr.io', 'https://ghcr.io/token'],
    ['https://registry.example.test:5000', 'https://auth.example.test/token?a=b'],
    ['http://registry.example.test', 'https://auth.example.test/token'],
    ['http://127.0.0.1:5000', 'http://127.0.0.1:5001/token'],
    ['http://localhost:5000', 'http://localhost:5000/token'],
  ])('when it belongs to it: %s and %s', (origin, realm) => {
    expect(mayHave(entry(origin), new URL(realm))).toBe(true)
  })

  it.each([
    ['another site', 'https://registry.example.test', 'https://auth.other.test/token'],
    ['another site that begins like it', 'https://registry.example.test', 'https://registry.example.test.evil.test/token'],
    ['http where the upstream is https', 'https://registry.example.test', 'http://registry.example.test/token'],
    ['a neighbour in the clear', 'http://registry.example.test', 'http://auth.example.test/token'],
    ['another address', 'http://127.0.0.1:5000', 'http://127.0.0.2:5000/token'],
    ['another customer of the same provider', 'https://corp.azurecr.io', 'https://evil.azurecr.io/token'],
  ])('but not when it is %s', (_what, origin, realm) => {
    expect(mayHave(entry(origin), new URL(realm))).toBe(false)
  })

  it('or when the operator named it, by its origin', () => {
    const named = entry('https://registry.example.test', 'https://sso.other.test/auth/')
    expect(mayHave(named, new URL('https://sso.other.test/token'))).toBe(true)
    expect(mayHave(named, new URL('http://sso.other.test/token'))).toBe(false)
    expect(mayHave(named, new URL('https://sso.other.test:8443/token'))).toBe(false)
    expect(mayHave(named, new URL('https://other.test/token'))).toBe(false)
  })
})
