import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChallenges } from '../../../node/upstream/challenge.ts'
import { MAX_CHALLENGE } from '../../../node/upstream/constants.ts'

/** As plain objects, to be compared. */
function read(header: string) {
  return parseChallenges(header).map(({ scheme, params }) => [scheme, Object.fromEntries(params)])
}

const BEARER = 'Bearer realm="https://auth.example.test/token",service="registry.example.test",scope="repository:a/b:pull"'
const PARAMS = { realm: 'https://auth.example.test/token', service: 'registry.example.test', scope: 'repository:a/b:pull' }

describe('the challenges in WWW-Authenticate', () => {
  it.each([
    ['as registries write them', BEARER, [['bearer', PARAMS]]],
    [
      'with commas within a quoted text',
      'Bearer realm="a",scope="repository:a:pull,push"',
      [['bearer', { realm: 'a', scope: 'repository:a:pull,push' }]],
    ],
    ['with blanks around = and commas', 'bearer  realm = "a" ,\tservice= b', [['bearer', { realm: 'a', service: 'b' }]]],
    ['with names in any case', 'BEARER Realm="a",SERVICE="B"', [['bearer', { realm: 'a', service: 'B' }]]],
    ['with escapes in a quoted text', 'Basic realm="say \\"hi\\" \\\\o"', [['basic', { realm: 'say "hi" \\o' }]]],
    ['with empty list elements', `, ,${BEARER},,`, [['bearer', PARAMS]]],
    ['without parameters', 'Negotiate', [['negotiate', {}]]],
    ['with a bare token', 'Negotiate YII+/w==', [['negotiate', {}]]],
    [
      'as several in one header',
      `Negotiate, Basic realm="a", ${BEARER}`,
      [
        ['negotiate', {}],
        ['basic', { realm: 'a' }],
        ['bearer', PARAMS],
      ],
    ],
    [
      'with what looks like a challenge in a quoted text',
      'Basic realm="Bearer realm=x, b"',
      [['basic', { realm: 'Bearer realm=x, b' }]],
    ],
  ])('are read %s', (_how, header, challenges) => {
    expect(read(header)).toEqual(challenges)
  })

  it.each([
    ['an open quote', 'Bearer realm="https://auth.example.test'],
    ['a parameter twice', 'Bearer realm="https://a.example.test",realm="https://b.example.test"'],
    ['a parameter twice in another case', 'Bearer realm="a",Realm="b"'],
    ['no comma between parameters', 'Bearer realm="a" service="b"'],
    ['text behind a quote', 'Bearer realm="a"b'],
    ['a control character', 'Bearer realm="a\u0001"'],
    ['no scheme', '="a"'],
    ['a parameter without value', 'Bearer realm=,service="b"'],
  ])('are none where there is %s', (_what, header) => {
    expect(read(header)).toEqual([])
  })

  it('are none beyond the length that is read, and there up to it', () => {
    const scope = 'x'.repeat(MAX_CHALLENGE - 'Bearer scope='.length)
    expect(read(`Bearer scope=${scope}`)).toEqual([['bearer', { scope }]])
    expect(read(`Bearer scope=${scope}x`)).toEqual([])
  })

  it('come back as they were written, whatever is in them', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
    const value = fc.string({ unit: fc.constantFrom(...'ab "\\,=;/\t\u00e9'.split('')), maxLength: 20 })
    const challenge = fc.record({
      scheme: name,
      params: fc.dictionary(name, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
    })
    const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 4 }), (all) => {
        const header = all
          .map(({ scheme, params }) => `${scheme} ${Object.entries(params).map(([key, text]) => `${key}=${quoted(text)}`)}`)
          .join(', ')
        expect(read(header)).toEqual(all.map(({ scheme, params }) => [scheme, params]))
      }),
      { seed: 4 },
    )
  })

  it('are sought in any text without an error and in no time', () => {
    const piece = fc.constantFrom('Bearer', ' ', ',', '=', '"', '\\', 'a', 'realm="x"', '\u0000', '\u20ac')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 400 }), (pieces) => {
        parseChallenges(pieces.join(''))
      }),
      { seed: 4, numRuns: 500 },
    )
  })
})
