import { describe, expect, it } from 'vitest'
import { purgeScope } from '../../../node/purge/scope.ts'

const BASE = 'https://upstream.example.test/'
const HEX = 'a'.repeat(64)

describe('a scope of a purge', () => {
  it.each([
    { kind: 'all' },
    { kind: 'upstream', ecosystem: 'npm', base: BASE },
    { kind: 'package', purl: 'pkg:npm/left-pad@<1.3.0' },
    { kind: 'package', purl: 'pkg:pypi/req*' },
    { kind: 'path', ecosystem: 'raw', base: BASE, pattern: 'dists/*/Release' },
    { kind: 'digest', digest: `sha256:${HEX}` },
  ])('is what it says: %o', (scope) => {
    expect(purgeScope.parse(scope)).toEqual(scope)
  })

  it.each([
    {},
    { kind: 'mirror', name: 'npm' },
    { kind: 'all', but: 'this' },
    { kind: 'upstream', ecosystem: 'npm' },
    { kind: 'upstream', ecosystem: 'npm', base: 'https://upstream.example.test' },
    { kind: 'upstream', ecosystem: 'npm\nx', base: BASE },
    { kind: 'package', purl: 'left-pad' },
    { kind: 'package', purl: 'pkg:npm/left-pad@not a range' },
    { kind: 'path', ecosystem: 'raw', base: BASE, pattern: '' },
    { kind: 'path', ecosystem: 'raw', base: BASE, pattern: 'a\nb' },
    { kind: 'path', ecosystem: 'raw', base: BASE, pattern: 'a'.repeat(1_024) },
    { kind: 'digest', digest: HEX },
    { kind: 'digest', digest: 'sha256:a' },
  ])('is nothing else: %o', (scope) => {
    expect(purgeScope.safeParse(scope).success).toBe(false)
  })
})
