import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { findFile, findVersion, type PackageFacts } from '../../../protocols/npm/facts.ts'
import { packumentParsers, parse, parsePreserved } from '../../../protocols/npm/packument.ts'
import { own, rendered } from './fixtures.ts'

const MIRROR = 'http://127.0.0.1:7470/npm/'
const sri = (text: string) => `sha512-${createHash('sha512').update(text).digest('base64')}`
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
const json = (value: unknown) => Buffer.from(JSON.stringify(value))

/** A document with one version after the other, each with the given `dist`. */
function packument(name: string, dists: [version: string, dist: unknown][]): Buffer {
  const versions = dists.map(([version, dist]) => `${JSON.stringify(version)}:${JSON.stringify({ name, version, dist })}`)
  return Buffer.from(`{"_id":"x","dist-tags":{},"versions":{${versions.join(',')}},"name":${JSON.stringify(name)},"time":{}}`)
}

function factsOf(bytes: Buffer): PackageFacts {
  // What survives JSON is what a later expectation has to live on.
  return JSON.parse(JSON.stringify(parse(bytes).facts)) as PackageFacts
}

describe('tarball URLs', () => {
  test.each([
    ['foo', '1.0.0', 'foo/-/foo-1.0.0.tgz'],
    ['@s/p', '1.0.0', '@s/p/-/p-1.0.0.tgz'],
    ['foo', '1.0.0-rc.1+build.5', 'foo/-/foo-1.0.0-rc.1+build.5.tgz'],
    ["it's~(odd)!*", '1.0.0', "it's~(odd)!*/-/it's~(odd)!*-1.0.0.tgz"],
    ['constructor', '__proto__', 'constructor/-/constructor-__proto__.tgz'],
  ])('of %s %s lead to the mirror', (name, version, path) => {
    const dist = { tarball: 'https://cdn.example.test/where/ever.bin', integrity: sri('x') }
    const bytes = packument(name, [[version, dist]])
    const document = rendered(bytes, parse(bytes), MIRROR)
    expect(own(document, 'versions', version, 'dist')).toEqual({ ...dist, tarball: MIRROR + path })
  })

  test('are left alone for a mirror that preserves them, and tell where the tarball is all the same', () => {
    const bytes = packument('foo', [['1.0.0', { tarball: 'https://cdn.example.test/foo.tgz', integrity: sri('x') }]])
    expect(parsePreserved(bytes)).toEqual({ spans: [], facts: parse(bytes).facts })
    expect(parse(bytes).spans).toHaveLength(1)
  })

  test('are the only thing that is changed', () => {
    const urls = { tarball: 'https://registry.example.test/foo/-/foo-1.0.0.tgz', url: 'https://registry.example.test/' }
    const manifest = {
      ...urls,
      name: 'foo',
      version: '1.0.0',
      dist: urls,
      repository: urls,
      _resolved: urls.tarball,
      dependencies: urls,
    }
    const original = {
      name: 'foo',
      ...urls,
      dist: urls,
      readme: JSON.stringify(manifest),
      versions: { '1.0.0': manifest },
      time: { modified: 'x' },
    }
    const bytes = json(original)
    const changed = JSON.parse(bytes.toString()) as typeof original
    changed.versions['1.0.0'].dist.tarball = `${MIRROR}foo/-/foo-1.0.0.tgz`
    expect(rendered(bytes, parse(bytes), MIRROR)).toEqual(changed)
  })

  test('are found behind escapes and come in ascending order even when a version is repeated', () => {
    const url = 'https:\\/\\/registry.example.test\\/foo\\/-\\/foo-1.0.0.tgz'
    const one = `"1.0.0":{"dist":{"tarball":"${url}"}}`
    const bytes = Buffer.from(`{"name":"foo","versions":{${one},"2.0.0":{"d\\u0069st":{"tarball":"x"}},${one}}}`)
    const document = parse(bytes)
    expect(document.spans.map(([, , path]) => path)).toEqual(['foo/-/foo-2.0.0.tgz', 'foo/-/foo-1.0.0.tgz'])
    expect(document.spans.every(([start, end], i) => start < end && start >= (document.spans[i - 1]?.[1] ?? 0))).toBe(true)
    expect(own(rendered(bytes, document, MIRROR), 'versions', '1.0.0', 'dist', 'tarball')).toBe(`${MIRROR}foo/-/foo-1.0.0.tgz`)
    expect(findVersion(factsOf(bytes), '1.0.0')).toMatchObject({ base: 'https://registry.example.test/' })
  })

  test('of a version that cannot stand in a path are left alone', () => {
    const versions: [string, unknown][] = ['../../admin', '1.0.0\n', 'a b', '"', '\ud800', 'ü', '1'.repeat(300), ''].map(
      (version) => [version, { tarball: 'x' }],
    )
    const document = parse(packument('foo', versions))
    expect(document.spans).toEqual([])
    expect(document.facts.dists).toBe('\n')
  })

  test('that are missing, or no text, leave nothing to change', () => {
    const bytes = packument('foo', [
      ['1.0.0', { shasum: sha1('x') }],
      ['2.0.0', { tarball: null }],
      ['3.0.0', null],
      ['4.0.0', []],
      ['5.0.0', undefined],
    ])
    expect(parse(bytes).spans).toEqual([])
    expect(findVersion(factsOf(bytes), '1.0.0')?.promise).toMatch(/^sha1-/)
    expect(findVersion(factsOf(bytes), '2.0.0')).toEqual({ version: '2.0.0', promise: '' })
    for (const version of ['3.0.0', '4.0.0', '5.0.0']) expect(findVersion(factsOf(bytes), version)).toBeUndefined()
  })
})

describe('what is remembered of a version', () => {
  const bytes = packument('@s/p', [
    ['0.0.1', { shasum: sha1('old'), tarball: 'http://registry.example.test/@s/p/-/p-0.0.1.tgz' }],
    ['1.0.0', { integrity: sri('new'), shasum: sha1('new'), tarball: 'https://registry.example.test/@s/p/-/p-1.0.0.tgz' }],
    ['1.1.0', { integrity: sri('cdn'), tarball: 'https://cdn.example.test/a/b/p_1.1.tgz?x=1#y' }],
    ['1.1.1', { integrity: sri('case'), tarball: 'https://REGISTRY.example.test/x/../@s/p/-/p-1.1.1.tgz' }],
    ['__proto__', { integrity: sri('proto'), tarball: 'file:///etc/passwd' }],
    ['constructor', { integrity: sri('cons'), tarball: 'https://me:secret@registry.example.test/@s/p/-/p-constructor.tgz' }],
    ['1.2.0', { integrity: sri('rel'), tarball: 'p-1.2.0.tgz' }],
    ['1.3.0', { integrity: sri('long'), tarball: `https://registry.example.test/${'x'.repeat(3000)}` }],
  ])

  test.each([
    ['0.0.1', 'sha1', { base: 'http://registry.example.test/' }],
    ['1.0.0', 'sha512', { base: 'https://registry.example.test/' }],
    ['1.1.0', 'sha512', { tarball: 'https://cdn.example.test/a/b/p_1.1.tgz?x=1' }],
    ['1.1.1', 'sha512', { tarball: 'https://registry.example.test/@s/p/-/p-1.1.1.tgz' }],
    ['__proto__', 'sha512', {}],
    ['constructor', 'sha512', {}],
    ['1.2.0', 'sha512', {}],
    ['1.3.0', 'sha512', {}],
  ])('%s: its strongest digest and where it is', (version, algorithm, place) => {
    const found = findVersion(factsOf(bytes), version)
    expect(found).toEqual({ version, promise: found?.promise, ...place })
    expect(found?.promise.split('-')[0]).toBe(algorithm)
  })

  test.each(['1.0', '.0.0', '2.0.0', 'toString', '', '1.0.0\tsha512'])('nothing is known of «%s»', (version) => {
    expect(findVersion(factsOf(bytes), version)).toBeUndefined()
  })

  test('is found by a file name against the convention, unless two versions share it', () => {
    const odd = packument('foo', [
      ['1.0.0', { tarball: 'https://registry.example.test/foo/-/foo_one.tgz' }],
      ['2.0.0', { tarball: 'https://cdn.example.test/2/package.tgz' }],
      ['3.0.0', { tarball: 'https://cdn.example.test/3/package.tgz' }],
    ])
    expect(findFile(factsOf(odd), 'foo_one.tgz')).toMatchObject({ version: '1.0.0' })
    expect(findFile(factsOf(odd), 'package.tgz')).toBeUndefined()
    expect(findFile(factsOf(odd), 'one.tgz')).toBeUndefined()
  })

  test('takes little more room than the digest itself, for thousands of versions', () => {
    const versions = Array.from({ length: 4000 }, (_, i): [string, unknown] => {
      const version = `1.${i}.0`
      return [
        version,
        { integrity: sri(version), shasum: sha1(version), tarball: `https://registry.example.test/foo/-/foo-${version}.tgz` },
      ]
    })
    const facts = JSON.stringify(parse(packument('foo', versions)).facts)
    expect(facts.length / 4000).toBeLessThan(120)
    expect(findVersion(JSON.parse(facts) as PackageFacts, '1.3999.0')?.promise).toBe(sri('1.3999.0'))
  })
})

describe('a document with more to remember than any package has', () => {
  const far = 'x'.repeat(1900)
  const digests = Array.from({ length: 40 }, (_, i) => sri(`${i}`)).join(' ')

  test.each<[string, (version: string) => object]>([
    ['tarballs far away', (version) => ({ tarball: `https://cdn.example.test/${far}/${version}.bin` })],
    [
      'a host for each version',
      (version) => ({ tarball: `https://h${version}.example.test/${far.slice(0, 1000)}/foo/-/foo-${version}.tgz` }),
    ],
    ['many digests', () => ({ integrity: digests })],
  ])('is none: %s', (_, distOf) => {
    const versions = (count: number) =>
      Array.from({ length: count }, (_, i): [string, unknown] => [`1.${i}.0`, distOf(`1.${i}.0`)])
    expect(parse(packument('foo', versions(2_000))).facts.name).toBe('foo')
    expect(() => parse(packument('foo', versions(20_000)))).toThrow(/its versions say more/)
  })
})

describe('a document', () => {
  test('may be abbreviated', () => {
    const bytes = json({
      'dist-tags': { latest: '1.0.0' },
      modified: 'x',
      name: 'foo',
      versions: { '1.0.0': { dist: { tarball: 'x' } } },
    })
    expect(parse(bytes).spans).toHaveLength(1)
  })

  test('may be that of a package that was unpublished', () => {
    const bytes = json({ _id: 'foo', name: 'foo', time: { created: 'x', unpublished: { time: 'x', versions: ['1.0.0'] } } })
    expect(parse(bytes)).toEqual({ spans: [], facts: { name: 'foo', bases: [], dists: '\n' } })
  })

  test('has only the last of its repeated members', () => {
    const versions = (version: string) => `"versions":{"${version}":{"dist":{"tarball":"${version}"}}}`
    const bytes = Buffer.from(`{"name":"bar",${versions('1.0.0')},"name":"foo",${versions('2.0.0')}}`)
    expect(parse(bytes).spans.map(([, , path]) => path)).toEqual(['foo/-/foo-2.0.0.tgz'])
    expect(findVersion(factsOf(bytes), '1.0.0')).toBeUndefined()
    expect(() => parse(Buffer.from(`{"name":"foo",${versions('1.0.0')},"versions":null}`))).toThrow(/«versions»/)
  })

  const good = JSON.stringify({ name: 'foo', versions: { '1.0.0': { dist: { tarball: 'x' } } } })
  test.each([
    [''],
    ['{}'],
    ['null'],
    ['[]'],
    ['"foo"'],
    ['0'],
    ['<!DOCTYPE html><title>Log in</title>'],
    ['{"error":"not_found"}'],
    ['{"name":"foo"}'],
    ['{"name":"foo","versions":[]}'],
    ['{"name":"foo","versions":null}'],
    ['{"name":"foo","versions":"1.0.0"}'],
    ['{"name":"foo","time":{"unpublished":null}}'],
    ['{"name":"foo","versions":null,"time":{"unpublished":{}}}'],
    ['{"versions":{}}'],
    ['{"name":1,"versions":{}}'],
    ['{"name":"../admin","versions":{}}'],
    ['{"name":"foo\\n","versions":{}}'],
    ['{"name":"@s","versions":{}}'],
    [`\ufeff${good}`],
    [`${good}x`],
    [`[${good}]`],
    [good.slice(0, -1)],
  ])('%j is none', (text) => {
    expect(() => parse(Buffer.from(text))).toThrow(Error)
  })

  test('cut at any byte is none', () => {
    for (let length = 0; length < good.length; length++) expect(() => parse(Buffer.from(good.slice(0, length)))).toThrow(Error)
    expect(parse(Buffer.from(good)).spans).toHaveLength(1)
  })

  test('that is not UTF-8 is none', () => {
    expect(() => parse(Buffer.from('{"name":"foo","versions":{},"description":"\xe9"}', 'latin1'))).toThrow('not UTF-8')
  })

  test('is parsed by what the parser says that its module exports', async () => {
    for (const parser of Object.values(packumentParsers)) {
      const module = (await import(parser.module)) as Record<string, unknown>
      expect(module[parser.exportName]).toBe(parser.parse)
    }
  })
})
