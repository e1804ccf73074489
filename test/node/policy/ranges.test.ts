import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { maven } from '../../../node/policy/versions/maven.ts'
import { python } from '../../../node/policy/versions/python.ts'
import type { VersionScheme } from '../../../node/policy/versions/scheme.ts'
import { semantic } from '../../../node/policy/versions/semantic.ts'
import { text } from '../../../node/policy/versions/text.ts'
import { versRange } from '../../../node/policy/versions/vers.ts'

const SEED = 20_261_102

/** Of the versions between spaces, those that are in a range; with `?` those that may be anything. */
function within(scheme: VersionScheme, range: string, versions: string): string {
  const test = scheme.range(range)
  if (!test) return 'no range'
  return versions
    .split(' ')
    .flatMap(
      (version) =>
        ({ true: [version], false: [], undefined: [`${version}?`] })[`${test(version) as boolean | undefined}`] ?? [],
    )
    .join(' ')
}

describe('semantic versions', () => {
  it.each([
    ['<2.0.0', '1.9.9 2.0.0-rc.1 2.0.0 2.1.0', '1.9.9 2.0.0-rc.1'],
    ['<2', '1.9.9 2.0.0-rc.1 2.0.0', '1.9.9'],
    ['>=2.0,<2.17.1', '1.0.0 2.0.0 2.17.0 2.17.1', '2.0.0 2.17.0'],
    ['>=2.0 <2.17.1', '1.0.0 2.0.0 2.17.0 2.17.1', '2.0.0 2.17.0'],
    ['^1.2', '1.1.9 1.2.0 1.9.0-beta 2.0.0', '1.2.0 1.9.0-beta'],
    ['1.2.3', '1.2.2 1.2.3 1.2.3+build 1.2.4', '1.2.3 1.2.3+build'],
    ['1.x', '0.9.0 1.0.0 1.99.0 2.0.0', '1.0.0 1.99.0'],
    [
      '<v1.3.0',
      'v1.2.0 v1.2.9-0.20200101000000-abcdefabcdef v1.3.0 v2.0.0+incompatible',
      'v1.2.0 v1.2.9-0.20200101000000-abcdefabcdef',
    ],
    ['>=2', 'v2.0.0+incompatible v1.0.0', 'v2.0.0+incompatible'],
    ['<2', '1.0.0 banana 01.0', '1.0.0 banana? 01.0?'],
  ])('in %s are of %s: %s', (range, versions, wanted) => {
    expect(within(semantic, range, versions)).toBe(wanted)
  })

  it.each(['banana', '>=', '>=1,<', '[1,2)', '=>1', '<', '>=1,<,2'])('«%s» is no range', (range) => {
    expect(semantic.range(range)).toBeUndefined()
  })
})

describe('versions of Python packages', () => {
  it.each([
    ['<2.0', '1.9 2.0 1!0.1 2.0.post1', '1.9'],
    ['>=1.0,<2.0', '0.9 1.0 1.5.dev1 2.0', '1.0 1.5.dev1'],
    ['<2', '2.0rc1 2.0.dev3 2a1.post1 2.0 2.0+local', '2.0rc1 2.0.dev3 2a1.post1'],
    ['<2.0rc1', '2.0b9 2.0rc1 2.0rc1.dev1', '2.0b9 2.0rc1.dev1'],
    ['<=2.0', '2.0rc1 2.0 2.0+local 2.0.post1', '2.0rc1 2.0 2.0+local'],
    ['>1.0', '1.0rc1 1.0 1.0+local 1.0.post1 1.0.post1+local 1.1.dev1', '1.0.post1 1.0.post1+local 1.1.dev1'],
    ['>=1.0', '1.0rc1 1.0 1.0+local 1.0.post1', '1.0 1.0+local 1.0.post1'],
    ['> 1.0 , < 2', '1.0.post1 2.0rc1', '1.0.post1 2.0rc1'],
    ['~=1.4.2', '1.4.1 1.4.2 1.4.9 1.5.0', '1.4.2 1.4.9'],
    ['1.0', '1.0 1.0.0 1.0.1', '1.0 1.0.0'],
    ['1.*', '1.0 1.99 2.0', '1.0 1.99'],
    ['==1.0,!=1.0.1', '1.0 1.0.1', '1.0'],
    ['<2', '1 not.a.version-x', '1 not.a.version-x?'],
  ])('in %s are of %s: %s', (range, versions, wanted) => {
    expect(within(python, range, versions)).toBe(wanted)
  })

  it.each(['^1', '>=', '[1,2)', '>=1,,<2', 'banana', '1 2', '<banana', '><1'])('«%s» is no range', (range) => {
    expect(python.range(range)).toBeUndefined()
  })
})

describe('versions of Maven', () => {
  it.each([
    ['>=2.0,<2.17.1', '1.9 2.0 2.0-beta9 2.17.0 2.17.1-rc1 2.17.1', '2.0 2.17.0 2.17.1-rc1'],
    ['[2.0,2.17.1)', '1.9 2.0 2.17.0 2.17.1', '2.0 2.17.0'],
    ['(,1.0],[1.2,)', '0.1 1.0 1.1 1.2 9', '0.1 1.0 1.2 9'],
    ['[1.5]', '1.4 1.5 1.5.0 1.6', '1.5 1.5.0'],
    ['1.5', '1.5 1.5.0 1.6', '1.5 1.5.0'],
    ['31.*', '31.1-jre 31.0 3.1 32.0', '31.1-jre 31.0'],
    ['(1,2)', '1 1.5 2', '1.5'],
    ['!=1.0', '1 1.0.1', '1.0.1'],
  ])('in %s are of %s: %s', (range, versions, wanted) => {
    expect(within(maven, range, versions)).toBe(wanted)
  })

  it.each(['[1,2', '(1)', '[1,2,3]', '[1,2)x', '>=', '>=1,', '^ 1', '[]', '[1,2) [3,4)'])('«%s» is no range', (range) => {
    expect(maven.range(range)).toBeUndefined()
  })
})

describe('tags', () => {
  it.each([
    ['1.25', '1.25 1.25.0 1.2', '1.25'],
    ['1.*', '1.25 1 1. 21.3', '1.25 1.'],
    ['*-rc*', '1-rc 1-rc2 1', '1-rc 1-rc2'],
  ])('in %s are of %s: %s', (range, versions, wanted) => {
    expect(within(text, range, versions)).toBe(wanted)
  })

  it.each(['>=1', '<2', '1,2', '[1]', ''])('«%s» is no pattern of them', (range) => {
    expect(text.range(range)).toBeUndefined()
  })
})

describe('VERS', () => {
  const inRange = (range: string, versions: string, scheme = semantic) => {
    const test = versRange(range, scheme)
    return test
      ? versions
          .split(' ')
          .filter((version) => test(version))
          .join(' ')
      : 'no range'
  }

  it.each([
    ['>=1.0.0|<2.0.0', '0.9.0 1.0.0 1.9.0 2.0.0', '1.0.0 1.9.0'],
    ['1.2.3|>=2.0.0|<3.0.0', '1.2.3 1.2.4 2.5.0 3.0.0', '1.2.3 2.5.0'],
    ['<1.0.0|>=2.0.0|!=2.1.0', '0.1.0 1.5.0 2.0.0 2.1.0 2.2.0', '0.1.0 2.0.0 2.2.0'],
    ['<=1.0.0|>2.0.0|<=3.0.0|>4.0.0', '1.0.0 1.1.0 2.0.0 3.0.0 3.1.0 5.0.0', '1.0.0 3.0.0 5.0.0'],
    ['!=1.0.0', '0.9.0 1.0.0 1.0.1', '0.9.0 1.0.1'],
    ['%3E%3D1.0.0|%3C2.0.0', '0.9.0 1.0.0', '1.0.0'],
  ])('in %s are of %s: %s', (range, versions, wanted) => {
    expect(inRange(range, versions)).toBe(wanted)
  })

  it('takes the order of the ecosystem', () => {
    expect(inRange('>=2.0|<2.17.1', '2.0-beta9 2.0 2.9 2.17.1', maven)).toBe('2.0 2.9')
    expect(inRange('>=1.0|<2.0', '1.0rc1 1.0 1.10 2.0', python)).toBe('1.0 1.10')
  })

  it.each(['<2.0.0|>=1.0.0', '>=1|', '', '^1.0.0', 'banana'])('«%s» is none', (range) => {
    expect(versRange(range, semantic)).toBeUndefined()
  })

  it('is none of versions without an order', () => {
    expect(versRange('1.25', text)).toBeUndefined()
  })
})

test('comparators agree with the order, for whatever versions there are', () => {
  const number = fc.integer({ min: 0, max: 3 })
  const version = fc
    .tuple(number, number, number, fc.constantFrom('', '-alpha', '-rc.1'))
    .map(([a, b, c, tail]) => `${a}.${b}.${c}${tail}`)
  fc.assert(
    fc.property(version, version, version, (low, high, given) => {
      for (const scheme of [semantic, maven]) {
        const order = (one: string, other: string) => scheme.compare?.(one, other) ?? Number.NaN
        const expected = order(given, low) >= 0 && order(given, high) < 0
        expect(scheme.range(`>=${low},<${high}`)?.(given)).toBe(expected)
        if (order(low, high) < 0) expect(versRange(`>=${low}|<${high}`, scheme)?.(given)).toBe(expected)
      }
    }),
    { seed: SEED, numRuns: 2_000 },
  )
})

test('no text makes a scheme throw', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.string({ maxLength: 20 }), (range, version) => {
      for (const scheme of [semantic, python, maven, text]) {
        scheme.compare?.(version, range)
        scheme.range(range)?.(version)
        versRange(range, scheme)?.(version)
      }
    }),
    { seed: SEED, numRuns: 5_000 },
  )
})
