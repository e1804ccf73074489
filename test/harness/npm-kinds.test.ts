import { expect, test } from 'vitest'
import { npmKind, tarballOf, tarballPath } from './npm-kinds.ts'

test('paths of an npm registry are told apart', () => {
  const kinds = {
    '/left': 'packument',
    '/@scope/left': 'packument',
    '/constructor': 'packument',
    '/left/1.0.0': 'manifest',
    '/@scope/left/latest': 'manifest',
    '/left/-/left-1.0.0.tgz': 'tarball',
    '/@scope/left/-/left-1.0.0.tgz': 'tarball',
    '/files/any/where.tgz': 'tarball',
    '/-/ping': 'other',
    '/-/npm/v1/keys': 'other',
    '/left?write=true': 'other',
    '/': 'other',
  }
  for (const [path, kind] of Object.entries(kinds)) expect([path, npmKind(path)]).toEqual([path, kind])
  expect(npmKind('/npm/@scope/left', '/npm/')).toBe('packument')
})

test('a conventional tarball path names its package and version, and the other way round', () => {
  expect(tarballPath('@scope/left', '1.0.0-rc.1', '/npm/')).toBe('/npm/@scope/left/-/left-1.0.0-rc.1.tgz')
  expect(tarballOf('/npm/@scope/left/-/left-1.0.0-rc.1.tgz', '/npm/')).toEqual({ name: '@scope/left', version: '1.0.0-rc.1' })
  expect(tarballOf('/left/-/other-1.0.0.tgz')).toBeUndefined()
  expect(tarballOf('/left/1.0.0')).toBeUndefined()
})
