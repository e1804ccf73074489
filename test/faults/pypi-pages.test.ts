import { describe, expect, it } from 'vitest'
import { answer, serve, tooMany } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { exchange, HttpClient } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { JSON_TYPE, nodeBeforeIndex, nodeWithWheel, pageOf } from '../harness/scripted-pypi-node.ts'
import { useTempFolders } from '../harness/temp.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

useLeakCheck()
const temp = useTempFolders()

describe('trouble with a page', () => {
  it.each([
    ['504', answer(504, 'late'), 503],
    ['500', answer(500, 'oops'), 503],
    ['429 without Retry-After', tooMany(), 429],
    ['429 with Retry-After', tooMany(60), 429],
    [
      'a page of HTML that is none of an index',
      serve('<html><a href="/login">log in</a></html>', { 'content-type': 'text/html' }),
      503,
    ],
    [
      'the page of another project',
      serve('{"meta":{"api-version":"1.0"},"name":"other","files":[]}', { 'content-type': JSON_TYPE }),
      503,
    ],
    [
      'the page of another project in HTML',
      serve('<title>Links for other</title><a href="thing-1.0.zip">thing-1.0.zip</a>', { 'content-type': 'text/html' }),
      503,
    ],
    ['404', answer(404), 404],
    ['410', answer(410), 410],
  ])('%s becomes what clients wait or stop for', async (_what, step, status) => {
    const node = await nodeBeforeIndex(temp)
    node.index.fail(/^\/simple\//, instead(step))
    const { reply } = await pageOf(node, 'thing')
    expect([reply.status, reply.headers['content-type']]).toEqual([status, 'text/plain; charset=utf-8'])
    if (status === 429 || status === 503) expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('leaves an older copy in its place', async () => {
    const { index, simple, clock } = await nodeWithWheel(temp)
    clock.pass(HOUR)
    index.fail(/^\/simple\//, instead(answer(503)))
    const { reply, files } = await pageOf({ simple }, 'thing')
    expect([reply.status, reply.headers['x-warren-source'], files.length]).toEqual([200, 'stale', 1])
  })
})

describe('a page', () => {
  it('is asked for with one request, whoever reloads it: five hundred clients with max-age=0', async () => {
    const { index, simple, clock } = await nodeWithWheel(temp)
    index.tally.reset()
    const client = new HttpClient(64)
    try {
      const reload = () => client.get(`${simple}thing/`, { headers: { accept: JSON_TYPE, 'cache-control': 'max-age=0' } })
      const all = async () => Promise.all(Array.from({ length: 500 }, reload))
      expect(new Set((await all()).map(({ status }) => status))).toEqual(new Set([200]))
      expect(index.tally.kind('page').requests).toBe(0)
      clock.pass(MINUTE)
      await all()
      expect(index.tally.log.map(({ kind, status }) => [kind, status])).toEqual([['page', 304]])
    } finally {
      client.close()
    }
  })

  it('shows a yank once its lifetime is over, while the file is still there for those who pinned it', async () => {
    const { index, simple, clock, url, wheel } = await nodeWithWheel(temp)
    const [file] = index.projects.get('thing')?.values() ?? []
    if (file) file.says = { yanked: 'broken on Tuesdays' }
    expect((await pageOf({ simple }, 'thing')).files[0]?.yanked).toBe(false)
    clock.pass(HOUR)
    expect((await pageOf({ simple }, 'thing')).files[0]?.yanked).toBe('broken on Tuesdays')
    expect((await exchange(url)).body.equals(wheel.bytes)).toBe(true)
  })

  it('is answered from its ETag, which is another one for another host', async () => {
    const { simple } = await nodeWithWheel(temp)
    const ask = (headers: Record<string, string>) => exchange(`${simple}thing/`, { headers: { accept: JSON_TYPE, ...headers } })
    const first = await ask({})
    expect(first.headers.vary).toContain('accept')
    const again = await ask({ 'if-none-match': String(first.headers.etag) })
    expect([again.status, again.body.length]).toEqual([304, 0])
    const elsewhere = await ask({ host: `localhost:${new URL(simple).port}`, 'if-none-match': String(first.headers.etag) })
    expect([elsewhere.status, elsewhere.body.toString()]).toEqual([200, expect.stringContaining('http://localhost:')])
  })
})
