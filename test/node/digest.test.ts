import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Algorithm, DIGEST_BYTES, formatDigest, isDigest, parseDigest } from '../../node/digest.ts'

const ALGORITHMS = Object.keys(DIGEST_BYTES) as Algorithm[]
const hexOf = (algorithm: Algorithm, digit = 'a') => digit.repeat(DIGEST_BYTES[algorithm] * 2)

describe('a digest in text', () => {
  it.each(ALGORITHMS)('is its algorithm and its hex: %s', (algorithm) => {
    const digest = { algorithm, hex: hexOf(algorithm) }
    expect(formatDigest(digest)).toBe(`${algorithm}:${digest.hex}`)
    expect(parseDigest(formatDigest(digest))).toEqual(digest)
  })

  const sha256 = hexOf('sha256')
  it.each([
    ['nothing', ''],
    ['no algorithm', `:${sha256}`],
    ['no hex', 'sha256:'],
    ['no colon', `sha256${sha256}`],
    ['an unknown algorithm', `sha3:${sha256}`],
    ['what every object has', `constructor:${sha256}`],
    ['an algorithm in capitals', `SHA256:${sha256}`],
    ['hex in capitals', `sha256:${sha256.toUpperCase()}`],
    ['the length of another algorithm', `sha512:${sha256}`],
    ['a digit too few', `sha256:${sha256.slice(1)}`],
    ['a digit too many', `sha256:${sha256}0`],
    ['no hex digit', `sha256:${sha256.slice(1)}g`],
    ['something behind it', `sha256:${sha256}:`],
    ['a further part', `sha256:${sha256}:${sha256}`],
    ['a line break', `sha256:${sha256}\n`],
    ['a line break in it', `sha256:${sha256.slice(1)}\n`],
    ['a space before', ` sha256:${sha256}`],
    ['base64', 'sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
  ])('is none with %s', (_, text) => {
    expect(parseDigest(text)).toBeUndefined()
  })

  it('has one spelling: what is read is written as it was', () => {
    const near = fc.tuple(fc.constantFrom(...ALGORITHMS, 'sha', ''), fc.stringMatching(/^[0-9a-fA-F:]{0,130}$/))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          near.map(([algorithm, hex]) => `${algorithm}:${hex}`),
        ),
        (text) => {
          const digest = parseDigest(text)
          if (digest) expect([formatDigest(digest), isDigest(digest.algorithm, digest.hex)]).toEqual([text, true])
        },
      ),
      { seed: 1, numRuns: 500 },
    )
  })
})
