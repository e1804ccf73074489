import { expect, test } from 'vitest'
import { Mounts } from '../../../node/http/mounts.ts'
import { mirrorAt, plain } from './fixture.ts'

const outer = mirrorAt('/npm/')
const inner = mirrorAt('/npm/corp/')
const other = mirrorAt('/npm-corp/')
const mounts = new Mounts([outer, inner, other])

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
  expect(mounts.find(path)).toEqual({ mounted, rest })
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
  expect(mounts.find(path)).toBeUndefined()
})

test('what clients ask at the root goes to the first mirror of their ecosystem, unless a mirror is mounted there', () => {
  expect(mounts.find('/-/alias/x')).toEqual({ mounted: outer, rest: '-/alias/x' })
  const own = mirrorAt('/-/alias/')
  expect(new Mounts([outer, own]).find('/-/alias/x')).toEqual({ mounted: own, rest: 'x' })
  expect(new Mounts([]).find('/-/alias/x')).toBeUndefined()
})

test('a mirror at the root takes everything that no longer mount takes', () => {
  const root = mirrorAt('/')
  const all = new Mounts([root, outer])
  expect(all.find('/npm/x')).toEqual({ mounted: outer, rest: 'x' })
  expect(all.find('/x')).toEqual({ mounted: root, rest: 'x' })
  expect(all.find('/')).toEqual({ mounted: root, rest: '' })
})

test('two ecosystems have each its own alias', () => {
  const second = mirrorAt('/second/', { ...plain, rootAliases: ['/-/second/'] })
  const both = new Mounts([outer, second])
  expect(both.find('/-/alias/x')?.mounted).toBe(outer)
  expect(both.find('/-/second/x')?.mounted).toBe(second)
})
