import { expect, test } from 'vitest'
import { evaluate } from '../../../node/http/conditional.ts'
import { parseHttpDate } from '../../../node/http/http-date.ts'
import { artifact, client, face } from './fixture.ts'

const MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT'
const BEFORE = 'Wed, 21 Oct 2015 07:27:59 GMT'
const AFTER = 'Wed, 21 Oct 2015 07:28:01 GMT'
const HEADERS = {
  'content-type': 'application/x-thing',
  'content-disposition': 'attachment',
  'cache-control': 'public, max-age=31536000, immutable',
  vary: 'accept',
  expires: 'Thu, 22 Oct 2037 07:28:00 GMT',
  'last-modified': MODIFIED,
}

async function ask(headers: Record<string, string>, method = 'GET') {
  const node = await face({ find: () => artifact(Buffer.from('0123456789'), { headers: HEADERS, digest: 'sha256:abc' }) })
  return client().get(node.url('a'), { headers, method })
}

test.each([
  [{ 'if-none-match': '"sha256:abc"' }, 304],
  [{ 'if-none-match': 'W/"sha256:abc"' }, 304],
  [{ 'if-none-match': '"x", W/"y" ,"sha256:abc"' }, 304],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-none-match': ' * ' }, 304],
  [{ 'if-none-match': '"other"' }, 200],
  [{ 'if-none-match': 'sha256:abc' }, 200],
  [{ 'if-none-match': '"a,b", "c' }, 200],
  [{ 'if-none-match': '' }, 200],
  [{ 'if-none-match': '"other"', 'if-modified-since': AFTER }, 200],
  [{ 'if-modified-since': MODIFIED }, 304],
  [{ 'if-modified-since': AFTER }, 304],
  [{ 'if-modified-since': BEFORE }, 200],
  [{ 'if-modified-since': 'Wednesday, 21-Oct-15 07:28:00 GMT' }, 304],
  [{ 'if-modified-since': 'Wed Oct 21 07:28:00 2015' }, 304],
  [{ 'if-modified-since': '2037' }, 200],
  [{ 'if-modified-since': 'tomorrow' }, 200],
  [{ 'if-match': '"sha256:abc"' }, 200],
  [{ 'if-match': '"x", "sha256:abc"' }, 200],
  [{ 'if-match': '*' }, 200],
  [{ 'if-match': 'W/"sha256:abc"' }, 412],
  [{ 'if-match': '"other"' }, 412],
  [{ 'if-match': '"sha256:abc"', 'if-unmodified-since': BEFORE }, 200],
  [{ 'if-match': '"other"', 'if-none-match': '"sha256:abc"' }, 412],
  [{ 'if-match': '"sha256:abc"', 'if-none-match': '"sha256:abc"' }, 304],
  [{ 'if-unmodified-since': BEFORE }, 412],
  [{ 'if-unmodified-since': MODIFIED }, 200],
  [{ 'if-unmodified-since': 'nonsense' }, 200],
  [{ 'if-none-match': '"sha256:abc"', range: 'bytes=0-1' }, 304],
  [{ 'if-none-match': '"other"', range: 'bytes=0-1' }, 206],
  [{ 'if-match': '"other"', range: 'bytes=900-' }, 412],
] as const)('%j comes to %i, for GET and for HEAD', async (headers, status) => {
  expect((await ask(headers)).status).toBe(status)
  expect((await ask(headers, 'HEAD')).status).toBe(status === 206 ? 200 : status)
})

test('a 304 repeats what caches go by, and says nothing of content', async () => {
  const reply = await ask({ 'if-none-match': '"sha256:abc"' })
  expect(reply.status).toBe(304)
  expect(reply.body.length).toBe(0)
  expect(reply.headers).toMatchObject({
    etag: '"sha256:abc"',
    'cache-control': HEADERS['cache-control'],
    vary: 'accept',
    expires: HEADERS.expires,
    date: expect.any(String),
    'x-warren-source': 'local',
    'x-cache': 'HIT',
  })
  expect(Object.keys(reply.headers).filter((name) => /^content-|^accept-ranges$|^transfer-/.test(name))).toEqual([])
})

test('a 412 is an error in the form of the ecosystem', async () => {
  const reply = await ask({ 'if-match': '"other"' })
  expect(reply.headers['x-warren-error']).toBe('PRECONDITION_FAILED')
  expect(JSON.parse(reply.body.toString()).code).toBe('PRECONDITION_FAILED')
})

test('bytes without a name match nothing but «anything»', () => {
  expect(evaluate({ 'if-none-match': '"x"' }, { etags: [] })).toBe('send')
  expect(evaluate({ 'if-none-match': '*' }, { etags: [] })).toEqual({ notModified: undefined })
  expect(evaluate({ 'if-match': '"x"' }, { etags: [] })).toBe('failed')
  expect(evaluate({ 'if-modified-since': MODIFIED }, { etags: [] })).toBe('send')
})

test('of several forms of a document the one that the client holds is confirmed', () => {
  const etags = ['"id-br"', '"id-gzip"', '"id"']
  expect(evaluate({ 'if-none-match': '"id"' }, { etags })).toEqual({ notModified: '"id"' })
  expect(evaluate({ 'if-none-match': 'W/"id-gzip"' }, { etags })).toEqual({ notModified: '"id-gzip"' })
  expect(evaluate({ 'if-none-match': ['"x"', '"id"'] }, { etags })).toEqual({ notModified: '"id"' })
  expect(evaluate({ 'if-none-match': '"id-zstd"' }, { etags })).toBe('send')
})

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sun Nov  6 08:49:37 1994', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Thursday, 01-Jan-70 00:00:00 GMT', Date.UTC(2070, 0, 1)],
  ['Friday, 01-Jan-99 00:00:00 GMT', Date.UTC(1999, 0, 1)],
  ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
  ['Sun, 31 Feb 1994 08:49:37 GMT', undefined],
  ['Sun, 06 Nov 1994 24:49:37 GMT', undefined],
  ['Sun, 06 Nov 1994 08:49:37', undefined],
  ['Sun, 06 Nov 1994 08:49:37 +0100', undefined],
  ['1994-11-06T08:49:37Z', undefined],
  ['784111777', undefined],
  ['', undefined],
])('%j as a date', (text, wanted) => {
  expect(parseHttpDate(text, Date.UTC(2026, 0, 1))).toBe(wanted)
})
