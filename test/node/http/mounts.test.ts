import { describe, expect, test } from 'vitest'
import { cacheKey } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import { Mounts } from '../../../node/http/mounts.ts'
import type { Protocol } from '../../../protocols/protocol.ts'
import { mirrorAt, plain } from './fixture.ts'

const at = (path: string) => ({ path, query: '' })
const outer = mirrorAt('/npm/')
const inner = mirrorAt('/npm/corp/')
const other = mirrorAt('/npm-corp/')
const mounts = new Mounts([outer, inner, other])

test('they stay in the order of the settings, whatever is looked through first', () => {
  expect(mounts.all).toEqual([outer, inner, other])
})

test.each([
  ['/npm/lodash', outer, 'lodash'],
  ['/npm/', outer, ''],
  ['/npm', outer, ''],
  ['/npm/corp/lodash', inner, 'lodash'],
  ['/npm/corp', inner, ''],
  ['/npm/corporate', outer, 'corporate'],
  ['/npm-corp/a/b', other, 'a/b'],
  ['/npm//lodash', outer, '/lodash'],
  ['/npm/../admin', outer, '../admin'],
] as const)('%s belongs to a mirror', (path, mounted, rest) => {
  expect(mounts.find(at(path))).toEqual({ mounted, rest })
})

test.each([
  '/',
  '',
  '/np',
  '/npmx',
  '/npm-',
  '/NPM/lodash',
  '//npm/lodash',
  'npm/lodash',
  '/npm%2flodash',
  '/./npm/lodash',
  '*',
])('%j belongs to none', (path) => {
  expect(mounts.find(at(path))).toBeUndefined()
})

test('what clients ask at the root goes to the first mirror of their ecosystem, unless a mirror is mounted there', () => {
  expect(mounts.find(at('/-/alias/x'))).toEqual({ mounted: outer, rest: '-/alias/x' })
  const own = mirrorAt('/-/alias/')
  expect(new Mounts([outer, own]).find(at('/-/alias/x'))).toEqual({ mounted: own, rest: 'x' })
  expect(new Mounts([]).find(at('/-/alias/x'))).toBeUndefined()
})

test('a mirror at the root takes everything that no longer mount takes', () => {
  const root = mirrorAt('/')
  const all = new Mounts([root, outer])
  expect(all.find(at('/npm/x'))).toEqual({ mounted: outer, rest: 'x' })
  expect(all.find(at('/x'))).toEqual({ mounted: root, rest: 'x' })
  expect(all.find(at('/'))).toEqual({ mounted: root, rest: '' })
})

test('two ecosystems have each its own alias', () => {
  const second = mirrorAt('/second/', { ...plain, rootAliases: ['/-/second/'] })
  const both = new Mounts([outer, second])
  expect(both.find(at('/-/alias/x'))?.mounted).toBe(outer)
  expect(both.find(at('/-/second/x'))?.mounted).toBe(second)
})

test('tell the upstreams that mirrors ask, be it for some names only, and not those that clients name', () => {
  const base = 'https://one.example.test/'
  const bound = 'https://corp.example.test/'
  const named = 'https://named.example.test/'
  const { mirror } = mirrorAt('/npm/')
  const mounts = new Mounts([
    { mirror: { ...mirror, upstreams: [base], routes: [{ pattern: 'corp', upstream: bound }] }, protocol: plain },
    { mirror: { ...mirror, upstreams: [named], onDemand: true }, protocol: plain },
  ])
  const keyAt = (ecosystem: string, at: string) => cacheKey({ ecosystem, base: at, path: 'x' })
  expect([base, bound, named].map((at) => mounts.hasUpstreamOf(keyAt(plain.name, at)))).toEqual([true, true, false])
  expect([keyAt('other', base), base, ''].map((key) => mounts.hasUpstreamOf(key))).toEqual([false, false, false])
})

describe('a protocol that decides itself which of its mirrors is meant', () => {
  const claim: Protocol['claim'] = ({ path, query }, mirrors) => {
    if (!path.startsWith('/v2/')) return undefined
    const mirror = mirrors.find(({ name }) => query === `?ns=${name}`)
    if (!mirror) throw new WarrenError('NO_SUCH_MIRROR', 'no registry of that name')
    return { mirror, path: path.slice(4) }
  }
  const protocol: Protocol = { ...plain, rootAliases: [], claim }
  const named = (name: string) => {
    const { mirror } = mirrorAt('/v2/')
    return { mirror: { ...mirror, name }, protocol }
  }
  const [one, two] = [named('one'), named('two')]
  const shared = new Mounts([one, outer, two])

  test('is asked for every path that is not below the mount of another', () => {
    expect(shared.find({ path: '/v2/x', query: '?ns=two' })).toEqual({ mounted: two, rest: 'x' })
    expect(shared.find({ path: '/v2/x', query: '?ns=one' })).toEqual({ mounted: one, rest: 'x' })
    expect(shared.find(at('/npm/v2/x'))).toEqual({ mounted: outer, rest: 'v2/x' })
    expect(shared.find(at('/-/alias/x'))?.mounted).toBe(outer)
    expect(shared.all).toHaveLength(3)
  })

  test('owns what it refuses, so that its clients understand the answer', () => {
    expect(() => shared.find({ path: '/v2/x', query: '?ns=three' })).toThrow('no registry of that name')
    expect(shared.ownerOf({ path: '/v2/x', query: '?ns=three' })).toEqual({ mirror: '-', protocol })
    expect(shared.ownerOf({ path: '/v2/x', query: '?ns=two' })).toEqual({ mirror: 'two', protocol })
    expect(shared.ownerOf(at('/elsewhere'))).toEqual({ mirror: '-', protocol: undefined })
  })
})
