import { describe, expect, it } from 'vitest'
import { cacheKey } from '../../../node/cache/plan.ts'
import { planOfKey } from '../../../node/plan-of-key.ts'
import { matcherOf } from '../../../node/purge/matcher.ts'
import type { PurgeScope } from '../../../node/purge/scope.ts'
import { npm } from '../../../protocols/npm/index.ts'

const BASE = 'https://upstream.example.test/'
const OTHER = 'https://other.example.test/'
const SHA256 = 'a'.repeat(64)
const SHA512 = `sha512:${'b'.repeat(128)}`
const RECORD = { blob: SHA256, verified: [] }

const key = (path: string, ecosystem = 'npm', base = BASE, variant = '') => cacheKey({ ecosystem, base, path, variant })
const MOUNTED = [{ mirror: { name: 'npm', path: '/npm/', upstreams: [BASE] }, protocol: npm }]

function covers(scope: PurgeScope, of: string, record: { blob: string; verified: string[] } = RECORD): boolean {
  const planOf = (one: string) => planOfKey(one, MOUNTED)
  const find = ({ algorithm }: { algorithm: string }) => (algorithm === 'sha512' ? SHA256 : undefined)
  const matcher = matcherOf(scope, { planOf, find })
  if (matcher.covers(of, record)) expect(of.startsWith(matcher.prefix)).toBe(true)
  return matcher.covers(of, record)
}

describe('a package scope', () => {
  const scope: PurgeScope = { kind: 'package', purl: 'pkg:npm/left-pad@<1.3.0' }

  it.each([
    ['a version in the range', 'left-pad/-/left-pad-1.2.0.tgz', true],
    ['a version outside of it', 'left-pad/-/left-pad-1.3.0.tgz', false],
    ['another package', 'left-pad2/-/left-pad2-1.2.0.tgz', false],
  ])('covers %s or not', (_, path, expected) => {
    expect(covers(scope, key(path))).toBe(expected)
  })

  it.each(['full', 'abbreviated'])('covers the %s document of the package, which may name such a version', (variant) => {
    expect(covers(scope, key('left-pad', 'npm', BASE, variant))).toBe(true)
  })

  it('covers what was kept for a mirror that is no more', () => {
    expect(covers(scope, key('left-pad/-/left-pad-1.2.0.tgz', 'npm', OTHER))).toBe(true)
  })

  it('covers no other ecosystem that calls a package the same', () => {
    expect(covers(scope, key('le/ft/left-pad', 'cargo'))).toBe(false)
  })

  it.each([
    ['golang', 'go', 'pkg:golang/example.test/Mod', 'example.test/!mod/@v/v1.0.0.zip'],
    ['golang by a wildcard', 'go', 'pkg:golang/example.test/*', 'example.test/!mod/@v/list'],
    ['pypi', 'pypi', 'pkg:pypi/Flask_Cors', 'flask-cors/'],
    ['maven', 'maven', 'pkg:maven/org.example/lib@1.0', 'org/example/lib/1.0/lib-1.0.jar'],
    ['docker', 'oci', 'pkg:docker/other.example.test/team/nginx', `v2/team/nginx/blobs/sha256:${SHA256}`],
    ['oci', 'oci', 'pkg:oci/nginx', `v2/team/nginx/manifests/sha256:${SHA256}`],
  ])('covers what is of a package of type %s', (_, ecosystem, purl, path) => {
    expect(covers({ kind: 'package', purl }, key(path, ecosystem, OTHER))).toBe(true)
  })
})

describe('a scope of an upstream', () => {
  it.each([
    ['all that came from there', key('a'), true],
    ['nothing of another upstream', key('a', 'npm', OTHER), false],
    ['nothing of another ecosystem there', key('a', 'raw'), false],
    ['nothing of an upstream below it', key('a', 'npm', `${BASE}a/`), false],
  ])('covers %s', (_, of, expected) => {
    expect(covers({ kind: 'upstream', ecosystem: 'npm', base: BASE }, of)).toBe(expected)
  })
})

describe('a scope of paths', () => {
  it.each([
    ['dists/stable/Release', true],
    ['dists/a/b/Release', true],
    ['dists/stable/Release.gpg', false],
    ['x/dists/stable/Release', false],
  ])('covers %s or not', (path, expected) => {
    const scope = { kind: 'path', ecosystem: 'raw', base: BASE, pattern: 'dists/*/Release' } as const
    expect(covers(scope, cacheKey({ ecosystem: 'raw', base: BASE, path, variant: 'v' }))).toBe(expected)
  })
})

describe('a digest scope', () => {
  it('covers every name of the blob, by whichever digest it is named', () => {
    expect(covers({ kind: 'digest', digest: `sha256:${SHA256}` }, key('a'))).toBe(true)
    expect(covers({ kind: 'digest', digest: SHA512 }, key('a'))).toBe(true)
    expect(covers({ kind: 'digest', digest: `sha256:${'c'.repeat(64)}` }, key('a'))).toBe(false)
  })

  it('covers a name whose blob was evicted', () => {
    const digest = `sha1:${'d'.repeat(40)}`
    expect(covers({ kind: 'digest', digest }, key('a'), { blob: SHA256, verified: [digest] })).toBe(true)
  })
})

it('everything is covered by «all»', () => {
  expect(covers({ kind: 'all' }, key('a'))).toBe(true)
  expect(covers({ kind: 'all' }, 'no key at all')).toBe(true)
})
