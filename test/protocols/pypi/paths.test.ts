import { describe, expect, test } from 'vitest'
import { isWarrenError } from '../../../node/errors.ts'
import { filePath, parsePath } from '../../../protocols/pypi/paths.ts'
import { SHA } from './fixtures.ts'

const digest = { algorithm: 'sha256', hex: SHA } as const

describe('a path', () => {
  test.each([
    ['simple/foo/', { kind: 'page', project: 'foo' }],
    ['simple/%66oo/', { kind: 'page', project: 'foo' }],
    ['simple/foo', { kind: 'moved', location: 'foo/' }],
    ['simple/Foo_Bar/', { kind: 'moved', location: '../foo-bar/' }],
    ['simple/', { kind: 'root' }],
    ['simple', { kind: 'moved', location: 'simple/' }],
    ['', { kind: 'moved', location: 'simple/' }],
    [`files/foo/${SHA}/foo-1.0.zip`, { kind: 'file', project: 'foo', file: 'foo-1.0.zip', digest }],
    [`files/foo/${SHA}/foo-1.0%2Blocal.zip`, { kind: 'file', project: 'foo', file: 'foo-1.0+local.zip', digest }],
    [`files/foo/${SHA}/foo-1.0.zip.metadata`, { kind: 'metadata', project: 'foo', file: 'foo-1.0.zip', digest }],
    [`files/foo/${SHA}/foo-1.0.zip.asc`, { kind: 'signature', project: 'foo', file: 'foo-1.0.zip', digest }],
    ['files/foo/-/foo-1.0.zip', { kind: 'file', project: 'foo', file: 'foo-1.0.zip', digest: undefined }],
    [
      `files/foo/md5-${'0'.repeat(32)}/foo-1.0.zip`,
      { kind: 'file', project: 'foo', file: 'foo-1.0.zip', digest: { algorithm: 'md5', hex: '0'.repeat(32) } },
    ],
    ['pypi/Foo/json', { kind: 'legacy', project: 'foo', version: undefined, path: 'pypi/Foo/json' }],
    ['pypi/foo/1.0/json', { kind: 'legacy', project: 'foo', version: '1.0', path: 'pypi/foo/1.0/json' }],
  ])('«%s» is %j', (path, resource) => {
    expect(parsePath(path)).toEqual(resource)
  })

  test.each([
    '/',
    '//',
    'simple//',
    'simple/../',
    'simple/%2e%2e/',
    'simple/foo%2f%2e%2e/',
    'simple/foo/bar/',
    'simple/a b/',
    'simple/%00/',
    'simple/foo%25/',
    'simple/foo\\/',
    'simple/é/',
    'SIMPLE/foo/',
    'files/',
    'files/foo/x/foo-1.0.zip',
    `files/Foo/${SHA}/foo-1.0.zip`,
    `files/foo/${SHA}/foo-1.0.zip/`,
    `files/foo/${SHA}/foo/1.0.zip`,
    `files/foo/${SHA}/../foo-1.0.zip`,
    `files/foo/${SHA}/.metadata`,
    `files/foo/${SHA}/foo-1.0.zip.metadata.metadata`,
    `files/foo/${SHA.toUpperCase()}/foo-1.0.zip`,
    `files/foo/sha256-${SHA}/foo-1.0.zip`,
    `files/foo/h1-${SHA}/foo-1.0.zip`,
    `files/foo/md5-${SHA}/foo-1.0.zip`,
    'pypi/foo',
    'pypi/foo/1.0/2.0/json',
    'pypi/foo/../json',
    'x',
    `simple/${'a'.repeat(2000)}/`,
  ])('«%s» is none of an index, and what would be right is said', (path) => {
    try {
      expect(parsePath(path)).toBeUndefined()
    } catch (error) {
      if (!isWarrenError(error, 'BAD_REQUEST')) throw error
      expect(error.message).toMatch(/«.*» is no path of a Python package index: ./)
      expect(error.message.length).toBeLessThan(400)
    }
  })
})

test('files are where their paths say', () => {
  const file = { project: 'foo', file: 'foo-1.0.zip' }
  for (const one of [digest, { algorithm: 'sha1', hex: '0'.repeat(40) } as const, undefined])
    expect(parsePath(filePath({ ...file, digest: one }))).toEqual({ kind: 'file', ...file, digest: one })
})
