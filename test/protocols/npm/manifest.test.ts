import { describe, expect, test } from 'vitest'
import { findVersion } from '../../../protocols/npm/facts.ts'
import { manifestParsers, parse, parsePreserved } from '../../../protocols/npm/manifest.ts'
import { parse as parseSignatures, signaturesParser } from '../../../protocols/npm/signatures.ts'
import { own, rendered } from './fixtures.ts'

const SHASUM = 'a'.repeat(40)
const json = (value: unknown) => Buffer.from(JSON.stringify(value))

describe('the manifest of a version', () => {
  test('has one tarball URL, which leads to the mirror', () => {
    const dist = { shasum: SHASUM, tarball: 'https://registry.example.test/@s/p/-/p-1.0.0.tgz' }
    const bytes = json({ versions: { '9.9.9': { dist } }, dist, version: '1.0.0', name: '@s/p' })
    const document = parse(bytes)
    expect(document.spans).toHaveLength(1)
    expect(own(rendered(bytes, document, 'http://localhost/npm/'), 'dist', 'tarball')).toBe(
      'http://localhost/npm/@s/p/-/p-1.0.0.tgz',
    )
    expect(findVersion(document.facts, '1.0.0')).toMatchObject({ base: 'https://registry.example.test/' })
    expect(findVersion(document.facts, '9.9.9')).toBeUndefined()
  })

  test('is left alone for a mirror that preserves tarball URLs', () => {
    const bytes = json({ dist: { shasum: SHASUM, tarball: 'https://cdn.example.test/p.tgz' }, version: '1.0.0', name: 'p' })
    expect(parsePreserved(bytes)).toEqual({ spans: [], facts: parse(bytes).facts })
    expect(parse(bytes).spans).toHaveLength(1)
  })

  test('may have no tarball at all', () => {
    expect(parse(json({ name: 'foo', version: '1.0.0' })).spans).toEqual([])
  })

  test.each([
    ['{}'],
    ['null'],
    ['[]'],
    ['"not found"'],
    ['<html>'],
    ['{"name":"foo","versions":{}}'],
    ['{"name":"foo","version":1}'],
    ['{"name":"foo","version":"../.."}'],
    ['{"name":"","version":"1.0.0"}'],
    ['{"version":"1.0.0"}'],
    ['{"name":"foo","version":"1.0.0"'],
  ])('is not %j', (text) => {
    expect(() => parse(Buffer.from(text))).toThrow(Error)
  })
})

describe('keys and attestations', () => {
  test('are objects with a list of them', () => {
    expect(parseSignatures(json({ keys: [] }))).toEqual({ spans: [], facts: null })
    expect(parseSignatures(json({ attestations: [{}] }))).toEqual({ spans: [], facts: null })
  })

  test.each([['{}'], ['{"keys":{}}'], ['[]'], ['<html>'], ['{"keys":[]']])('are not %j', (text) => {
    expect(() => parseSignatures(Buffer.from(text))).toThrow(Error)
  })
})

test.each([...Object.values(manifestParsers), signaturesParser])('$id is what its module exports', async (parser) => {
  const module = (await import(parser.module)) as Record<string, unknown>
  expect(module[parser.exportName]).toBe(parser.parse)
})
