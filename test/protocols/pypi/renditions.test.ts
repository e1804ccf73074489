import { describe, expect, test } from 'vitest'
import { readModel } from '../../../protocols/pypi/model.ts'
import { renditionOf } from '../../../protocols/pypi/renditions.ts'
import { fileOf, jsonPage, OTHER, planned, SHA } from './fixtures.ts'

const HTML = Buffer.from(`<title>Links for foo</title><a href="http://localhost/pypi/files/foo/-/foo-1.0.zip">foo-1.0.zip</a>`)

function render(form: 'json' | 'html' | 'versioned-html', page: Buffer): string {
  const rendition = renditionOf(form, 'foo')
  if (!rendition) throw new Error(`there is no form ${form}`)
  return rendition.render([page]).toString()
}

describe('a form', () => {
  test('that upstream has already goes out as it is', () => {
    const page = jsonPage('foo', [fileOf('foo-1.0.zip')])
    expect(render('json', page)).toBe(page.toString())
    expect(render('html', HTML)).toBe(HTML.toString())
    expect(planned('simple/foo/', 'application/vnd.pypi.simple.v1+json, text/html;q=0.1').rendition).toBeUndefined()
  })

  test('has a name of its own for each project and type', () => {
    const ids = ['foo', 'bar'].flatMap((project) =>
      (['json', 'html', 'versioned-html'] as const).map((form) => renditionOf(form, project)?.id),
    )
    expect(new Set(ids).size).toBe(6)
  })

  test.each(['json', 'html'] as const)('of nothing is an error: %s', (form) => {
    expect(() => renditionOf(form, 'foo')?.render([])).toThrow(/no page/)
    expect(() => render(form === 'json' ? 'html' : 'html', Buffer.from('{'))).toThrow()
  })
})

test('JSON, HTML made of it, and JSON made of that name the same files', () => {
  const files = [
    fileOf('foo-1.0.zip', { 'requires-python': '>=3, <"4"', yanked: "it's <b>bad</b> & worse", 'gpg-sig': true }),
    fileOf('foo-2.0-py3-none-any.whl', { 'core-metadata': { sha256: OTHER }, yanked: true, hashes: { sha256: SHA, md5: 'x' } }),
    fileOf('foo-3.0.zip', {
      hashes: {},
      provenance: 'https://p.example.test/?a=1&b=2',
      yanked: false,
      'dist-info-metadata': true,
    }),
  ]
  const page = jsonPage('foo', files)
  const html = render('html', page)
  const again = JSON.parse(render('json', Buffer.from(html)))
  expect(again.name).toBe('foo')
  const known = readModel(page).map((file) => ({ yanked: false, ...file }))
  // There is room for one digest in a link.
  const { md5: _, ...hashes } = known[1]?.hashes ?? {}
  expect(again.files).toEqual([known[0], { ...known[1], hashes }, known[2]])
})

test('nothing of a page gets out of its place in HTML', () => {
  const evil = '"><script>alert(1)</script>'
  const html = render(
    'html',
    jsonPage('foo', [{ filename: evil, url: evil, hashes: { [evil]: evil }, yanked: evil, 'requires-python': evil }]),
  )
  expect(html).not.toContain('<script')
  expect(html.match(/<a /g)).toHaveLength(1)
})
