import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { compareMavenVersions } from '../../../node/policy/versions/maven-version.ts'

const SEED = 20_261_101
const order = (one: string, other: string) => Math.sign(compareMavenVersions(one, other) ?? Number.NaN)

describe('the examples of Maven’s «Version Order Specification»', () => {
  it.each([
    ['1', '1.1'],
    ['1-snapshot', '1'],
    ['1', '1-sp'],
    ['1-foo2', '1-foo10'],
    ['1-foo', '1-1'],
    ['1.foo', '1-1'],
    ['1-1', '1.1'],
    ['1-ga', '1-sp'],
    ['1-ga.1', '1-sp.1'],
    ['1-sp-1', '1-ga-1'],
    ['1-alpha-1', '1-beta-1'],
    ['1-beta-1', '1-milestone-1'],
    ['1-milestone-1', '1-rc-1'],
    ['1-cr-1', '1-snapshot'],
    ['1-sp', '1-xyz'],
    ['1-abc', '1-xyz'],
    ['2.9', '2.10'],
    ['2.0-beta9', '2.14.1'],
    ['2.14.1', '2.17.1'],
    ['31.1-android', '31.1-jre'],
    ['1.0.0-RC1', '1.0.0'],
    ['9223372036854775807', '9223372036854775808'],
  ])('%s is before %s', (one, other) => {
    expect([order(one, other), order(other, one)]).toEqual([-1, 1])
  })

  it.each([
    ['1', '1.0.0'],
    ['1', '1.ga'],
    ['1', '1-ga'],
    ['1', '1-0'],
    ['1', '1.final'],
    ['1', '1.'],
    ['1', '1-'],
    ['1.0.0-foo.0.0', '1-foo'],
    ['1.0.0-0.0.0', '1'],
    ['1.foo', '1-foo'],
    ['1-a1', '1-alpha-1'],
    ['1-b1', '1-beta-1'],
    ['1-m3', '1-milestone-3'],
    ['1-cr2', '1-rc2'],
    ['1.0.RELEASE', '1.0'],
    ['1-SNAPSHOT', '1-snapshot'],
    ['01', '1'],
  ])('%s is the same as %s', (one, other) => {
    expect([order(one, other), order(other, one)]).toEqual([0, 0])
  })

  it('a letter alone is short for nothing', () => {
    expect(order('1-a', '1')).toBe(1)
  })
})

const part = fc.constantFrom(
  '0',
  '1',
  '10',
  'a',
  'b1',
  'alpha',
  'rc',
  'ga',
  'final',
  'sp',
  'foo',
  'snapshot',
  '.',
  '-',
  '..',
  '_',
)
const version = fc.array(part, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(''))

test('what is compared one way round is the opposite the other way round', () => {
  fc.assert(
    fc.property(version, version, (one, other) => {
      expect(order(one, other) + order(other, one)).toBe(0)
      expect(order(one, one)).toBe(0)
    }),
    { seed: SEED, numRuns: 3_000 },
  )
})

test.each(['', 'a b', '../x', 'a/b', 'x'.repeat(300), '[1,2)'])('%j is no version', (text) => {
  expect([compareMavenVersions(text, '1'), compareMavenVersions('1', text)]).toEqual([undefined, undefined])
})
