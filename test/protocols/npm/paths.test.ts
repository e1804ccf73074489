import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWarrenError } from '../../../node/errors.ts'
import { npm } from '../../../protocols/npm/index.ts'
import { parsePath, upstreamPath } from '../../../protocols/npm/paths.ts'
import { BASE, mirror, mirrorOf, planFor } from './fixtures.ts'

const ODD_NAMES = ['constructor', '__proto__', 'toString', 'hasOwnProperty', '-', '_', 'JSONStream', "it's~(odd)!*"]

describe('a path', () => {
  test.each([
    ['lodash', { kind: 'packument', name: 'lodash' }],
    ['@s%2fp', { kind: 'packument', name: '@s/p' }],
    ['@s%2Fp', { kind: 'packument', name: '@s/p' }],
    ['@s/p', { kind: 'packument', name: '@s/p' }],
    ['%40s%2fp', { kind: 'packument', name: '@s/p' }],
    ['lodash/-/lodash-1.0.0.tgz', { kind: 'tarball', name: 'lodash', file: 'lodash-1.0.0.tgz' }],
    ['@s/p/-/p-1.0.0.tgz', { kind: 'tarball', name: '@s/p', file: 'p-1.0.0.tgz' }],
    ['@s%2fp/-/p-1.0.0.tgz', { kind: 'tarball', name: '@s/p', file: 'p-1.0.0.tgz' }],
    ['a/-/a-1.0.0%2Bb.1.tgz', { kind: 'tarball', name: 'a', file: 'a-1.0.0+b.1.tgz' }],
    ['a/-/a-1.0.0+b.1.tgz', { kind: 'tarball', name: 'a', file: 'a-1.0.0+b.1.tgz' }],
    ['lodash/1.0.0', { kind: 'manifest', name: 'lodash', selector: '1.0.0' }],
    ['lodash/latest', { kind: 'manifest', name: 'lodash', selector: 'latest' }],
    ['@s%2fp/next', { kind: 'manifest', name: '@s/p', selector: 'next' }],
    ['@s/p/next', { kind: 'manifest', name: '@s/p', selector: 'next' }],
    ['', { kind: 'root' }],
    ['-/ping', { kind: 'ping' }],
    ['-/whoami', { kind: 'whoami' }],
    ['-/v1/search', { kind: 'search' }],
    ['-/npm/v1/keys', { kind: 'keys' }],
    ['-/package/@s%2fp/dist-tags', { kind: 'dist-tags', name: '@s/p' }],
    ['-/package/lodash/dist-tags', { kind: 'dist-tags', name: 'lodash' }],
    ['-/npm/v1/attestations/@s%2fp@1.0.0', { kind: 'attestations', name: '@s/p', version: '1.0.0' }],
    ['-/npm/v1/attestations/lodash@1.0.0-rc.1', { kind: 'attestations', name: 'lodash', version: '1.0.0-rc.1' }],
    ['-/npm/v1/security/advisories/bulk', { kind: 'audit' }],
    ['-/-/--0.0.1.tgz', { kind: 'tarball', name: '-', file: '--0.0.1.tgz' }],
    ['-/0.0.1', { kind: 'manifest', name: '-', selector: '0.0.1' }],
  ])('«%s» is understood', (path, resource) => {
    expect(parsePath(path)).toEqual(resource)
  })

  test.each(ODD_NAMES)('may name a package or a version «%s»', (name) => {
    expect(parsePath(name)).toEqual({ kind: 'packument', name })
    expect(parsePath(`${name}/-/${name}-1.0.0.tgz`)).toEqual({ kind: 'tarball', name, file: `${name}-1.0.0.tgz` })
    expect(parsePath(`@${name}/${name}`)).toEqual({ kind: 'packument', name: `@${name}/${name}` })
    if (name !== '-') expect(parsePath(`lodash/${name}`)).toEqual({ kind: 'manifest', name: 'lodash', selector: name })
  })

  test.each([
    '..',
    '.',
    'lodash/..',
    '../lodash',
    '%2e%2e/lodash',
    'lodash%2f..%2f..%2fadmin',
    '@s/../p',
    '@s%2f..',
    '@s%2f%2e%2e',
    'lodash//1.0.0',
    'lodash/',
    '/lodash',
    '%2flodash',
    'lodash%00',
    'lodash%0d%0aX-Evil:%201',
    'lod\u0000ash',
    'lodash\\..',
    'lodash%5c..',
    '%252e%252e%252flodash',
    'lodash%25',
    'lodash/%252e%252e',
    'lodash/a%5cb',
    '-/latest',
    '-/npm',
    'lodash/-/lodash-1.0.0.tgz/more',
    'lodash%',
    'lodash%zz',
    '%c0%ae%c0%ae/lodash',
    '%ed%a0%80',
    '%ff',
    'l%C3%B6dash',
    'lödash',
    'lod ash',
    'lod%20ash',
    'lodash?x',
    'lodash%3fx',
    'lodash%23x',
    '@s',
    '@/p',
    '@s/',
    '@s/.p',
    '@.s/p',
    '@s@t/p',
    '@s/p@1',
    '.npmrc',
    'node_modules',
    'favicon.ico',
    '_all_docs',
    '_changes',
    '_session',
    '-/all',
    '-/user/org.couchdb.user:me',
    '-/npm/v1/tokens',
    '-/package/lodash/collaborators',
    '-/npm/v1/attestations/lodash',
    '-/npm/v1/attestations/lodash@latest',
    '-/npm/v1/attestations/@1.0.0',
    'lodash/-',
    'lodash/-rev',
    'lodash/-/lodash-1.0.0.zip',
    'lodash/-/.tgz',
    'lodash/-/x/lodash-1.0.0.tgz',
    'lodash/1.0.0/package.json',
    'a'.repeat(215),
    `@${'s'.repeat(107)}/${'p'.repeat(106)}`,
    `lodash/${'1'.repeat(1024)}`,
  ])('%j is refused', (path) => {
    expect(() => parsePath(path)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
  })

  test('takes names up to 214 characters with the scope', () => {
    expect(parsePath('a'.repeat(214))).toMatchObject({ kind: 'packument' })
    expect(parsePath(`@${'s'.repeat(106)}/${'p'.repeat(106)}`)).toMatchObject({ kind: 'packument' })
  })

  test('keeps the case of a name: old packages differ in nothing else', () => {
    expect(planFor('JSONStream').key).not.toBe(planFor('jsonstream').key)
  })

  test('quotes no more than a part of a long path, and no line break of it', () => {
    expect(() => parsePath(`${'x'.repeat(2000)}%0a`)).toThrow(/^«x{120}…» is no path of an npm registry: [^\n]+$/)
  })
})

describe('upstream is asked', () => {
  test.each([
    ['@s/p', '@s%2fp'],
    ['%40s%2Fp', '@s%2fp'],
    ['@s%2fp/-/p-1.0.0.tgz', '@s/p/-/p-1.0.0.tgz'],
    ['@s/p/1.0.0', '@s%2fp/1.0.0'],
    ['a/1.0.0+b', 'a/1.0.0%2Bb'],
    ['-/npm/v1/attestations/@s/p@1.0.0', '-/npm/v1/attestations/@s%2fp@1.0.0'],
  ])('for «%s» by «%s»', (path, canonical) => {
    expect(planFor(path).url).toBe(BASE + canonical)
  })
})

const HOSTILE = [
  '..',
  '.',
  '%2e',
  '%2E%2e',
  '%00',
  '\0',
  '\\',
  '%5c',
  '%25',
  '%252f',
  '%c0%af',
  '%ff',
  '?',
  '#',
  ';',
  ':',
  '//',
  '\r\n',
  '%0a',
  'é',
  '%',
]
const USUAL = [
  '/',
  '/',
  '/-/',
  '-',
  '@',
  '%2f',
  '%2F',
  '%40',
  'foo',
  '@s/',
  '@s%2fp',
  '-1.0.0.tgz',
  '1.0.0',
  'latest',
  '.tgz',
  '+',
  '__proto__',
]
const NAMED = [
  '-/npm/v1/keys',
  '-/npm/v1/attestations/',
  '-/package/',
  '/dist-tags',
  '-/v1/search',
  'http://evil.example.test/',
]
const anyPath = fc.oneof(
  fc.array(fc.constantFrom(...USUAL, ...HOSTILE, ...NAMED), { maxLength: 8 }).map((parts) => parts.join('')),
  fc.array(fc.constantFrom(...USUAL), { maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

describe('whatever is asked for', () => {
  test('100 000 random requests end below the upstream or in a WarrenError', () => {
    const bases = [BASE, 'https://host.example.test/artifactory/api/npm/x/', 'http://127.0.0.1:4873/']
    let planned = 0
    const queries = ['', '?text=a%20b&size=20', '?text=..%2f', '?a b', '?#', '?\0', '?"<>']
    const request = fc.record({
      query: fc.constantFrom(...queries),
      path: anyPath,
      method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST'),
      base: fc.constantFrom(...bases),
    })
    fc.assert(
      fc.property(request, ({ path, query, method, base }) => {
        const urls: string[] = []
        try {
          const route = npm.route({ method, path, query, headers: {} }, mirrorOf(base))
          if ('plans' in route) {
            planned++
            urls.push(...route.plans.map((plan) => plan.url))
            // The canonical spelling is a spelling of the same thing.
            expect(planFor(route.plans[0].url.slice(base.length), {}, mirrorOf(base)).key).toBe(route.plans[0].key)
          } else if ('pass' in route) urls.push(route.pass.url)
        } catch (error) {
          if (!isWarrenError(error, 'BAD_REQUEST', 'METHOD_NOT_ALLOWED')) throw error
        }
        for (const url of urls) {
          expect(new URL(url).href).toBe(url)
          expect(url.startsWith(base) && url.length > base.length).toBe(true)
          expect(new URL(url).pathname).not.toMatch(/\/\.\.?(?:\/|$)|[\\\s]/)
        }
      }),
      { numRuns: 100_000 },
    )
    expect(planned).toBeGreaterThan(1000)
  })

  test('every spelling of a resource has the same key', () => {
    const part = fc
      .stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,8}$/)
      .filter((text) => !/^(?:node_modules|favicon\.ico)$/i.test(text))
    const name = fc.oneof(
      part,
      fc.tuple(part, part).map(([scope, plain]) => `@${scope}/${plain}`),
    )
    const path = fc.oneof(
      name,
      fc.tuple(name, part).map(([of, file]) => `${of}/-/${file}.tgz`),
      fc.tuple(name, part).map(([of, tag]) => `${of}/${tag}`),
      name.map((of) => `-/npm/v1/attestations/${of}@1.2.3`),
    )
    const escapes = fc.array(fc.constantFrom('as it is', 'lower', 'upper'), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(path, escapes, (plain, how) => {
        const spelt = [...plain].map((character, i) => {
          const hex = character.charCodeAt(0).toString(16)
          const way = how[i % how.length]
          return way === 'as it is' ? character : `%${way === 'upper' ? hex.toUpperCase() : hex}`
        })
        expect(planFor(spelt.join('')).key).toBe(planFor(plain).key)
      }),
      { numRuns: 5000 },
    )
  })

  test('different resources have different keys', () => {
    const paths = [
      'a',
      'a/latest',
      'a/1.0.0',
      'a/-/a-1.0.0.tgz',
      '@a/b',
      '@a/b/latest',
      '@a/b/-/b-1.0.0.tgz',
      '-/npm/v1/keys',
      '-',
      '-/1.0.0',
    ]
    expect(new Set(paths.map((path) => planFor(path).key)).size).toBe(paths.length)
    expect(planFor('a', {}, { ...mirror, name: 'other' }).key).toBe(planFor('a').key)
    expect(planFor('a', {}, mirrorOf('https://other.example.test/')).key).not.toBe(planFor('a').key)
  })

  test('a resource that was read can be written and read again', () => {
    for (const path of ['@s/p', 'a/-/a-1.0.0+b.tgz', 'a/1.0.0+b', '-/package/@s/p/dist-tags', '-/ping']) {
      const resource = parsePath(path)
      if (resource.kind !== 'audit') expect(parsePath(upstreamPath(resource))).toEqual(resource)
    }
  })
})
