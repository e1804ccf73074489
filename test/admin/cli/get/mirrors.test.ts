import { hostname } from 'node:os'
import { getDefaultRegistry } from 'purl'
import { expect, test } from 'vitest'
import { Mirrors } from '../../../../admin/cli/get/mirrors.ts'
import type { Type, Wanted } from '../../../../admin/cli/get/wanted.ts'

const all = [
  { name: 'npm', protocol: 'npm', path: '/npm/', upstreams: ['https://proxy.test/npm/'] },
  {
    name: 'npm-corp',
    protocol: 'npm',
    path: '/npm-corp/',
    upstreams: ['https://npm.corp.test/', 'https://proxy.test/npm/corp/'],
  },
  {
    name: 'pypi',
    protocol: 'pypi',
    path: '/pypi/',
    upstreams: ['https://py.test/simple/'],
    routes: [{ pattern: 'corp-*', upstream: 'https://py.corp.test/simple/' }, { pattern: 'x' }],
  },
  { name: 'cargo', protocol: 'cargo', path: '/cargo/', upstreams: ['https://cargo.test/'] },
  { name: 'cargo-corp', protocol: 'cargo', path: '/cargo-corp/', upstreams: ['https://cargo.corp.test/'] },
]

function chosen(type: Type, repository?: string, named: readonly string[] = []): string {
  const mirrors = new Mirrors({ base: 'http://127.0.0.1:7470', mirrors: all, named })
  return mirrors.for({ type, ...(repository !== undefined && { repository }) } as Wanted).name
}

test('without a word about it the first mirror of the type is meant', () => {
  expect(chosen('npm')).toBe('npm')
  expect(chosen('cargo')).toBe('cargo')
})

test.for([
  ['npm', 'https://npm.corp.test/@corp/a/-/a-1.0.0.tgz', 'npm-corp'],
  ['npm', 'npm.corp.test', 'npm-corp'],
  ['npm', 'https://proxy.test/npm/corp/a/-/a-1.0.0.tgz', 'npm-corp'],
  ['npm', 'https://proxy.test/npm/b/-/b-1.0.0.tgz', 'npm'],
  ['npm', 'http://localhost:7470/npm-corp/a/-/a-1.0.0.tgz', 'npm-corp'],
  ['npm', 'http://127.0.0.1:7470/npm/a/-/a-1.0.0.tgz', 'npm'],
  // Through another node.
  ['npm', 'http://127.0.0.1:7670/npm/a/-/a-1.0.0.tgz', 'npm'],
  ['npm', 'http://[::1]:7670/npm-corp/@corp/a/-/a-1.0.0.tgz', 'npm-corp'],
  ['npm', `http://${hostname()}:7670/npm/a/-/a-1.0.0.tgz`, 'npm'],
  ['pypi', 'http://localhost:7670/pypi/simple/', 'pypi'],
  ['cargo', 'sparse+http://127.0.0.1:7670/cargo-corp/', 'cargo-corp'],
  ['pypi', 'https://py.test', 'pypi'],
  ['pypi', 'https://py.test/simple', 'pypi'],
  ['pypi', 'https://py.corp.test/simple', 'pypi'],
  ['cargo', 'sparse+https://cargo.corp.test/', 'cargo-corp'],
] as const)('%s from %s is at %s', ([type, repository, name]) => {
  expect(chosen(type, repository)).toBe(name)
})

test('what is from the public registry is meant for the first mirror, whatever its upstream is', () => {
  expect(chosen('npm', `${getDefaultRegistry('npm')}/a/-/a-1.0.0.tgz`)).toBe('npm')
  expect(chosen('pypi', `${getDefaultRegistry('pypi')}/simple`)).toBe('pypi')
  const { host } = new URL(getDefaultRegistry('cargo') ?? '')
  expect(chosen('cargo', `https://index.${host}/`)).toBe('cargo')
  expect(chosen('cargo', `https://git.test/x/${host}-index`)).toBe('cargo')
})

test('a mirror that is named is asked whatever is said elsewhere, by the types that it is for', () => {
  expect(chosen('npm', 'https://unknown.test/', ['npm-corp', 'cargo'])).toBe('npm-corp')
  expect(chosen('pypi', undefined, ['npm-corp'])).toBe('pypi')
})

test.for([
  [
    'npm',
    'https://npm.corp.test.evil.test/a',
    /^it is from npm\.corp\.test\.evil\.test, which no mirror of the node asks: there is npm \(/,
  ],
  [
    'pypi',
    'https://py.test/simplex',
    /^it is from https:\/\/py\.test\/simplex, which no mirror of the node asks: there is pypi \(/,
  ],
  ['npm', 'https://proxy.test/npmx/a', /^it is from proxy\.test, /],
  ['npm', 'http://localhost:7471/npmx/a', /^it is from localhost:7471/],
  ['npm', 'http://localhost:7471/npm-other/a/-/a-1.0.0.tgz', /^it is from localhost:7471/],
  ['npm', 'http://build1.test:7471/npm/a/-/a-1.0.0.tgz', /^it is from build1\.test:7471/],
  ['npm', 'https://localhost:7471/npm/a/-/a-1.0.0.tgz', /^it is from localhost:7471/],
  ['maven', undefined, /^the node has no mirror for maven; add one with «protocol: maven» to its settings$/],
] as const)('%s from %s has no mirror', ([type, repository, message]) => {
  expect(() => chosen(type, repository)).toThrow(message)
})

test('a mirror that does not exist is wrong usage', () => {
  expect(() => chosen('npm', undefined, ['no'])).toThrow('the node has no mirror «no»; it has npm, npm-corp, pypi, ')
})

test('an upstream on this machine is no node', () => {
  const local = { name: 'local', protocol: 'npm', path: '/local/', upstreams: ['http://127.0.0.1:4873/npm/'] }
  const mirrors = new Mirrors({ base: 'http://127.0.0.1:7470', mirrors: [...all, local], named: [] })
  expect(mirrors.for({ type: 'npm', repository: 'http://127.0.0.1:4873/npm/a/-/a-1.0.0.tgz' } as Wanted).name).toBe('local')
})

test('what another node has at the usual mount is asked for where this one has that mirror, and nothing else is', () => {
  const moved = [
    { name: 'corp', protocol: 'npm', path: '/corp/', upstreams: ['https://npm.corp.test/'] },
    { name: 'npm', protocol: 'npm', path: '/js/', upstreams: ['https://npm.test/'] },
  ]
  const mirrors = new Mirrors({ base: 'http://127.0.0.1:7470', mirrors: moved, named: [] })
  const at = (path: string) => mirrors.for({ type: 'npm', repository: `http://127.0.0.1:7670${path}` } as Wanted).name
  expect(at('/npm/a/-/a-1.0.0.tgz')).toBe('npm')
  expect(() => at('/npm-corp/a/-/a-1.0.0.tgz')).toThrow('it is from 127.0.0.1:7670, which no mirror')
})

test('the path of a URL below a mirror or its upstream', () => {
  const mirrors = new Mirrors({ base: 'http://127.0.0.1:7470', mirrors: all, named: [] })
  const [npm] = all
  if (!npm) throw new Error('no mirror')
  const path = (url: string) => mirrors.pathIn(npm, url)
  expect(path('https://proxy.test/npm/@s/a/-/a-1.0.0.tgz')).toBe('@s/a/-/a-1.0.0.tgz')
  expect(path('http://localhost:7470/npm/a/-/a-1.0.0.tgz')).toBe('a/-/a-1.0.0.tgz')
  expect(path('http://localhost:7670/npm/a/-/a-1.0.0.tgz')).toBe('a/-/a-1.0.0.tgz')
  expect(path('https://elsewhere.test/a/-/a-1.0.0.tgz')).toBeUndefined()
})
