import { describe, expect, test } from 'vitest'
import { mergeMetadata, withhold } from '../../../protocols/maven/merge.ts'
import { metadataParser, parse, readMetadata, timeOf, writeMetadata } from '../../../protocols/maven/metadata.ts'
import { buildsOf, versionsOf } from '../../harness/scripted-maven.ts'

const bytes = (text: string) => Buffer.from(text)

describe('metadata', () => {
  test('are read whatever stands around and between', () => {
    const text = `\uFEFF<?xml version="1.0"?><!-- by hand --><!DOCTYPE metadata>
<m:metadata xmlns:m="urn:x" modelVersion="1.1.0">
  <groupId> org.x </groupId><artifactId><![CDATA[lib]]></artifactId><unknown><version>9</version></unknown>
  <versioning><latest/><release>1.0&amp;1</release>
    <versions><version>1.0</version><!-- none --><version>1.0&amp;1</version><version/></versions>
    <lastUpdated>20240102030405</lastUpdated>
  </versioning>
</m:metadata>
<!-- end -->`
    expect(readMetadata(bytes(text))).toMatchObject({
      modelVersion: '1.1.0',
      groupId: 'org.x',
      artifactId: 'lib',
      latest: undefined,
      release: '1.0&1',
      versions: ['1.0', '1.0&1'],
    })
    expect(parse(bytes(text))).toEqual({
      spans: [],
      facts: { builds: [], lastUpdated: '20240102030405', versions: ['1.0', '1.0&1'] },
    })
  })

  test.for([
    '',
    '{}',
    '<metadata>',
    '<metadata',
    '<html><body><metadata/></body></html>',
    '<metadata><versioning>',
    '<metadata><a></b></metadata>',
    '<project></project>',
    `${'<metadata>'.repeat(50_000)}</metadata>`,
    `${'<metadata>'.repeat(50_000)}${'</metadata>'.repeat(50_000)}`,
  ])('are not %j', (text) => {
    expect(() => parse(bytes(text))).toThrow()
  })

  test('may name things as objects name what all of them have', () => {
    const text = '<metadata __proto__="x"><versioning><versions><version>__proto__</version></versions></versioning></metadata>'
    expect(readMetadata(bytes(text)).versions).toEqual(['__proto__'])
    expect(readMetadata(bytes('<metadata><__proto__>1</__proto__></metadata>')).versions).toEqual([])
  })

  test('are written so that they read the same, whatever is in them', () => {
    const builds = readMetadata(bytes(buildsOf('g', 'a', '1-SNAPSHOT', '20240101.010101', 3)))
    expect(readMetadata(writeMetadata(builds))).toEqual(builds)
    const plain = readMetadata(bytes(versionsOf('g', 'a', ['1'])))
    const odd = { ...plain, versions: ['<1>&"', ']]>', '\u{1F600}'], modelVersion: '"<' }
    expect(readMetadata(writeMetadata(odd))).toEqual(odd)
    expect(writeMetadata({ ...odd, groupId: 'a\0b\uFFFE' }).toString()).toContain('<groupId>ab</groupId>')
  })

  test('tell when they were updated', () => {
    expect(timeOf('20240102030405')).toBe(Date.UTC(2024, 0, 2, 3, 4, 5))
    expect(timeOf('20240102.030405')).toBe(Date.UTC(2024, 0, 2, 3, 4, 5))
    for (const odd of [undefined, '', '0', 'null', '20249902030405', '2024010203040']) expect(timeOf(odd)).toBeUndefined()
  })

  test('have a parser that is found by its module and export', async () => {
    expect(((await import(metadataParser.module)) as Record<string, unknown>)[metadataParser.exportName]).toBe(parse)
  })
})

describe('merged metadata', () => {
  test('of one repository are its own bytes', () => {
    const only = bytes(versionsOf('g', 'a', ['1']))
    expect(mergeMetadata([only])).toBe(only)
  })

  test('have the versions of all and the newest of the one that was updated last', () => {
    const old = versionsOf('g', 'a', ['1', '2', '9'], '20240101000000')
    const now = versionsOf('g', 'a', ['2', '3'], '20240202000000')
    const expected = { versions: ['1', '2', '9', '3'], latest: '3', release: '3', lastUpdated: '20240202000000' }
    expect(readMetadata(mergeMetadata([bytes(old), bytes(now)]))).toMatchObject(expected)
    expect(readMetadata(mergeMetadata([bytes(now), bytes(old)]))).toMatchObject({ ...expected, versions: ['2', '3', '1', '9'] })
  })

  test('say what the first one does where both are as recent, or do not tell', () => {
    const [one, two] = [versionsOf('g', 'a', ['1']), versionsOf('g', 'a', ['2'])]
    expect(readMetadata(mergeMetadata([bytes(one), bytes(two)]))).toMatchObject({ latest: '1', versions: ['1', '2'] })
    const silent = one.replace(/<lastUpdated>.*<\/lastUpdated>/, '')
    expect(readMetadata(mergeMetadata([bytes(silent), bytes(two)])).latest).toBe('2')
  })

  test('have each plug-in once, as the first one that has its prefix says', () => {
    const plugins = (...list: [string, string][]) =>
      bytes(
        `<metadata><plugins>${list.map(([prefix, id]) => `<plugin><prefix>${prefix}</prefix><artifactId>${id}</artifactId></plugin>`).join('')}</plugins></metadata>`,
      )
    const merged = mergeMetadata([plugins(['a', 'a-one'], ['b', 'b-one']), plugins(['b', 'b-two'], ['c', 'c-two'])])
    expect(readMetadata(merged).plugins.map(({ prefix, artifactId }) => [prefix, artifactId])).toEqual([
      ['a', 'a-one'],
      ['b', 'b-one'],
      ['c', 'c-two'],
    ])
  })

  test('have of each file of a snapshot the newest build', () => {
    const one = bytes(buildsOf('g', 'a', '1-SNAPSHOT', '20240303.030303', 3))
    const two = bytes(buildsOf('g', 'a', '1-SNAPSHOT', '20240101.010101', 9).replace('>pom<', '>module<'))
    const merged = readMetadata(mergeMetadata([two, one]))
    expect(merged).toMatchObject({ version: '1-SNAPSHOT', snapshot: { timestamp: '20240303.030303', buildNumber: '3' } })
    expect(merged.snapshotVersions.map(({ extension, value }) => [extension, value])).toEqual([
      ['jar', '1-20240303.030303-3'],
      ['module', '1-20240101.010101-9'],
      ['pom', '1-20240303.030303-3'],
    ])
  })

  test('cannot be made of anything else', () => {
    expect(() => mergeMetadata([])).toThrow()
    expect(() => mergeMetadata([bytes(versionsOf('g', 'a', ['1'])), bytes('<html/>')])).toThrow(/root/)
  })
})

describe('withheld versions', () => {
  const document = bytes(versionsOf('g', 'a', ['1', '2', '3-SNAPSHOT', '3'], '20240101000000'))

  test('are gone from the list, and another one is the newest', () => {
    const asked: [string, number | undefined][] = []
    const left = withhold(document, (version, published) => {
      asked.push([version, published])
      return version !== '3'
    })
    expect(readMetadata(left)).toMatchObject({ versions: ['1', '2', '3-SNAPSHOT'], latest: '3-SNAPSHOT', release: '2' })
    expect(asked).toEqual([
      ['1', undefined],
      ['2', undefined],
      ['3-SNAPSHOT', undefined],
      ['3', Date.UTC(2024, 0, 1)],
    ])
  })

  test('may be all, or none', () => {
    expect(withhold(document, () => true)).toBe(document)
    expect(readMetadata(withhold(document, () => false))).toMatchObject({ versions: [], latest: undefined, release: undefined })
  })

  test('are not looked for in what lists none', () => {
    const plugins = bytes('<metadata><plugins><plugin><prefix>a</prefix></plugin></plugins></metadata>')
    for (const other of [plugins, bytes('0a1b2c'), bytes('')]) expect(withhold(other, () => false)).toBe(other)
  })
})
