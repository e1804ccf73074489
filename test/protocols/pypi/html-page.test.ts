import { describe, expect, test } from 'vitest'
import { findFiles } from '../../../protocols/pypi/facts.ts'
import { readModel } from '../../../protocols/pypi/model.ts'
import { parse } from '../../../protocols/pypi/page.ts'
import { HERE, OTHER, SHA, spliced } from './fixtures.ts'

const MD5 = '0'.repeat(32)

function read(html: string, project = 'foo') {
  const bytes = Buffer.from(html)
  const document = parse(bytes)
  return {
    facts: JSON.parse(JSON.stringify(document.facts)),
    page: spliced(bytes, document, project).toString(),
    spans: document.spans,
  }
}

const named = (body: string) => `<!DOCTYPE html><title>Links for foo</title>${body}`

describe('a page of HTML', () => {
  test('leads to the mirror with the links to its files, byte for byte the same otherwise', () => {
    const odd = [
      '<!DOCTYPE html>\r\n<HTML><head><BASE HREF="https://cdn.example.test/whl/"><meta name="pypi:repository-version" content="1.0">',
      '<title>Links for Foo.Bar</title><script>"<a href=evil-1.0.zip>"</script><style><a href="no-1.0.zip"></style></head>',
      '<body>é 😀 <!-- <a href="no-1.0.zip">x</a> -->\r\n',
      `<A data-x='1' HREF = 'Foo.Bar-1.0.tar.gz#md5=${MD5}' data-yanked>Foo.Bar-1.0.tar.gz</A>\n`,
      `<a href=../x/foo_bar-2.0-py3-none-any.whl#sha256=${SHA} data-core-metadata=sha256=${OTHER}>foo_bar-2.0-py3-none-any.whl</a>`,
      '<a\nhref="https://far.example.test/foo_bar-3.0%2Bcu-py3-none-any.whl?a=1&amp;b=2"\n>three</a>',
      '<a href="/other/">elsewhere</a> <a name="x">none</a></body>',
    ].join('')
    const { page, facts } = read(odd, 'foo-bar')
    const expected = odd
      .replace('Foo.Bar-1.0.tar.gz#', `${HERE}files/foo-bar/md5-${MD5}/Foo.Bar-1.0.tar.gz#`)
      .replace('../x/foo_bar-2.0-py3-none-any.whl', `${HERE}files/foo-bar/${SHA}/foo_bar-2.0-py3-none-any.whl`)
      .replace(` data-core-metadata=`, ` data-dist-info-metadata=sha256=${OTHER} data-core-metadata=`)
      .replace(
        'https://far.example.test/foo_bar-3.0%2Bcu-py3-none-any.whl?a=1&amp;b=2',
        `${HERE}files/foo-bar/-/foo_bar-3.0+cu-py3-none-any.whl`,
      )
    expect(page).toBe(expected)
    expect([facts.name, facts.base]).toEqual(['foo-bar', 'https://cdn.example.test/whl/'])
    expect(findFiles(facts, 'Foo.Bar-1.0.tar.gz')).toEqual([
      { file: 'Foo.Bar-1.0.tar.gz', digest: { algorithm: 'md5', hex: MD5 }, url: 'Foo.Bar-1.0.tar.gz' },
    ])
    expect(findFiles(facts, 'foo_bar-3.0+cu-py3-none-any.whl')[0]?.url).toBe(
      'https://far.example.test/foo_bar-3.0%2Bcu-py3-none-any.whl?a=1&b=2',
    )
  })

  test('is the same model as JSON of the same files', () => {
    const page = named(
      `<a href="foo-1.0.zip#sha256=${SHA}" data-requires-python="&gt;=3.8" data-yanked="a &amp; b" data-gpg-sig="true" data-provenance="https://p.example.test/">foo-1.0.zip</a>
       <A HREF=foo-2.0.zip#md5=${MD5.toUpperCase()} DATA-YANKED DATA-DIST-INFO-METADATA=true>foo-2.0.zip</A>
       <a href="foo-3.0.zip" data-core-metadata="false">foo-3.0.zip`,
    )
    expect(readModel(Buffer.from(page))).toEqual([
      {
        filename: 'foo-1.0.zip',
        url: 'foo-1.0.zip',
        hashes: { sha256: SHA },
        'requires-python': '>=3.8',
        'gpg-sig': true,
        yanked: 'a & b',
        provenance: 'https://p.example.test/',
      },
      { filename: 'foo-2.0.zip', url: 'foo-2.0.zip', hashes: { md5: MD5 }, 'core-metadata': true, yanked: true },
      { filename: 'foo-3.0.zip', url: 'foo-3.0.zip', hashes: {}, yanked: false },
    ])
  })

  test.each([
    ['its title', named('<a href="other-1.0.zip">other-1.0.zip</a>'), 'foo'],
    ['its heading', '<title>Index</title><h1>Links for Foo</h1><a href="other-1.0.zip">other-1.0.zip</a>', 'foo'],
    ['neither, whatever its files are called,', '<title>Index</title><a href="b-1.zip">b-1.zip</a>', undefined],
  ])('is whose %s says', (_what, page, name) => {
    expect(read(page).facts.name).toBe(name)
  })

  test('has its files below the project that it was asked for as, whatever they are called', () => {
    const { page } = read('<a href="vendor_tool-1.0.tar.gz">vendor_tool-1.0.tar.gz</a>', 'corp-lib')
    expect(page).toContain(`"${HERE}files/corp-lib/-/vendor_tool-1.0.tar.gz"`)
  })

  test.each([
    ['a slash behind it', 'foo-1.0.zip/', 'foo-1.0.zip'],
    ['more of them, and a query', 'https://e.example.test/x/foo-1.0.zip//?a=/b.zip', 'foo-1.0.zip'],
    ['white space that no URL has', ' https://e.example.test/foo-1.0.z\n\tip ', 'foo-1.0.zip'],
    ['a backslash', 'https://e.example.test\\x\\foo-1.0.zip', 'foo-1.0.zip'],
    ['a space', 'th%20ing-2.0.tar.gz', 'th%20ing-2.0.tar.gz'],
    ['what is no UTF-8', 'foo%ff-1.0.zip', 'foo%25ff-1.0.zip'],
    ['an apostrophe', 'foo&#39; onclick=&#39;x-1.0.zip', 'foo%27%20onclick%3D%27x-1.0.zip'],
    ['a slash in its name', 'a%2Ffoo-1.0.zip', 'a%2Ffoo-1.0.zip'],
    ['the name in its fragment', 'https://e.example.test/download#egg=foo-1.0', 'download'],
    ['no name but that in its fragment', '#x=1&amp;egg=foo-1.0', ''],
  ])('leads to the mirror from a link with %s', (_what, href, place) => {
    expect(read(named(`<a href='${href}'>x</a>`)).page).toBe(named(`<a href='${HERE}files/foo/-/${place}'>x</a>`))
  })

  test('has no tag that is larger than any index writes', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => i.toString(36)).join(' ')
    const link = (more: string) => named(`<a href="foo-1.0.zip" ${more}>foo-1.0.zip</a>`)
    expect(read(link(many(10_000))).spans).toHaveLength(1)
    expect(() => read(link(many(30_000)))).toThrow(/a tag of more than 65536 bytes/)
    expect(() => read(named(`</p ${many(30_000)}>`))).toThrow(/a tag of more/)
  })

  test.each([
    ['without a file, by its title', '<html><title>Links for foo</title></html>'],
    ['without a file, by its version', '<meta name="pypi:repository-version" content="1.1">'],
    ['without a file, by a heading', '<body><h1>Links for foo</h1></body>'],
  ])('may be one %s', (_what, page) => {
    expect(read(page).spans).toEqual([])
  })

  test.each([
    ['nothing', ''],
    ['a login page', '<html><title>Sign in</title><a href="/login">log in</a></html>'],
    ['a page with a download', '<title>Welcome</title><a href="/client-1.0.exe">Get our client</a>'],
    ['text', 'not found'],
    ['a list', '[]'],
    ['binary', '\u0000\u0001'],
  ])('is refused when it is %s', (_what, page) => {
    expect(() => parse(Buffer.from(page))).toThrow()
  })

  test('may nest and repeat what it likes', () => {
    const deep = named(`${'<div>'.repeat(200_000)}<a href="foo-1.0.zip">foo-1.0.zip</a>`)
    expect(read(deep).spans).toHaveLength(1)
    const open = named('<a href="foo-1.0.zip">'.repeat(1000))
    expect(read(open).spans).toHaveLength(1000)
    expect(() => read(named('<a href=a>'.repeat(100_001)))).toThrow(/links/)
  })

  test('keeps the digest that a client can check, and no other fragment', () => {
    const { page } = read(
      named(
        `<a href="foo-1.0.zip#blake2b=${SHA}">1</a><a href="foo-2.0.zip#egg=foo&amp;x=<script>">2</a><a href='foo-3.0.zip#a="b'>3</a>`,
      ),
    )
    expect(page).toContain(`files/foo/-/foo-1.0.zip#blake2b=${SHA}"`)
    expect(page).toContain('files/foo/-/foo-2.0.zip"')
    expect(page).toContain("files/foo/-/foo-3.0.zip'")
  })
})
