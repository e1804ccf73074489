import { describe, expect, test } from 'vitest'
import { isWarrenError } from '../../node/errors.ts'
import type { Mirror, NameRoute } from '../../protocols/protocol.ts'
import { binds, matches, sitesOf } from '../../protocols/sites.ts'

const PUBLIC = 'https://public.test/'
const SPARE = 'https://spare.test/'
const CORP = 'https://corp.test/'

function mirrorWith(routes: readonly NameRoute[], upstreams: readonly string[] = [PUBLIC, SPARE]): Mirror {
  return { name: 'm', path: '/m/', upstreams, routes }
}

/** Where a name is asked; the code and text of the error where it is asked nowhere. */
function askedAt(mirror: Mirror, name: string): readonly string[] {
  try {
    return sitesOf(mirror, name)
  } catch (error) {
    if (!isWarrenError(error)) throw error
    return [error.code, error.message]
  }
}

describe('a pattern', () => {
  test.for([
    ['a', 'a', true],
    ['a', 'ab', false],
    ['a', '', false],
    ['', '', true],
    ['*', '', true],
    ['*', 'a/b.c', true],
    ['a*', 'a', true],
    ['*a', 'ba', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxcyyb', false],
    ['ab*ba', 'aba', false],
    ['*a*a*', 'a', false],
    ['a**b', 'ab', true],
    ['a.c', 'abc', false],
    ['A', 'a', false],
  ] as const)('%j for %j: %s', ([pattern, text, expected]) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  test('takes no longer for a hostile text than for another', () => {
    expect(matches(`${'*a'.repeat(1_000)}*b`, 'a'.repeat(100_000))).toBe(false)
  })
})

describe('a route', () => {
  test.for([
    ['@corp/*', '/', '@corp/x', true],
    ['@corp/*', '/', '@corporate/x', false],
    ['@corp', '/', '@corp/x', true],
    ['@corp', '/', '@corporate/x', false],
    ['git.corp.test/team', '/', 'git.corp.test/team', true],
    ['git.corp.test/team', '/', 'git.corp.test/team/x/v2', true],
    ['git.corp.test/team', '/', 'git.corp.test/teams', false],
    ['*.corp.test', '/', 'git.corp.test/x', true],
    ['*.corp.test', '/', 'git.corp.test.evil/x', false],
    ['com.corp', '.:', 'com.corp', true],
    ['com.corp', '.:', 'com.corp:lib', true],
    ['com.corp', '.:', 'com.corp.x:lib', true],
    ['com.corp', '.:', 'com.corporate:lib', false],
    ['com.corp:lib', '.:', 'com.corp:lib', true],
    ['com.corp:lib', '.:', 'com.corp:library', false],
    ['corp-*', undefined, 'corp-x', true],
    ['corp', undefined, 'corp/x', false],
  ] as const)('for %j, levels parted by %j, binds %j: %s', ([pattern, levels, name, expected]) => {
    expect(binds({ pattern, upstream: CORP, ...(levels === undefined ? {} : { levels }) }, name)).toBe(expected)
  })
})

describe('a name', () => {
  test('that no route binds is asked at all upstreams of the mirror, in order', () => {
    expect(askedAt(mirrorWith([{ pattern: '@corp/*', upstream: CORP }]), 'left-pad')).toEqual([PUBLIC, SPARE])
    expect(askedAt({ name: 'm', path: '/m/', upstreams: [SPARE, PUBLIC] }, 'left-pad')).toEqual([SPARE, PUBLIC])
  })

  test('that one binds is asked there and nowhere else', () => {
    expect(askedAt(mirrorWith([{ pattern: '@corp/*', upstream: CORP }]), '@corp/x')).toEqual([CORP])
    expect(askedAt(mirrorWith([{ pattern: '@corp/*', upstream: SPARE }]), '@corp/x')).toEqual([SPARE])
  })

  test('is bound by the first pattern that matches', () => {
    const mirror = mirrorWith([
      { pattern: '@corp/open-*', upstream: PUBLIC },
      { pattern: '@corp/*', upstream: CORP },
      { pattern: '*', upstream: undefined },
    ])
    expect(askedAt(mirror, '@corp/open-x')).toEqual([PUBLIC])
    expect(askedAt(mirror, '@corp/x')).toEqual([CORP])
    expect(askedAt(mirror, 'x')).toEqual(['UPSTREAM_ABSENT', '«x» is asked at no upstream: mirrors.m.routes says so for *'])
  })

  test('is asked nowhere where all upstreams are for others', () => {
    const mirror = mirrorWith([{ pattern: '@corp/*', upstream: CORP }], [])
    expect(askedAt(mirror, '@corp/x')).toEqual([CORP])
    expect(askedAt(mirror, 'x')).toEqual([
      'UPSTREAM_ABSENT',
      '«x» is asked at no upstream: those of mirrors.m are for other names only',
    ])
    expect(askedAt(mirror, '')).toEqual([
      'UPSTREAM_ABSENT',
      'this is asked at no upstream: those of mirrors.m are for other names only',
    ])
  })

  test('of a mirror without upstreams is a mistake in the configuration', () => {
    expect(askedAt(mirrorWith([], []), 'x')[0]).toBe('CONFIG_INVALID')
  })
})
