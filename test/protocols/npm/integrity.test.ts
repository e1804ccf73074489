import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseIntegrity, strongestPromise, UNREADABLE } from '../../../protocols/npm/integrity.ts'

const of = (algorithm: string, text = 'tarball') => createHash(algorithm).update(text)
const sri = (algorithm: string, text?: string) => `${algorithm}-${of(algorithm, text).digest('base64')}`
const hex = (algorithm: string, text?: string) => of(algorithm, text).digest('hex')

/** The digests that a tarball has to have, as expected from what its document says. */
const promised = (integrity?: string, shasum?: string) => parseIntegrity(strongestPromise(integrity, shasum))

describe('what is promised', () => {
  test('is the strongest algorithm of the integrity', () => {
    const all = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'].map((algorithm) => sri(algorithm)).join(' ')
    expect(promised(all, hex('sha1', 'other'))).toEqual([{ algorithm: 'sha512', hex: hex('sha512') }])
    expect(promised(`${sri('sha1')} ${sri('sha256')}`)).toEqual([{ algorithm: 'sha256', hex: hex('sha256') }])
  })

  test('is any of several values of that algorithm', () => {
    const several = `${sri('sha512', 'a')} ${sri('sha1')}\n\t${sri('sha512', 'b')}  ${sri('sha512', 'a')}`
    expect(promised(several).map((digest) => digest.hex)).toEqual([hex('sha512', 'a'), hex('sha512', 'b')])
  })

  test('is the shasum where there is no integrity', () => {
    expect(promised(undefined, hex('sha1').toUpperCase())).toEqual([{ algorithm: 'sha1', hex: hex('sha1') }])
    expect(promised('', hex('sha1'))).toEqual([{ algorithm: 'sha1', hex: hex('sha1') }])
  })

  test('is the shasum where the integrity is weaker or cannot be read', () => {
    expect(promised(sri('md5'), hex('sha1'))).toEqual([{ algorithm: 'sha1', hex: hex('sha1') }])
    expect(promised('sha512-short', hex('sha1'))).toEqual([{ algorithm: 'sha1', hex: hex('sha1') }])
  })

  test('is the integrity where it is as strong as the shasum', () => {
    expect(promised(sri('sha1'), hex('sha1', 'other'))).toEqual([{ algorithm: 'sha1', hex: hex('sha1') }])
  })

  test('is nothing where the document has neither', () => {
    expect(strongestPromise(undefined, undefined)).toBe('')
    expect(strongestPromise('', ' ')).toBe('')
  })

  test.each([['sha512-AAAA'], ['sha3-512-AAAA'], ['!'], ['sha512'], [`sha512-${'A'.repeat(85)}!==`]])(
    'is not taken for nothing when it is «%s»',
    (integrity) => {
      expect(strongestPromise(integrity, undefined)).toBe(UNREADABLE)
      expect(strongestPromise(undefined, integrity)).toBe(UNREADABLE)
    },
  )
})

describe('integrity metadata', () => {
  test('may carry options and lack its padding', () => {
    expect(parseIntegrity(`${sri('sha512')}?foo=bar?x`)).toEqual([{ algorithm: 'sha512', hex: hex('sha512') }])
    expect(parseIntegrity(sri('sha512').replace(/=+$/, ''))).toEqual([{ algorithm: 'sha512', hex: hex('sha512') }])
  })

  test('is read up to a bound', () => {
    expect(parseIntegrity(`${sri('sha512')} `.repeat(10_000)).length).toBeLessThan(50)
  })
})
