import { describe, expect, it } from 'vitest'
import { serve } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { sha256 } from '../harness/scripted-pypi.ts'
import { JSON_TYPE, nodeBeforeIndex, PIP_ACCEPT, type PypiNode, pageOf } from '../harness/scripted-pypi-node.ts'
import { useTempFolders } from '../harness/temp.ts'

const HTML = 'text/html; charset=utf-8'
const VERSIONED = 'application/vnd.pypi.simple.v1+html'

useLeakCheck()
const temp = useTempFolders()

/** What a browser's parser would make of the links of a page, as `href text attributes`. */
function linksOf(page: string): string[] {
  return [...page.matchAll(/<a ([^>]*)>([^<]*)<\/a>/g)].map(([, attributes, text]) => `${text}: ${attributes}`)
}

async function typeOf(node: PypiNode, accept: string | undefined): Promise<[number, string | undefined]> {
  const { status, headers } = await exchange(`${node.simple}thing/`, accept === undefined ? {} : { headers: { accept } })
  return [status, headers['content-type']]
}

describe('a page goes out in the form that its client takes', () => {
  it.each<[string | undefined, string, string]>([
    [PIP_ACCEPT, JSON_TYPE, HTML],
    [JSON_TYPE, JSON_TYPE, JSON_TYPE],
    ['application/vnd.pypi.simple.latest+json', JSON_TYPE, JSON_TYPE],
    [`text/html;q=0.5, ${JSON_TYPE};q=0.4`, HTML, HTML],
    ['text/html', HTML, HTML],
    ['text/html,application/xhtml+xml,*/*;q=0.8', HTML, HTML],
    [VERSIONED, VERSIONED, VERSIONED],
    ['*/*', HTML, HTML],
    [undefined, HTML, HTML],
  ])('%s', async (accept, ofJson, ofHtml) => {
    const node = await nodeBeforeIndex(temp)
    node.index.publish({ name: 'thing', version: '1.0' })
    expect(await typeOf(node, accept)).toEqual([200, ofJson])
    const other = await nodeBeforeIndex(temp)
    other.index.form = 'html'
    other.index.publish({ name: 'thing', version: '1.0' })
    expect(await typeOf(other, accept)).toEqual([200, ofHtml])
  })

  it.each(['application/json', 'image/png', `${JSON_TYPE};q=0`, 'application/vnd.pypi.simple.v2+json'])(
    '%s is 406, which says what there is',
    async (accept) => {
      const node = await nodeBeforeIndex(temp)
      node.index.publish({ name: 'thing', version: '1.0' })
      const reply = await exchange(`${node.simple}thing/`, { headers: { accept } })
      expect([reply.status, reply.body.toString()]).toEqual([406, expect.stringContaining(JSON_TYPE)])
      expect(node.index.tally.total.requests).toBe(0)
    },
  )
})

describe('the forms say the same', () => {
  it('of JSON: HTML with escaped attributes, both names of metadata, and a yank without a reason', async () => {
    const node = await nodeBeforeIndex(temp)
    const { bytes } = node.index.publish(
      { name: 'thing', version: '1.0' },
      { 'requires-python': '>=3.8,<"4"', yanked: 'a & b' },
    )
    node.index.publish({ name: 'thing', version: '2.0' }, { yanked: true, 'core-metadata': true, hashes: {}, 'gpg-sig': false })
    const page = (await exchange(`${node.simple}thing/`)).body.toString()

    const [first, second] = linksOf(page)
    expect(first).toContain(`/pypi/files/thing/${sha256(bytes)}/thing-1.0-py3-none-any.whl#sha256=${sha256(bytes)}"`)
    expect(first).toContain('data-requires-python="&#62;=3.8,&#60;&#34;4&#34;"')
    expect(first).toContain('data-yanked="a &#38; b"')
    expect(first).toMatch(/data-core-metadata="sha256=([0-9a-f]{64})" data-dist-info-metadata="sha256=\1"/)
    expect(second).toContain('/pypi/files/thing/-/thing-2.0-py3-none-any.whl"')
    expect(second).toContain('data-core-metadata="true" data-dist-info-metadata="true" data-gpg-sig="false" data-yanked=""')
  })

  it('of HTML: JSON, with files that can be fetched', async () => {
    const node = await nodeBeforeIndex(temp)
    node.index.form = 'html'
    const { bytes, metadata } = node.index.publish({ name: 'thing', version: '1.0' })
    const { files, reply } = await pageOf(node, 'thing', JSON_TYPE)

    expect(JSON.parse(reply.body.toString())).toMatchObject({ meta: { 'api-version': '1.0' }, name: 'thing' })
    expect(files).toEqual([
      {
        filename: 'thing-1.0-py3-none-any.whl',
        url: `${node.url}/pypi/files/thing/${sha256(bytes)}/thing-1.0-py3-none-any.whl`,
        hashes: { sha256: sha256(bytes) },
        'core-metadata': { sha256: sha256(metadata) },
        yanked: false,
      },
    ])
    expect((await exchange(files[0]?.url ?? '')).body.equals(bytes)).toBe(true)
  })
})

it('HTML that is no UTF-8 says so, and is UTF-8 in every form that is made of it', async () => {
  const node = await nodeBeforeIndex(temp)
  const { bytes, file } = node.index.publish({ name: 'thing', version: '1.0' })
  const link = `<a href="../../files/${file}#sha256=${sha256(bytes)}" data-yanked="zurückgezogen">${file}</a>`
  const html = { 'content-type': 'text/html; charset=iso-8859-1' }
  node.index.fail(/^\/simple\//, instead(serve(Buffer.from(`<title>Bücher</title>${link}`, 'latin1'), html)))
  const read = async (accept: string) => {
    const { headers, body } = (await pageOf(node, 'thing', accept)).reply
    const [type = '', charset = 'utf-8'] = String(headers['content-type']).split('; charset=')
    return [type, new TextDecoder(charset, { fatal: true }).decode(body)]
  }
  for (const [accept, type] of [
    [PIP_ACCEPT, 'text/html'],
    ['text/html', 'text/html'],
    [VERSIONED, VERSIONED],
    [JSON_TYPE, JSON_TYPE],
  ] as const) {
    expect(await read(accept)).toEqual([type, expect.stringContaining('zurückgezogen')])
  }
})

describe('a page with thousands of files', () => {
  it.each(['both', 'html'] as const)('is read beside the requests of others, and leads to each of them: %s', async (form) => {
    const node = await nodeBeforeIndex(temp)
    const { index } = node
    index.form = form
    for (let i = 0; i < 3000; i++) {
      const file = {
        file: `thing-1.${i}.tar.gz`,
        bytes: Buffer.from(`archive ${i}`),
        says: { 'upload-time': '2024-01-01T00:00:00Z' },
      }
      index.add('thing', file)
    }
    const { reply, files } = await pageOf(node, 'thing', JSON_TYPE)
    expect([reply.body.length > 500_000, files.length]).toEqual([true, 3000])
    for (const at of [0, 1500, 2999]) {
      const file = files.find(({ filename }) => filename === `thing-1.${at}.tar.gz`)
      expect((await exchange(String(file?.url))).body.toString()).toBe(`archive ${at}`)
    }
    const zipped = await exchange(`${node.simple}thing/`, { headers: { accept: PIP_ACCEPT, 'accept-encoding': 'gzip' } })
    expect(zipped.status).toBe(200)
    expect(index.tally.kind('page').requests).toBe(1)
  })
})

describe('the promise of metadata', () => {
  it.each<[string, Record<string, unknown>, unknown, unknown]>([
    ['true', { 'core-metadata': true }, true, undefined],
    ['false', { 'core-metadata': false }, false, undefined],
    ['its digest', { 'core-metadata': { sha256: 'a'.repeat(64) } }, { sha256: 'a'.repeat(64) }, undefined],
    [
      'the old name alone',
      { 'core-metadata': undefined, 'dist-info-metadata': { sha256: 'a'.repeat(64) } },
      { sha256: 'a'.repeat(64) },
      { sha256: 'a'.repeat(64) },
    ],
    ['neither', { 'core-metadata': undefined }, undefined, undefined],
  ])('is there in JSON under its new name where upstream has %s', async (_what, says, current, old) => {
    const node = await nodeBeforeIndex(temp)
    node.index.publish({ name: 'thing', version: '1.0' }, says)
    const [file] = (await pageOf(node, 'thing')).files
    expect([file?.['core-metadata'], file?.['dist-info-metadata']]).toEqual([current, old])
  })

  it('is there under both names in HTML, where upstream has one', async () => {
    const node = await nodeBeforeIndex(temp)
    node.index.form = 'html'
    node.index.publish({ name: 'thing', version: '1.0' })
    const [link] = linksOf((await exchange(`${node.simple}thing/`)).body.toString())
    expect(link).toMatch(/data-core-metadata="(sha256=[0-9a-f]{64})" data-dist-info-metadata="\1"/)
  })
})

describe('a path', () => {
  it.each([
    ['simple/Foo.Bar_baz', 'foo-bar-baz/', '/pypi/simple/foo-bar-baz/'],
    ['simple/Foo.Bar_baz/', '../foo-bar-baz/', '/pypi/simple/foo-bar-baz/'],
    ['simple/foo-bar-baz', 'foo-bar-baz/', '/pypi/simple/foo-bar-baz/'],
    ['simple', 'simple/', '/pypi/simple/'],
    ['', '/pypi/simple/', '/pypi/simple/'],
  ])('«%s» leads on by «%s», within the mount', async (path, location, target) => {
    const node = await nodeBeforeIndex(temp)
    const url = `${node.url}/pypi/${path}`
    const reply = await exchange(url)
    expect([reply.status, reply.headers.location]).toEqual([301, location])
    expect(new URL(location, url).pathname).toBe(target)
  })

  it.each([
    ['simple/', 400],
    ['simple/a/b/', 400],
    ['simple/..%2Fx/', 400],
    ['files/thing/-', 400],
    ['files/thing/abc/thing-1.0.zip', 400],
    ['elsewhere', 400],
  ])('«%s» is %i, in plain text', async (path, status) => {
    const node = await nodeBeforeIndex(temp)
    const reply = await exchange(`${node.url}/pypi/${path}`)
    expect([reply.status, reply.headers['content-type']]).toEqual([status, 'text/plain; charset=utf-8'])
  })

  it('is for reading only', async () => {
    const node = await nodeBeforeIndex(temp)
    const reply = await exchange(`${node.url}/pypi/simple/thing/`, { method: 'POST', body: 'x' })
    expect([reply.status, reply.body.toString()]).toEqual([405, expect.stringContaining('twine')])
  })
})
