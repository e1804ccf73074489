import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { Packages, packageOf, parsePackage, parseTarball, tarballPath } from './packages.ts'

const LARGE = packageOf('large', { bytes: 2_500_000, versions: 2 })

test('a name is all that it takes to know a package', () => {
  expect(parsePackage(LARGE.name)).toEqual(LARGE)
  expect(parseTarball(tarballPath(LARGE, 1))).toEqual({ of: LARGE, version: 1 })
  expect(parseTarball(tarballPath(LARGE, 2))).toBeUndefined()
  expect(parsePackage('lodash')).toBeUndefined()
})

test('the digests that a manifest promises are those of the archive, however it is cut', () => {
  const packages = new Packages()
  for (const version of [0, 1]) {
    const archive = packages.archive(LARGE, version)
    expect(archive.length).toBe(LARGE.bytes)
    const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`
    expect(packages.manifest(LARGE, version, 'http://registry.example.test')).toMatchObject({ dist: { integrity } })
    expect(packages.slice(LARGE, version, 1_048_000, 900).equals(archive.subarray(1_048_000, 1_048_576))).toBe(true)
  }
})

test('no two versions, and no two packages of one size, are the same bytes', () => {
  const packages = new Packages()
  const other = packageOf('other', { bytes: LARGE.bytes })
  const digests = [
    packages.digest(LARGE, 0, 'sha512'),
    packages.digest(LARGE, 1, 'sha512'),
    packages.digest(other, 0, 'sha512'),
  ]
  expect(new Set(digests.map(String)).size).toBe(3)
})

test('a packument has as many bytes of dependencies as its name says, and names its own registry', () => {
  const document = packageOf('document', { bytes: 100, versions: 50, manifestBytes: 640 })
  const { type, body } = new Packages().packument(
    document,
    'http://registry.example.test',
    'application/vnd.npm.install-v1+json',
  )
  expect(type).toBe('application/vnd.npm.install-v1+json')
  expect(body.match(/"tarball":"http:\/\/registry\.example\.test\//g)).toHaveLength(50)
  expect(body.length / 50).toBeGreaterThan(640)
})
