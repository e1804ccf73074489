import { describe, expect, test } from 'vitest'
import { isDistribution, isFileName, isProjectName, normaliseName, versionOf } from '../../../protocols/pypi/names.ts'

test.each([
  ['Foo.Bar_baz', 'foo-bar-baz'],
  ['foo--bar', 'foo-bar'],
  ['a-_.b', 'a-b'],
  ['x', 'x'],
])('%s is the same project as %s', (name, normalised) => {
  expect(normaliseName(name)).toBe(normalised)
})

test.each(['', '-a', 'a-', '.', '..', 'a b', 'é', 'a/b', '__proto__', 'a'.repeat(201)])('«%s» names no project', (name) => {
  expect(isProjectName(name)).toBe(false)
})

test.each(['a', '0', 'A.b_c-D', 'constructor'])('«%s» names a project', (name) => {
  expect(isProjectName(name)).toBe(true)
})

describe('the version in a file’s name', () => {
  test.each([
    ['foo-bar', 'Foo.Bar-1.0.tar.gz', '1.0'],
    ['foo-bar', 'foo-bar-1.0.post1.zip', '1.0.post1'],
    ['foo-bar', 'foo_bar-1.0-1.tar.bz2', '1.0.post1'],
    ['foo', 'foo-1.0_rc1-py3-none-any.whl', '1.0rc1'],
    ['foo', 'foo-1.0-1build-py3-none-any.whl', '1.0'],
    ['foo', 'foo-1.0+cu118-cp310-cp310-manylinux_2_17_x86_64.whl', '1.0+cu118'],
    ['foo', 'foo-1.0-py2.7.egg', '1.0'],
    ['foo', 'foo-1.0-py2.7-linux-x86_64.egg', '1.0'],
    ['foo', 'foo-1.0.win32-py2.7.exe', '1.0'],
    ['foo', 'foo-1.0.linux-x86_64.tar.gz', '1.0'],
    ['pytz', 'pytz-2004b.tar.gz', '2004b0'],
    ['python-3', 'python-3-1.0.tar.gz', '1.0'],
    ['foo', 'foo-V1.0.zip', '1.0'],
    ['foo', 'foo-latest.zip', 'latest'],
    ['foo', 'something-else.zip', 'something-else'],
    ['foo', 'foo.zip', 'foo'],
  ])('of %s in %s is %s', (project, file, version) => {
    expect(versionOf(project, file)).toBe(version)
  })
})

test.each([
  ['a-1.0.zip', true, true],
  ['a-1.0.tar.gz', true, true],
  ['a-1.0+local-py3-none-any.whl', true, true],
  ['a-1.0', true, false],
  ['a-1.0.tar.lz', true, true],
  ['a-1.0.tar.zst', true, true],
  ['a-1.0.zip.metadata', false, false],
  ['a-1.0.zip.asc', false, false],
  ['a 1.0.zip', false, true],
  ['..', false, false],
  ['.hidden.zip', false, true],
  ['a%2fb.zip', false, true],
  ["a'b.zip", false, true],
  ['a"b.zip', false, true],
  [`${'a'.repeat(400)}.zip`, false, true],
])('«%s» can be in a path: %s, and is one that installers look for: %s', (file, inPath, wanted) => {
  expect([isFileName(file), isDistribution(file)]).toEqual([inPath, wanted])
})

test('a long name is taken apart in no time', () => {
  const file = `${'a-'.repeat(190)}1.0.tar.gz`
  for (let i = 0; i < 100; i++) expect(versionOf('b', file)).toBe(file.slice(0, -7))
  // With a look at each hyphen this would take hours.
  const long = `a${'-1'.repeat(500_000)}`
  for (const project of ['a', 'a-1']) expect(versionOf(project, `${long}.zip`)).toBe(long.slice(project.length + 1))
})
