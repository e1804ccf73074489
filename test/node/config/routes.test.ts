import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Ecosystem } from '../../../node/config/ecosystems.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { makeCertificate } from '../upstream/certificate.ts'
import { ecosystems, load, loadText, problemsOf } from './setup.ts'

const folders = useTempFolders()

/** One whose names are folded and have no levels. */
const folding: Ecosystem = {
  name: 'py',
  defaultUpstreams: ['https://py.example.test/'],
  settings: [],
  names: {
    example: 'corp-*',
    canonical: (pattern) => (/^[\w.*-]+$/.test(pattern) ? pattern.replace(/[-_.]+/g, '-').toLowerCase() : undefined),
  },
  rootAliases: [],
}
const known = { ecosystems: [...ecosystems, folding] }

/** What is asked by a mirror that is written so. */
function sitesOf(name: string, entry: string) {
  const { config } = loadText(folders.create(), `mirrors:\n  ${name}: ${entry}\n`, known)
  const { upstreams, routes, authorities } = config.mirrors.find((mirror) => mirror.name === name) ?? {}
  return { upstreams, routes: routes?.map(({ pattern, upstream }) => [pattern, upstream]), authorities }
}

describe('routes', () => {
  test('are kept in the order in which they are written, above the upstreams that the mirror has anyway', () => {
    expect(
      sitesOf(
        'npm',
        '{routes: {"@corp/open-*": "https://npm.example.test", "@corp/*": "https://Corp.test:443", "secret": false}}',
      ),
    ).toEqual({
      upstreams: ['https://npm.example.test/'],
      routes: [
        ['@corp/open-*', 'https://npm.example.test/'],
        ['@corp/*', 'https://corp.test/'],
        ['secret', undefined],
      ],
      authorities: undefined,
    })
  })

  test('follow from what upstreams are only for, behind those that are written', () => {
    const entry =
      '{upstreams: ["https://a.test", {url: "https://b.test", only: ["@b/*", "b-*"]}, {url: "https://c.test"}], routes: {"@b/x": "https://a.test"}}'
    expect(sitesOf('npm', entry)).toEqual({
      upstreams: ['https://a.test/', 'https://c.test/'],
      routes: [
        ['@b/x', 'https://a.test/'],
        ['@b/*', 'https://b.test/'],
        ['b-*', 'https://b.test/'],
      ],
      authorities: undefined,
    })
  })

  test('may be all that a mirror has', () => {
    const routes = [['@corp/*', 'https://corp.test/']]
    expect(sitesOf('m', '{protocol: npm, routes: {"@corp/*": "https://corp.test"}}')).toMatchObject({ upstreams: [], routes })
    expect(sitesOf('npm', '{upstreams: [{url: "https://corp.test", only: ["@corp/*"]}]}')).toMatchObject({
      upstreams: [],
      routes,
    })
  })

  test('have the spelling and the levels of their ecosystem', () => {
    expect(sitesOf('py', '{routes: {"Corp_*": "https://corp.test", "My.Own__Thing": false}}').routes).toEqual([
      ['corp-*', 'https://corp.test/'],
      ['my-own-thing', undefined],
    ])
    expect(sitesOf('npm', '{routes: {"@corp/": "https://corp.test"}}').routes).toEqual([['@corp', 'https://corp.test/']])
    const { config } = loadText(
      folders.create(),
      'mirrors: {npm: {routes: {"@corp": false}}, py: {routes: {corp: false}}}',
      known,
    )
    expect(config.mirrors.map(({ routes }) => routes?.[0])).toEqual([
      { pattern: '@corp', upstream: undefined, levels: '/' },
      undefined,
      { pattern: 'corp', upstream: undefined },
    ])
  })

  test('come from the environment as well', () => {
    const npm = { upstreams: [{ url: 'https://a.test' }], routes: { '@corp/*': { url: 'https://corp.test' } } }
    const { config } = load({ env: { WARREN_MIRRORS: JSON.stringify({ npm }) } })
    expect(config.mirrors[0]).toMatchObject({
      upstreams: ['https://a.test/'],
      routes: [{ pattern: '@corp/*', upstream: 'https://corp.test/', levels: '/' }],
    })
  })
})

describe('authorities of single upstreams', () => {
  test('are known by the origins at which they are trusted', () => {
    const file = join(folders.create(), 'ca.pem')
    writeFileSync(file, makeCertificate().cert)
    const entry = `{upstreams: [{url: "https://a.test/npm/", ca: ${file}}, "https://b.test"], routes: {"@c": {url: "https://c.test:8443", ca: ${file}}}}`
    expect(sitesOf('npm', entry)).toMatchObject({
      upstreams: ['https://a.test/npm/', 'https://b.test/'],
      authorities: [
        { origin: 'https://a.test', file },
        { origin: 'https://c.test:8443', file },
      ],
    })
  })

  test('make no sense without TLS', () => {
    const folder = folders.create()
    const file = join(folder, 'ca.pem')
    writeFileSync(file, makeCertificate().cert)
    const text = `mirrors:\n  npm: {upstreams: [{url: "http://a.test", ca: ${file}}]}\n`
    expect(problemsOf(() => loadText(folder, text), folder)).toEqual([
      'config.yaml:2:48: mirrors.npm.upstreams[0].ca is "ca.pem", but must be left out: http://a.test/ is asked without TLS',
    ])
  })
})

test.for([
  [
    'npm: {routes: ["@corp/*"]}',
    '2:17: mirrors.npm.routes is ["@corp/*"], but must be a group of at most 256 patterns of names, each with the URL of its upstream, or with false',
  ],
  [
    'npm: {routes: {"@corp/*": true}}',
    '2:29: mirrors.npm.routes.@corp/* is true, but must be the URL of an upstream, or false',
  ],
  [
    'npm: {routes: {"@corp/*": corp.test}}',
    '2:29: mirrors.npm.routes.@corp/* is "corp.test", but must be an http or https URL, such as https://packages.example.test/npm/',
  ],
  [
    'npm: {routes: {"@corp/*": {url: corp.test}}}',
    '2:35: mirrors.npm.routes.@corp/*.url is "corp.test", but must be an http or https URL, such as https://packages.example.test/npm/',
  ],
  [
    'npm: {routes: {"@corp/*": {url: "https://a.test", only: [a]}}}',
    '2:59: mirrors.npm.routes.@corp/*.only is ["a"], but must be left out: there is only url, ca',
  ],
  [
    'npm: {upstreams: [{url: "https://a.test", cs: x}]}',
    '2:49: mirrors.npm.upstreams[0].cs is "x", but must be left out: there is only url, ca, only',
  ],
  [
    'npm: {upstreams: [{only: [a]}]}',
    '2:21: mirrors.npm.upstreams[0].url is missing; it must be an http or https URL, such as https://packages.example.test/npm/',
  ],
  [
    'npm: {upstreams: [{url: "https://a.test", ca: /nowhere/ca.pem}]}',
    '2:49: mirrors.npm.upstreams[0].ca is "/nowhere/ca.pem", but must be the absolute path of a PEM certificate that this user can read',
  ],
  [
    'npm: {upstreams: ["https://a.test", {url: "https://A.test/", only: [a]}]}',
    '2:45: mirrors.npm.upstreams[1].url is "https://A.test/", but must be a URL that the list does not have yet',
  ],
  [
    'npm: {routes: {"@corp/*": "https://a.test", "@corp/open-*": "https://b.test"}}',
    '2:63: mirrors.npm.routes.@corp/open-* is "https://b.test", but must be before @corp/*, which binds all that @corp/open-* does',
  ],
  [
    'npm: {routes: {"@corp": "https://a.test"}, upstreams: [{url: "https://b.test", only: ["@corp/*"]}]}',
    '2:89: mirrors.npm.upstreams[0].only[0] is "@corp/*", but must be before @corp, which binds all that @corp/* does',
  ],
  [
    'py: {routes: {"corp-*": "https://a.test", "Corp_*": "https://b.test"}}',
    '2:55: mirrors.py.routes.Corp_* is "https://b.test", but must be before corp-*, which binds all that corp-* does',
  ],
  [
    'py: {routes: {"@corp/x": "https://a.test"}}',
    '2:28: mirrors.py.routes.@corp/x is "https://a.test", but must be for a pattern of names, such as corp-*',
  ],
  [
    'npm: {routes: {"a b": false}}',
    '2:25: mirrors.npm.routes.a b is false, but must be for a pattern of names, such as @corp/*',
  ],
  [
    'm: {protocol: npm, routes: {a: false}}',
    '2:6: mirrors.m.upstreams is missing; it must be a list of the URLs that this mirror asks',
  ],
] as const)('the mirror %s is refused with what would be right', ([mirror, problem]) => {
  const folder = folders.create()
  expect(problemsOf(() => loadText(folder, `mirrors:\n  ${mirror}\n`, known), folder)).toEqual([`config.yaml:${problem}`])
})

test('a mirror has at most 256 routes', () => {
  const routes = (amount: number) => Object.fromEntries(Array.from({ length: amount }, (_, i) => [`p${i}`, false]))
  const mirrors = (amount: number) => JSON.stringify({ npm: { routes: routes(amount) } })
  expect(load({ env: { WARREN_MIRRORS: mirrors(256) } }).config.mirrors[0]?.routes).toHaveLength(256)
  expect(problemsOf(() => load({ env: { WARREN_MIRRORS: mirrors(257) } }))).toEqual([
    expect.stringMatching(/^WARREN_MIRRORS: mirrors\.npm\.routes is .*, but must be a group of at most 256 patterns/),
  ])
})
