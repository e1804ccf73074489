import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { findTime, type PackageFacts } from '../../../protocols/npm/facts.ts'
import { offers } from '../../../protocols/npm/offers.ts'
import { parse } from '../../../protocols/npm/packument.ts'
import { planFor } from './fixtures.ts'

const SEED = 20_261_104
const at = (day: number) => new Date(Date.UTC(2026, 0, day)).toISOString()

interface Document {
  readonly versions: Readonly<Record<string, object>>
  readonly time?: object
  readonly 'dist-tags'?: unknown
}

function packument(versions: readonly string[], more: object = {}): Buffer {
  const manifests = versions.map((version) => [
    version,
    { name: 'foo', version, dist: { tarball: `http://r.example.test/foo/-/foo-${version}.tgz` } },
  ])
  return Buffer.from(JSON.stringify({ name: 'foo', versions: Object.fromEntries(manifests), ...more }))
}

function left(bytes: Buffer, ...refused: string[]): Document {
  return JSON.parse(String(offers.withhold(bytes, (version) => !refused.includes(version)))) as Document
}

describe('a packument', () => {
  it('of which nothing is refused is the same bytes', () => {
    const bytes = packument(['1.0.0', '2.0.0'])
    expect(offers.withhold(bytes, () => true)).toBe(bytes)
  })

  it('loses what is refused, its date and the tags that lead to it', () => {
    const time = { created: at(1), '1.0.0': at(1), '2.0.0': at(2) }
    const bytes = packument(['1.0.0', '2.0.0'], {
      time,
      'dist-tags': { latest: '1.0.0', next: '2.0.0', old: '1.0.0' },
      readme: 'x',
    })
    expect(left(bytes, '2.0.0')).toEqual({
      name: 'foo',
      versions: { '1.0.0': expect.objectContaining({ version: '1.0.0' }) },
      time: { created: at(1), '1.0.0': at(1) },
      'dist-tags': { latest: '1.0.0', old: '1.0.0' },
      readme: 'x',
    })
  })

  it('is asked about each version, with its date where it has one', () => {
    const asked: unknown[] = []
    const bytes = packument(['1.0.0', '2.0.0', '3.0.0'], { time: { '1.0.0': at(5), '2.0.0': 'yesterday' } })
    offers.withhold(bytes, (version, published) => asked.push([version, published]) > 0)
    expect(asked).toEqual([
      ['1.0.0', Date.UTC(2026, 0, 5)],
      ['2.0.0', undefined],
      ['3.0.0', undefined],
    ])
  })

  it.each([
    ['the highest release before it', ['1.0.0', '1.10.0', '1.9.0', '2.0.0-rc.1', '3.0.0', '2.0.0'], '2.0.0', '1.10.0'],
    ['a release behind it, if there is none before', ['2.0.0', '3.0.0', '2.0.0-rc.1'], '2.0.0', '3.0.0'],
    ['a pre-release, if there are no others', ['2.0.0', '2.0.0-rc.2', '2.0.0-rc.1'], '2.0.0', '2.0.0-rc.2'],
  ])('has as latest %s', (_, versions, refused, wanted) => {
    const bytes = packument(versions, { 'dist-tags': { latest: refused } })
    expect(left(bytes, refused)['dist-tags']).toEqual({ latest: wanted })
  })

  it('has as latest none that is warned of, unless all are', () => {
    const versions = { '1.0.0': {}, '1.1.0': { deprecated: 'broken' }, '1.2.0': {} }
    const bytes = Buffer.from(JSON.stringify({ name: 'foo', versions, 'dist-tags': { latest: '1.2.0' } }))
    expect(left(bytes, '1.2.0')['dist-tags']).toEqual({ latest: '1.0.0' })
    expect(left(bytes, '1.2.0', '1.0.0')['dist-tags']).toEqual({ latest: '1.1.0' })
    expect(left(bytes, '1.2.0', '1.1.0', '1.0.0')['dist-tags']).toEqual({})
  })

  it('may have names that trip naive code', () => {
    const bytes = Buffer.from(
      '{"name":"foo","versions":{"__proto__":{},"constructor":{},"1.0.0":{}},"time":[],"dist-tags":"none"}',
    )
    const document = left(bytes, '__proto__', 'constructor')
    expect([Object.keys(document.versions), document.time, document['dist-tags']]).toEqual([['1.0.0'], [], 'none'])
  })

  it('has none of the refused versions, however its names are written', () => {
    const bytes = Buffer.from('{"name":"foo","versions":{"1.0.0":{"a":1},"1.0\\u002e0":{"b":1},"2.0.0":{}}}')
    expect(Object.keys(left(bytes, '1.0.0').versions)).toEqual(['2.0.0'])
  })

  it('never has more than it had, and nothing that is refused', () => {
    const version = fc.tuple(fc.nat(4), fc.nat(4), fc.constantFrom('', '-a')).map(([a, b, tail]) => `${a}.${b}.0${tail}`)
    const versions = fc.uniqueArray(version, { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(versions, fc.func(fc.boolean()), fc.nat(11), (all, allows, tagged) => {
        const bytes = packument(all, { 'dist-tags': { latest: all[tagged % all.length] } })
        const document = JSON.parse(String(offers.withhold(bytes, (one) => allows(one)))) as Document
        const kept = all.filter((one) => allows(one))
        expect(Object.keys(document.versions)).toEqual(kept)
        const { latest } = document['dist-tags'] as { latest?: string }
        if (kept.length > 0) expect(kept).toContain(latest)
        else expect(latest).toBeUndefined()
      }),
      { seed: SEED, numRuns: 500 },
    )
  })
})

test('of a manifest that a tag led to, nothing is left if it is refused', () => {
  const bytes = Buffer.from('{"name":"foo","version":"1.0.0","dist":{}}')
  expect(offers.withhold(bytes, () => true)).toBe(bytes)
  expect(String(offers.withhold(bytes, () => false))).toBe('{}')
})

describe('the dates of versions', () => {
  const factsOf = (bytes: Buffer) => JSON.parse(JSON.stringify(parse(bytes).facts)) as PackageFacts

  it('are known to the second, of versions only', () => {
    const facts = factsOf(
      packument(['1.0.0', '1.0.0-rc.1', '3.0.0'], {
        time: { created: at(1), '1.0.0': '2026-01-05T10:00:00.999Z', '2.0.0': at(2), '3.0.0': 7 },
      }),
    )
    const versions = ['1.0.0', '1.0.0-rc.1', '2.0.0', '3.0.0', 'created', '.0.0']
    expect(versions.map((version) => findTime(facts, version))).toEqual([
      Date.UTC(2026, 0, 5, 10),
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('are not there in a document without them', () => {
    expect(factsOf(packument(['1.0.0'])).times).toBeUndefined()
    expect(findTime(factsOf(packument(['1.0.0'])), '1.0.0')).toBeUndefined()
  })
})

describe('a request is about', () => {
  const subject = { type: 'npm', namespace: '@s', name: 'p' }

  it.each([
    ['@s%2fp', subject],
    ['@s%2fp/latest', subject],
    ['@s%2fp/1.0.0', { ...subject, version: '1.0.0' }],
    ['@s%2fp/-/p-1.0.0-rc.1.tgz', { ...subject, version: '1.0.0-rc.1' }],
    // What follows no convention is no version, and so let through by no range of them.
    ['@s%2fp/-/release_p.tgz', { ...subject, version: 'release_p.tgz' }],
    ['p', { type: 'npm', name: 'p' }],
    ['-/npm/v1/attestations/@s%2fp@1.0.0', { ...subject, version: '1.0.0' }],
    ['-/npm/v1/keys', undefined],
  ])('%s', (path, wanted) => {
    expect(planFor(path).subject).toEqual(wanted)
  })

  it('a version whose date the full packument tells, held or fetched', async () => {
    const facts = parse(packument(['1.0.0'], { time: { '1.0.0': at(5) } })).facts
    const foo = { ...facts, name: '@s/p' }
    const { signal } = new AbortController()
    const keys: string[] = []
    const lookup = (held: unknown) => ({
      cached: async ({ key }: { key: string }) => {
        keys.push(key)
        return held
      },
      fetch: async () => foo,
      held: async () => [],
    })
    for (const path of ['@s%2fp/-/p-1.0.0.tgz', '@s%2fp/1.0.0']) {
      const { published } = planFor(path)
      expect(await published?.(lookup(foo), signal)).toBe(Date.UTC(2026, 0, 5))
      expect(await published?.(lookup(undefined), signal)).toBe(Date.UTC(2026, 0, 5))
    }
    expect(new Set(keys)).toEqual(new Set([planFor('@s%2fp').key]))
    expect(planFor('@s%2fp', { accept: 'application/vnd.npm.install-v1+json' }).dated?.key).toBe(planFor('@s%2fp').key)
  })
})
