import { describe, expect, test } from 'vitest'
import { findFiles } from '../../../protocols/pypi/facts.ts'
import { pageParser } from '../../../protocols/pypi/page.ts'
import { fileOf, HERE, jsonPage, OTHER, SHA, spliced } from './fixtures.ts'

const MD5 = '0'.repeat(32)

function read(bytes: Buffer) {
  const document = pageParser.parse(bytes)
  return {
    ...document,
    page: JSON.parse(spliced(bytes, document).toString()),
    facts: JSON.parse(JSON.stringify(document.facts)),
  }
}

describe('a page of JSON', () => {
  test('leads to the mirror with the URLs of its files, and with nothing else', () => {
    const files = [
      fileOf('Foo-1.0.tar.gz', { provenance: 'https://index.example.test/p', unknown: [{ url: 'kept' }] }),
      fileOf('foo-2.0.zip'),
    ]
    const bytes = jsonPage('Foo', files, { versions: ['1.0', '2.0'], 'project-status': { url: 'kept' } })
    const { page } = read(bytes)
    const expected = JSON.parse(bytes.toString())
    expected.files[0].url = `${HERE}files/foo/${SHA}/Foo-1.0.tar.gz`
    expected.files[1].url = `${HERE}files/foo/${SHA}/foo-2.0.zip`
    expect(page).toEqual(expected)
  })

  test.each<[string, object, unknown, string]>([
    ['sha256 before all', { sha256: SHA, sha512: '0'.repeat(128), md5: MD5 }, { algorithm: 'sha256', hex: SHA }, SHA],
    ['md5 alone', { md5: MD5 }, { algorithm: 'md5', hex: MD5 }, `md5-${MD5}`],
    ['capitals', { sha256: SHA.toUpperCase() }, { algorithm: 'sha256', hex: SHA }, SHA],
    ['none', {}, undefined, '-'],
    ['one that nobody here can check', { blake2b: SHA }, undefined, '-'],
    ['half of one', { sha256: 'abc' }, undefined, '-'],
    ['no text', { sha256: 5 }, undefined, '-'],
  ])('goes by %s', (_what, hashes, digest, segment) => {
    const { page, facts } = read(jsonPage('foo', [fileOf('foo-1.0.zip', { hashes })]))
    expect(page.files[0].url).toBe(`${HERE}files/foo/${segment}/foo-1.0.zip`)
    expect(findFiles(facts, 'foo-1.0.zip').map((file) => file.digest)).toEqual([digest])
  })

  test('says of each file what is wanted of it later', () => {
    const { facts } = read(
      jsonPage('foo', [
        fileOf('foo-1.0.zip', { 'upload-time': '2024-01-02T03:04:05.678901Z', 'gpg-sig': true }),
        fileOf('foo-2.0-py3-none-any.whl', { url: '../../far/x?token=1#sha256=abc', 'core-metadata': { sha256: OTHER } }),
        fileOf('foo-3.0-py3-none-any.whl', { 'core-metadata': true, 'gpg-sig': false }),
      ]),
    )
    expect(facts.name).toBe('foo')
    const digest = { algorithm: 'sha256', hex: SHA }
    const at = 'https://files.example.test/packages/aa/'
    expect(
      ['foo-1.0.zip', 'foo-2.0-py3-none-any.whl', 'foo-3.0-py3-none-any.whl'].flatMap((file) => findFiles(facts, file)),
    ).toEqual([
      { file: 'foo-1.0.zip', digest, published: Date.UTC(2024, 0, 2, 3, 4, 5, 678), signed: true, url: `${at}foo-1.0.zip` },
      {
        file: 'foo-2.0-py3-none-any.whl',
        digest,
        metadata: { algorithm: 'sha256', hex: OTHER },
        url: '../../far/x?token=1',
      },
      { file: 'foo-3.0-py3-none-any.whl', digest, metadata: true, signed: false, url: `${at}foo-3.0-py3-none-any.whl` },
    ])
    expect(findFiles(facts, '1.0.zip')).toEqual([])
  })

  test.each<[string, object, unknown]>([
    ['the old name with a digest', { 'dist-info-metadata': { sha256: OTHER } }, { sha256: OTHER }],
    ['the old name alone', { 'dist-info-metadata': true }, true],
    ['the old name with a digest that nobody can check', { 'dist-info-metadata': { blake2b: 'x' } }, true],
    ['the old name, which says no', { 'dist-info-metadata': false }, undefined],
    ['both', { 'core-metadata': false, 'dist-info-metadata': true }, false],
    ['none', {}, undefined],
  ])('promises metadata under the new name where upstream has %s', (_what, more, promise) => {
    const { page } = read(jsonPage('foo', [fileOf('foo-1.0.zip', more), fileOf('foo-2.0.zip')]))
    expect(page.files.map((file: Record<string, unknown>) => file['core-metadata'])).toEqual([promise, undefined])
    expect(page.files[0].url).toBe(`${HERE}files/foo/${SHA}/foo-1.0.zip`)
  })

  test.each(['a b.zip', '../x.zip', 'x/y.zip', '"', 'é.zip', '', 'foo-1.0.zip.metadata'])(
    'leads with a file called «%s», which cannot be in a path, to an error and not elsewhere',
    (filename) => {
      const { page, facts } = read(jsonPage('foo', [fileOf(filename)]))
      expect(page.files[0].url).toBe(`${HERE}files/foo/-/${encodeURIComponent(filename)}`)
      expect(findFiles(facts, filename)).toEqual([])
    },
  )

  test('may have names of Object.prototype anywhere', () => {
    const bytes = Buffer.from(
      `{"meta":{"api-version":"1.0"},"name":"constructor","__proto__":{},"files":[{"filename":"constructor-1.0.zip","url":"x","hashes":{"__proto__":"x","sha256":"${SHA}"}}]}`,
    )
    const { facts } = read(bytes)
    expect(findFiles(facts, 'constructor-1.0.zip')).toHaveLength(1)
    expect(findFiles(facts, '__proto__')).toEqual([])
  })

  test.each([
    ['an empty object', '{}'],
    ['another version of the API', '{"meta":{"api-version":"2.0"},"name":"a","files":[]}'],
    ['no name', '{"meta":{"api-version":"1.0"},"files":[]}'],
    ['a name that is none', '{"meta":{"api-version":"1.0"},"name":"../x","files":[]}'],
    ['no files', '{"meta":{"api-version":"1.0"},"name":"a"}'],
    ['files that are no list', '{"meta":{"api-version":"1.0"},"name":"a","files":{}}'],
    ['a file that is no object', '{"meta":{"api-version":"1.0"},"name":"a","files":["x"]}'],
    ['a file without a URL', '{"meta":{"api-version":"1.0"},"name":"a","files":[{"filename":"x"}]}'],
    ['the list of all projects', '{"meta":{"api-version":"1.0"},"projects":[{"name":"a"}]}'],
    ['half of it', '{"meta":{"api-version":"1.0"},"name":"a","files":[{"filename":"a-1'],
    ['what the older API answers', '{"info":{"name":"a"},"urls":[]}'],
  ])('is refused when it is %s', (_what, text) => {
    expect(() => pageParser.parse(Buffer.from(text))).toThrow()
  })

  test('with more to note than an index may hold is refused', () => {
    const url = 'u'.repeat(2000)
    const files = Array.from({ length: 9000 }, (_, i) => ({ filename: `a-${i}.zip`, url, hashes: {} }))
    expect(() => pageParser.parse(jsonPage('a', files))).toThrow(/characters to note/)
  })

  test('of ten thousand files takes as much time as it has bytes', () => {
    const files = Array.from({ length: 10_000 }, (_, i) =>
      fileOf(`foo-1.${i}-py3-none-any.whl`, { 'core-metadata': { sha256: OTHER } }),
    )
    const { spans, facts } = pageParser.parse(jsonPage('foo', files))
    expect(spans).toHaveLength(10_000)
    expect(findFiles(facts, 'foo-1.9999-py3-none-any.whl')).toHaveLength(1)
  })
})
