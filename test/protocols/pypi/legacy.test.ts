import { describe, expect, test } from 'vitest'
import { legacyOffers, parseLegacy } from '../../../protocols/pypi/legacy.ts'
import { planFor } from './fixtures.ts'

const uploaded = (day: string) => [{ upload_time_iso_8601: `${day}T00:00:00Z` }]
const DOCUMENT = Buffer.from(
  JSON.stringify({
    info: { name: 'Foo', version: '2.0.0-rc1', summary: 'é' },
    releases: { '1.0': uploaded('2020-01-01'), '1.5': [], '2.0.0-rc1': uploaded('2020-02-01') },
    urls: [null, {}, ...uploaded('2020-03-01'), ...uploaded('2020-02-01')],
  }),
)

describe('a document of the older API', () => {
  test('is of one project, and of one version', () => {
    const { facts, spans } = parseLegacy(DOCUMENT)
    expect([facts, spans]).toEqual([{ name: 'foo', version: '2.0.0rc1' }, []])
    const paths = ['pypi/foo/json', 'pypi/foo/2.0.0rc1/json', 'pypi/foo/2rc1/json', 'pypi/foo/1.0/json', 'pypi/bar/json']
    expect(planFor('pypi/foo/1.0/json').isMeant?.({ name: 'foo', version: 'latest' })).toBe(false)
    expect(paths.map((path) => planFor(path).isMeant?.(facts))).toEqual([true, true, true, false, false])
  })

  test.each(['', '<html>', '{}', '[]', '{"info":{"name":"foo"}}', '{"info":{"name":"-","version":"1"}}', '{"info":[]}'])(
    'is not «%s»',
    (text) => {
      expect(() => parseLegacy(Buffer.from(text))).toThrow()
    },
  )

  test('lists what is let through, by version and age', () => {
    const asked: unknown[] = []
    const left = legacyOffers('foo').withhold(DOCUMENT, (...about) => asked.push(about) > 0 && about[0] !== '1.0')
    expect(Object.keys(JSON.parse(left.toString()).releases)).toEqual(['1.5', '2.0.0-rc1'])
    expect(asked).toContainEqual(['1.0', Date.UTC(2020)])
    expect(asked).toContainEqual(['1.5', undefined])
    expect(asked[0]).toEqual(['2.0.0rc1', Date.UTC(2020, 1)])
    expect(legacyOffers('foo').withhold(DOCUMENT, () => true)).toBe(DOCUMENT)
  })

  test('offers nothing where the version that it is about is not let through', () => {
    const asked: string[] = []
    legacyOffers('foo').withhold(DOCUMENT, (version) => asked.push(version) < 0)
    expect(asked).toEqual(['2.0.0rc1'])
  })
})
