import { brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { answer, json, redirect, serve } from '../harness/answer.ts'
import { exchange, type Reply } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import type { Step } from '../harness/scripted.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { nodeBeforeScript, packumentText, parsed, scripted } from './behind.ts'

useLeakCheck()
const temp = useTempFolders()
const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
const SECRETS = { authorization: 'Bearer client', cookie: 'session=1', 'npm-otp': '123456' }

const versionsOf = (reply: Reply) => Object.keys(parsed(reply).versions as object)
const sourceOf = (reply: Reply) => reply.headers['x-warren-source']
const documentOf = (...versions: string[]) =>
  serve(
    packumentText(
      'thing',
      versions.map((version) => [version, { tarball: `http://x.example.test/thing-${version}.tgz` }]),
    ),
    {
      'cache-control': 'public, max-age=300',
    },
  )

async function nodeWithClock() {
  const clock = new ShiftedClock()
  const node = await nodeBeforeScript(temp, { clock })
  return { clock, ...node, name: `${node.npm}thing` }
}

describe('a document', () => {
  it('is served at once within a minute past its time, and is the new one for whoever asks next', async () => {
    const { clock, upstream, name } = await nodeWithClock()
    upstream.on('/thing', documentOf('1.0.0'), documentOf('1.0.0', '2.0.0'))
    await exchange(name)
    clock.shift += 5 * MINUTE + 30 * SECOND
    const stale = await exchange(name)
    expect([sourceOf(stale), versionsOf(stale), stale.headers.age]).toEqual(['stale', ['1.0.0'], '330'])
    await eventually('the new one is there', async () => versionsOf(await exchange(name)).length === 2)
    expect(upstream.count('/thing')).toBe(2)
  })

  it('is never served past its time to whoever asks for no cached copy, unless upstream is in trouble', async () => {
    const { clock, upstream, name } = await nodeWithClock()
    upstream.on('/thing', documentOf('1.0.0'), documentOf('1.0.0', '2.0.0'))
    await exchange(name)
    clock.shift += 5 * MINUTE + 30 * SECOND
    for (const headers of [{ 'cache-control': 'max-age=0' }, { pragma: 'no-cache' }]) {
      expect(versionsOf(await exchange(name, { headers }))).toEqual(['1.0.0', '2.0.0'])
    }
    await upstream.gone()
    clock.shift += 5 * MINUTE
    const held = await exchange(name, { headers: { 'cache-control': 'no-cache' } })
    expect([held.status, sourceOf(held)]).toEqual([200, 'stale'])
  })

  it('is served for a week while upstream is gone, and not for longer', async () => {
    const { clock, upstream, name } = await nodeWithClock()
    upstream.on('/thing', documentOf('1.0.0'))
    await exchange(name)
    await upstream.gone()
    clock.shift += 7 * DAY
    expect(sourceOf(await exchange(name))).toBe('stale')
    clock.shift += 10 * MINUTE
    expect((await exchange(name)).status).toBe(503)
  })

  it.each<[number, Step]>([
    [404, answer(404)],
    [410, answer(410)],
    [451, answer(451)],
    [403, answer(403)],
    [403, answer(401)],
  ])('that upstream answers %i for is that, and no old copy comes back when upstream is gone after that', async (code, no) => {
    const { clock, upstream, name } = await nodeWithClock()
    upstream.on('/thing', documentOf('1.0.0'), no)
    await exchange(name)
    clock.shift += 10 * MINUTE
    expect((await exchange(name)).status).toBe(code)
    await upstream.gone()
    clock.shift += 20 * MINUTE
    expect((await exchange(name)).status).toBe(503)
  })

  it('that is not there is asked for once in half a minute, and found when it was published', async () => {
    const { clock, upstream, name } = await nodeWithClock()
    upstream.on('/thing', answer(404), documentOf('1.0.0'))
    for (let times = 0; times < 5; times++) expect((await exchange(name)).status).toBe(404)
    expect(upstream.count('/thing')).toBe(1)
    clock.shift += 31 * SECOND
    expect(versionsOf(await exchange(name))).toEqual(['1.0.0'])
  })

  it('that is not modified says so with all that belongs to it', async () => {
    const { upstream, name } = await nodeWithClock()
    upstream.on('/thing', documentOf('1.0.0'))
    const whole = await exchange(name)
    const { etag = '' } = whole.headers
    expect(etag).toMatch(/^"[^"]+"$/)
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const same = await exchange(name, { headers: { 'if-none-match': tags } })
      expect([same.status, same.body.length]).toEqual([304, 0])
      expect(same.headers).toMatchObject({
        etag,
        'cache-control': 'no-cache',
        vary: whole.headers.vary,
        date: expect.any(String),
      })
    }
    expect(whole.headers.vary?.toLowerCase()).toBe('accept, accept-encoding')
  })
})

describe('compression', () => {
  const many = Array.from({ length: 30 }, (_, minor) => `1.${minor}.0`)

  it.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
    ['zstd', zstdDecompressSync],
  ] as const)('by %s comes out as the plain document', async (coding, decode) => {
    const { upstream, name } = await nodeWithClock()
    upstream.on('/thing', documentOf(...many))
    const plain = await exchange(name)
    const packed = await eventually(`it is there in ${coding}`, async () => {
      const reply = await exchange(name, { headers: { 'accept-encoding': coding } })
      return reply.headers['content-encoding'] === coding && reply
    })
    expect(decode(packed.body).equals(plain.body)).toBe(true)
    expect(packed.headers.etag).not.toBe(plain.headers.etag)
    expect(packed.body.length).toBeLessThan(plain.body.length)
  })

  it('of upstream is taken off before anything else', async () => {
    const { upstream, name } = await nodeWithClock()
    const text = packumentText(
      'thing',
      many.map((version) => [version, {}]),
    )
    upstream.on('/thing', serve(gzipSync(text), { 'content-encoding': 'gzip' }))
    const reply = await exchange(name)
    expect([reply.headers['content-encoding'], reply.body.toString()]).toEqual([undefined, text])
  })

  it.each([
    ['is claimed but not there', serve(packumentText('thing', []), { 'content-encoding': 'gzip' })],
    ['breaks off', serve(gzipSync(packumentText('thing', [])).subarray(0, -12), { 'content-encoding': 'gzip' })],
    ['is of a kind that nobody asked for', serve(packumentText('thing', []), { 'content-encoding': 'compress' })],
    ['hides more than any document has', serve(gzipSync(Buffer.alloc(200 << 20, ' ')), { 'content-encoding': 'gzip' })],
  ])('of upstream that %s is trouble, and nothing is kept', async (_, bad) => {
    const { upstream, name, status } = await nodeWithClock()
    upstream.on('/thing', bad)
    expect([(await exchange(name)).status, (await status()).store.blobs]).toEqual([503, 0])
  })
})

describe('upstream hears', () => {
  it('nothing of the client’s secrets when a document is fetched, nor does the host that it redirects to', async () => {
    const { upstream, name } = await nodeWithClock()
    const other = await scripted()
    upstream.on('/thing', redirect(`http://localhost:${new URL(other.origin).port}/moved`, 301))
    other.on('/moved', documentOf('1.0.0'))
    const reply = await exchange(name, { headers: SECRETS })
    expect([reply.status, versionsOf(reply), reply.headers.location]).toEqual([200, ['1.0.0'], undefined])
    expect((await exchange(name)).headers['x-warren-source']).toBe('local')
    for (const { headers } of [...upstream.tally.log, ...other.tally.log]) {
      for (const secret of Object.keys(SECRETS)) expect(headers).not.toHaveProperty(secret)
      expect(headers.via).toMatch(/warren-/)
    }
  })
})

describe('the manifest of a version or a tag', () => {
  it('leads to the mirror like a document does, and a tag moves on', async () => {
    const { clock, upstream, npm } = await nodeWithClock()
    const manifestOf = (version: string) =>
      json({ name: 'thing', version, dist: { tarball: `http://x.example.test/thing-${version}.tgz` } })
    upstream.on('/thing/latest', manifestOf('1.0.0'), manifestOf('2.0.0'))
    const tarballOf = async () => parsed(await exchange(`${npm}thing/latest`)).dist
    expect(await tarballOf()).toEqual({ tarball: `${npm}thing/-/thing-1.0.0.tgz` })
    clock.shift += 10 * MINUTE
    expect(await tarballOf()).toEqual({ tarball: `${npm}thing/-/thing-2.0.0.tgz` })
  })
})
