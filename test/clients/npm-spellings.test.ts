import { describe, expect, it } from 'vitest'
import { serve } from '../harness/answer.ts'
import { exchange, type Reply } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { rawExchange } from '../harness/raw.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { own } from '../protocols/npm/fixtures.ts'
import { INSTALL_ACCEPT, integrityOf, nodeBeforeReplay, nodeBeforeScript, packumentText, parsed, pathsAsked } from './behind.ts'

useLeakCheck()
const temp = useTempFolders()
const FULL = { accept: 'application/json' }

describe('one resource in many spellings', () => {
  it.each([
    ['the document', ['@scope%2fpart-7', '@scope%2Fpart-7', '@scope/part-7', '%40scope%2fpart-7', '@scope/part%2d7'], {}],
    ['the abbreviated document', ['@scope%2fpart-7', '@scope%2Fpart-7', '@scope/part-7'], { accept: INSTALL_ACCEPT }],
    ['the manifest', ['@scope%2fpart-7/1.1.0', '@scope/part-7/1.1.0', '@scope%2Fpart-7/1%2e1.0'], FULL],
  ])('is one key: %s is fetched once, whoever asks', async (_, spellings, headers) => {
    const { npm, replay, status } = await nodeBeforeReplay(temp)
    const replies: Reply[] = []
    for (const spelling of spellings) replies.push(await exchange(npm + spelling, { headers }))
    expect(replies.map((reply) => [reply.status, reply.body.toString()])).toEqual(
      replies.map(() => [200, replies[0]?.body.toString()]),
    )
    expect(replies.map((reply) => reply.headers['x-warren-source'])).toEqual([
      'upstream',
      ...spellings.slice(1).map(() => 'local'),
    ])
    expect(replay.tally.total.requests).toBe(1)
    expect((await status()).store.records).toBe(1)
  })

  it('is one key: a tarball as npm and as yarn berry ask for it, all at once and cold', async () => {
    const { npm, replay, registry } = await nodeBeforeReplay(temp)
    const spellings = ['@scope/part-7/-', '@scope%2fpart-7/-', '@scope%2Fpart-7/-', '%40scope/part-7/%2d']
    replay.latencyMs = 20
    const replies = await Promise.all(spellings.map((spelling) => exchange(`${npm}${spelling}/part-7-1.1.0.tgz`)))
    const archive = registry.latest.find(({ name }) => name === '@scope/part-7')?.archive
    expect(replies.map(({ status, body }) => [status, body.equals(archive as Buffer)])).toEqual(
      spellings.map(() => [200, true]),
    )
    expect(pathsAsked(replay).sort()).toEqual(['/@scope/part-7/-/part-7-1.1.0.tgz', '/@scope/part-7/1.1.0'])
  })

  it('asks upstream for a scoped document with one segment, as registries expect it', async () => {
    const { npm, replay } = await nodeBeforeReplay(temp)
    await exchange(`${npm}@scope/part-7`)
    expect(replay.tally.log.map(({ target }) => target)).toEqual(['/@scope%2fpart-7'])
  })

  it('keeps packages apart that differ in the case of letters only', async () => {
    const { npm, upstream } = await nodeBeforeScript(temp)
    for (const name of ['JSONStream', 'jsonstream']) upstream.on(`/${name}`, serve(packumentText(name, [])))
    for (const name of ['JSONStream', 'jsonstream']) expect(parsed(await exchange(npm + name)).name).toBe(name)
  })

  it.each([
    '@scope//part-7',
    '@scope/part-7/',
    '../part-0',
    '%2e%2e/part-0',
    'part-0/..%2fpart-1',
    'part-0/-/..%2f..%2fpart-1',
    'part-0%00',
    'part-0%5c..',
    '%252e%252e',
    '%c0%ae%c0%ae/part-0',
    'part-0/1.0.0/extra',
  ])('refuses %s without asking upstream', async (path) => {
    const { url, replay } = await nodeBeforeReplay(temp)
    // As raw bytes: an HTTP client would take the dots out before it sends them.
    const reply = await rawExchange(url, `GET /npm/${path} HTTP/1.1\r\nhost: ${new URL(url).host}\r\nconnection: close\r\n\r\n`)
    expect(reply).toMatch(/^HTTP\/1\.1 400 .*\r\n\r\n\{"error":".+"\}$/s)
    expect(replay.tally.total.requests).toBe(0)
  })
})

describe('what is called as a member of every object', () => {
  const NAMES = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']

  it.each(NAMES)('is a package and a version like any other: %s', async (name) => {
    const { npm, url, upstream, status } = await nodeBeforeScript(temp)
    const bytes = Buffer.from(`archive of ${name}`)
    const path = `/${name}/-/${name}-${name}.tgz`
    const dist = { integrity: integrityOf(bytes), tarball: `${upstream.origin}${path}` }
    upstream.on(
      `/${name}`,
      serve(
        packumentText(name, [
          ['1.0.0', {}],
          [name, dist],
        ]),
        { 'content-type': 'application/json' },
      ),
    )
    upstream.on(path, serve(bytes))
    const document: unknown = parsed(await exchange(npm + name))
    expect(own(document, 'versions', name, 'dist', 'tarball')).toBe(`${url}/npm${path}`)
    expect(own(document, 'versions', name, 'dist', 'integrity')).toBe(dist.integrity)
    const tarball = await exchange(`${url}/npm${path}`)
    expect([tarball.status, tarball.body.equals(bytes)]).toEqual([200, true])
    // Kept, so it was compared with what this version promises.
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
    expect((await exchange(`${url}/npm${path}`)).headers['x-warren-source']).toBe('local')
  })

  it.each(NAMES)('does not exist unless upstream has it: %s', async (name) => {
    const { npm } = await nodeBeforeReplay(temp)
    for (const path of [`${name}-x`, `part-0/${name}`, `part-0/-/part-0-${name}.tgz`]) {
      expect((await exchange(npm + path)).status).toBe(404)
    }
  })

  it.each(NAMES)('is a wrong archive where its bytes are not those of its own version: %s', async (name) => {
    const node = await nodeBeforeScript(temp)
    const { npm, upstream } = node
    const dist = { integrity: integrityOf(Buffer.from('right')), tarball: `${upstream.origin}/x/-/x-${name}.tgz` }
    upstream.on('/x', serve(packumentText('x', [[name, dist]])))
    upstream.on(`/x/-/x-${name}.tgz`, serve('wrong'))
    await exchange(`${npm}x`)
    const reply = await exchange(`${npm}x/-/x-${name}.tgz`)
    expect([reply.status, (await storeAtRest(node)).blobs]).toEqual([503, 1])
  })
})
