import { describe, expect, test } from 'vitest'
import { offersOf } from '../../../protocols/pypi/offers.ts'
import { fileOf, jsonPage, planned } from './fixtures.ts'

const without =
  (...versions: string[]) =>
  (version: string) =>
    !versions.includes(version)

function left(page: Buffer): { files: string[]; versions: string[] } {
  const { files, versions } = JSON.parse(page.toString()) as { files: { filename: string }[]; versions: string[] }
  return { files: files.map(({ filename }) => filename), versions }
}

const FILES = ['foo-1.0.tar.gz', 'foo-1.0-py3-none-any.whl', 'Foo-2.0_rc1.zip', 'foo-latest.zip']

describe('a page of JSON', () => {
  const page = jsonPage(
    'foo',
    FILES.map((file) => fileOf(file)),
    { versions: ['1.0', '2.0rc1', '3.0'], more: { kept: 1 } },
  )

  test('is left as it is where nothing is withheld', () => {
    expect(offersOf('foo').withhold(page, () => true)).toBe(page)
  })

  test('loses all files of a version, and the version', () => {
    const made = offersOf('foo').withhold(page, without('1.0', '3.0'))
    expect(left(made)).toEqual({ files: ['Foo-2.0_rc1.zip', 'foo-latest.zip'], versions: ['2.0rc1'] })
    expect(JSON.parse(made.toString())).toMatchObject({ meta: { 'api-version': '1.1' }, name: 'foo', more: { kept: 1 } })
    expect(left(offersOf('foo').withhold(page, without('latest'))).files).toEqual(FILES.slice(0, 3))
  })

  test('that loses everything lists no version either', () => {
    expect(left(offersOf('foo').withhold(page, (version) => version === '3.0'))).toEqual({ files: [], versions: [] })
  })

  test('tells when each file was uploaded', () => {
    const dated = jsonPage('foo', [
      fileOf('foo-1.0.zip', { 'upload-time': '2020-01-01T00:00:00Z' }),
      fileOf('foo-2.0.zip', { 'upload-time': 'yesterday' }),
      fileOf('foo-3.0.zip'),
    ])
    const asked: unknown[] = []
    offersOf('foo').withhold(dated, (...about) => asked.push(about) > 0)
    expect(asked).toEqual([
      ['1.0', Date.UTC(2020)],
      ['2.0', undefined],
      ['3.0', undefined],
    ])
  })
})

test('a page of HTML loses the links, and nothing else', () => {
  const link = (file: string) => `<a href="http://h/pypi/files/foo/-/${file}">${file}</a>`
  const html = Buffer.from(`<h1>é</h1>${FILES.map((file) => `${link(file)}<br/>`).join('\n')}<a href="/about">about</a>`)
  const offers = offersOf('foo')
  expect(offers.withhold(html, () => true)).toBe(html)
  const expected = html.toString().replace(link('foo-1.0.tar.gz'), '').replace(link('foo-1.0-py3-none-any.whl'), '')
  expect(offers.withhold(html, without('1.0')).toString()).toBe(expected)
})

test('a page of HTML loses links to files that can only be errors, too', () => {
  const odd = '<a href="x/foo-1.0.zip/">1</a><a href="th%20ing-2.0.zip">2</a><a href="x#egg=foo-3">3</a>'
  expect(
    offersOf('foo')
      .withhold(Buffer.from(odd), () => false)
      .toString(),
  ).toBe('')
  expect(offersOf('foo').withhold(Buffer.from(odd), without('', 'x')).toString()).toBe('<a href="x/foo-1.0.zip/">1</a>')
})

test('pages are offers, and each of its own project', () => {
  expect(planned('simple/foo/').offers?.id).not.toBe(planned('simple/bar/').offers?.id)
})
