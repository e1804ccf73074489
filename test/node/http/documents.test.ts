import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Found } from '../../../node/cache/found.ts'
import { fileLike } from './bodies.ts'
import { client, documentOf, type Face, type FaceInit, face } from './fixture.ts'

const TEXT = JSON.stringify({ versions: Array.from({ length: 200 }, (_, i) => ({ i, tarball: `@-${i}.tgz` })) })

/** A document that has to be read, as from a file. */
function found(text = TEXT): Found {
  return { ...documentOf(text), body: fileLike(Buffer.from(text)) }
}

async function documents(init: FaceInit = {}): Promise<Face> {
  return face({ find: () => found(), ...init })
}

/** Asks until the compressed form is made. */
async function encoded(node: Face, encoding: string, headers: Record<string, string> = {}) {
  await client().get(node.url('a'), { headers: { 'accept-encoding': encoding, ...headers } })
  await node.rendered.settled()
  return client().get(node.url('a'), { headers: { 'accept-encoding': encoding, ...headers } })
}

const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync }

test.each(['gzip', 'br', 'zstd'] as const)(
  'the first asker gets the plain form, the next one %s of the same bytes',
  async (name) => {
    const node = await documents()
    const plain = await client().get(node.url('a'))
    const first = await client().get(node.url('a'), { headers: { 'accept-encoding': name } })
    expect([first.headers['content-encoding'], first.body.equals(plain.body)]).toEqual([undefined, true])
    await node.rendered.settled()
    const second = await client().get(node.url('a'), { headers: { 'accept-encoding': name } })
    expect(second.headers['content-encoding']).toBe(name)
    expect(second.headers.vary).toContain('accept-encoding')
    expect(second.headers['content-length']).toBe(String(second.body.length))
    expect(decoders[name](second.body).equals(plain.body)).toBe(true)
    expect(node.troubles).toEqual([])
  },
)

test('plain and each encoding have each their own strong tag; whoever holds any of them holds the document', async () => {
  const node = await documents()
  const tags = [(await client().get(node.url('a'))).headers.etag]
  for (const encoding of ['gzip', 'br', 'zstd']) tags.push((await encoded(node, encoding)).headers.etag)
  expect(new Set(tags).size).toBe(4)
  for (const tag of tags) {
    expect(tag).toMatch(/^"[\w-]+"$/)
    const accepts = { 'accept-encoding': 'gzip, br, zstd', 'if-none-match': tag ?? '' }
    const reply = await client().get(node.url('a'), { headers: accepts })
    expect([reply.status, reply.headers.etag]).toEqual([304, tag])
  }
  const other = await client().get(node.url('a'), { headers: { 'accept-encoding': 'gzip', 'if-none-match': tags[2] ?? '' } })
  expect(other.status).toBe(200)
})

test('a tag is good for one base URL only, and so is a compressed form', async () => {
  const node = await documents()
  const [, port] = node.host.split(':')
  const here = await encoded(node, 'gzip')
  const there = await encoded(node, 'gzip', { host: `localhost:${port}` })
  expect(gunzipSync(here.body).toString()).toContain(`http://127.0.0.1:${port}/m/x-7.tgz`)
  expect(gunzipSync(there.body).toString()).toContain(`http://localhost:${port}/m/x-7.tgz`)
  expect(here.headers.etag).not.toBe(there.headers.etag)
  const crossed = { host: `localhost:${port}`, 'if-none-match': here.headers.etag ?? '' }
  expect((await client().get(node.url('a'), { headers: crossed })).status).toBe(200)
})

test('a document that names no registry is the same under every base URL', async () => {
  const node = await documents({ find: () => found('{"no":"place"}') })
  const here = await client().get(node.url('a'))
  const there = await client().get(node.url('a'), { headers: { host: 'localhost' } })
  expect(here.headers.etag).toBe(there.headers.etag)
})

test('another document under the same name has another tag, and never the old one’s compressed form', async () => {
  let text = TEXT
  const node = await documents({ find: () => ({ ...found(text), digest: `sha256:${text.length}` }) })
  const before = await encoded(node, 'gzip')
  text = TEXT.replaceAll('.tgz', '.tar.gz')
  const after = await client().get(node.url('a'), { headers: { 'accept-encoding': 'gzip' } })
  expect(after.headers.etag).not.toBe(before.headers.etag)
  expect(after.body.toString()).toContain('-7.tar.gz')
  await node.rendered.settled()
  expect(gunzipSync((await encoded(node, 'gzip')).body).toString()).toContain('-7.tar.gz')
})

test('a document that changes while its form is made does not lend its bytes to the old name', async () => {
  let text = TEXT
  const node = await documents({
    find: () => {
      const now = { ...found(text), digest: `sha256:${text.length}` }
      text = `${TEXT} `
      return now
    },
  })
  await client().get(node.url('a'), { headers: { 'accept-encoding': 'gzip' } })
  await node.rendered.settled()
  expect(node.rendered.bytes).toBe(0)
})

test('parts are always of the plain form', async () => {
  const node = await documents()
  await encoded(node, 'gzip')
  const plain = await client().get(node.url('a'))
  const reply = await client().get(node.url('a'), { headers: { 'accept-encoding': 'gzip', range: 'bytes=100-299' } })
  expect([reply.status, reply.headers['content-encoding'], reply.headers.etag]).toEqual([206, undefined, plain.headers.etag])
  expect(reply.body.equals(plain.body.subarray(100, 300))).toBe(true)
})

test('HEAD has the headers of GET, compressed form included', async () => {
  const node = await documents()
  for (const encoding of ['identity', 'gzip']) {
    const { date: _, ...whole } = (await encoded(node, encoding)).headers
    const head = await client().get(node.url('a'), { method: 'HEAD', headers: { 'accept-encoding': encoding } })
    const { date: __, ...headers } = head.headers
    expect(headers).toEqual(whole)
    expect(head.body.length).toBe(0)
  }
})

test('upstream’s date says nothing of a document that was rendered here', async () => {
  const modified = 'Wed, 21 Oct 2015 07:28:00 GMT'
  const node = await documents({ find: () => ({ ...found(), headers: { ...found().headers, 'last-modified': modified } }) })
  expect((await client().get(node.url('a'), { headers: { 'if-modified-since': modified } })).status).toBe(200)
})

test('an old copy says so', async () => {
  const node = await documents({ find: () => ({ ...found(), source: 'stale', age: 90_000 }) })
  const { headers } = await client().get(node.url('a'))
  expect(headers).toMatchObject({
    'x-warren-source': 'stale',
    'x-cache': 'HIT',
    age: '90000',
    warning: '110 warren "Response is Stale"',
  })
})

test('an artifact is never compressed, whatever the client takes', async () => {
  const { document: _, ...artifact } = documentOf(TEXT)
  const node = await documents({ find: () => ({ ...artifact, body: fileLike(Buffer.from(TEXT)) }) })
  const reply = await encoded(node, 'gzip, br, zstd')
  expect([reply.headers['content-encoding'], reply.body.toString()]).toEqual([undefined, TEXT])
})
