import { describe, expect, test } from 'vitest'
import { isWarrenError } from '../../../node/errors.ts'
import { indexPath } from '../../../protocols/cargo/names.ts'
import { parsePath, upstreamPath } from '../../../protocols/cargo/paths.ts'

const SHA = '0ac2'.repeat(16)

/** What a path is refused with. */
function refused(path: string): string {
  try {
    parsePath(path)
  } catch (error) {
    if (isWarrenError(error, 'BAD_REQUEST')) return error.message
    throw error
  }
  throw new Error(`«${path}» was taken`)
}

describe('an index file', () => {
  test.each([
    ['a', '1/a'],
    ['ab', '2/ab'],
    ['abc', '3/a/abc'],
    ['abcd', 'ab/cd/abcd'],
    ['abcdef', 'ab/cd/abcdef'],
    ['MyCrate', 'my/cr/mycrate'],
    ['A', '1/a'],
    ['Abc', '3/a/abc'],
    ['a-b', '3/a/a-b'],
    ['_x', '2/_x'],
  ])('of %s is %s', (name, path) => {
    expect(indexPath(name)).toBe(path)
    expect(parsePath(path)).toEqual({ kind: 'index', name: name.toLowerCase() })
    expect(upstreamPath({ kind: 'index', name: name.toLowerCase() })).toBe(path)
  })

  test.each([
    ['My/Cr/MyCrate', 'my/cr/mycrate'],
    ['my/cr/MyCrate', 'my/cr/mycrate'],
    ['ab/cd/mycrate', 'my/cr/mycrate'],
    ['1/ab', '2/ab'],
    ['3/b/abc', '3/a/abc'],
    ['mycrate', 'my/cr/mycrate'],
    ['ab/cd/ef/abcdef', 'ab/cd/abcdef'],
  ])('asked for at %s is refused, and the answer says where it is', (path, right) => {
    expect(refused(path)).toContain(`«${right}»`)
  })
})

describe('an archive', () => {
  test.each([
    [`crates/MyCrate/1.0.0/${SHA}.crate`, { name: 'MyCrate', version: '1.0.0', sha256: SHA }],
    [`crates/a/1.0.0/${SHA.toUpperCase()}.crate`, { name: 'a', version: '1.0.0', sha256: SHA }],
    [`crates/a/1.0.0+build.1/${SHA}.crate`, { name: 'a', version: '1.0.0+build.1', sha256: SHA }],
    [`crates/a/1.0.0%2Bbuild.1/${SHA}.crate`, { name: 'a', version: '1.0.0+build.1', sha256: SHA }],
    [`crates/a/1.0.0-rc.1+x/${SHA}.crate`, { name: 'a', version: '1.0.0-rc.1+x', sha256: SHA }],
    ['crates/a/1.0.0/download', { name: 'a', version: '1.0.0' }],
  ])('%s is named in the case of the request', (path, resource) => {
    expect(parsePath(path)).toEqual({ kind: 'crate', ...resource })
  })

  test('keeps its plus sign towards upstream', () => {
    expect(upstreamPath({ kind: 'crate', name: 'a', version: '1.0.0+b', sha256: SHA })).toBe(`crates/a/1.0.0+b/${SHA}.crate`)
    expect(upstreamPath({ kind: 'crate', name: 'a', version: '1.0.0' })).toBe('crates/a/1.0.0/download')
  })

  test.each([
    'crates',
    'crates/a',
    'crates/a/1.0.0',
    'crates/a/1.0/download',
    'crates/a/v1.0.0/download',
    `crates/a/1.0.0/${SHA}`,
    `crates/a/1.0.0/${SHA.slice(1)}.crate`,
    `crates/a/1.0.0/${SHA}.crate/more`,
    'crates/1a/1.0.0/download',
    `crates/${'a'.repeat(129)}/1.0.0/download`,
  ])('is not at %s', (path) => {
    expect(refused(path)).toMatch(/is no path of a crate registry: /)
  })
})

test('the configuration is at config.json, and git is recognised', () => {
  expect(parsePath('config.json')).toEqual({ kind: 'config' })
  expect(upstreamPath({ kind: 'config' })).toBe('config.json')
  for (const path of ['info/refs', 'git-upload-pack']) expect(parsePath(path)).toEqual({ kind: 'git' })
})

test.each([
  '',
  '/',
  'config.json/',
  '../config.json',
  'my%2f..%2fcr',
  'my/cr/my%00crate',
  'my\\cr\\mycrate',
  '1/é',
  '1/%C3%A9',
  '%25',
])('nothing is at «%s»', (path) => {
  expect(refused(path)).toMatch(/is no path of a crate registry: /)
})

test('the API of a registry is said to be elsewhere', () => {
  expect(refused('api/v1/crates')).toMatch(/config\.json/)
})
