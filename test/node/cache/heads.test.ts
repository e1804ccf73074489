import { describe, expect, it } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import type { MemoryAnswer, MemoryScript } from '../../../node/upstream/memory-upstream.ts'
import { bytesOf, codeOf, makeCache, read, settled, turns, useCacheTests } from './fixture.ts'
import { artifact, BASE, digestOf, document, indexBytes, indexed } from './plans.ts'
import { version } from './registry.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const PLAN = artifact('a', [digestOf(BYTES)])
const HEAD = { head: true }

/** Answers HEAD so, and everything else with the artifact. */
const refusing =
  (answer: MemoryAnswer | WarrenError): MemoryScript =>
  ({ method }) => {
    if (method === 'GET') return { body: BYTES }
    if (answer instanceof WarrenError) throw answer
    return answer
  }

describe('only the headers of an artifact', () => {
  it('cost upstream a HEAD for the plain bytes and no transfer', async () => {
    const kit = makeCache({
      script: () => ({ body: BYTES, headers: { 'content-type': 'a/b', 'x-other': 'no', 'last-modified': 'then' } }),
    })
    const plan = { ...PLAN, headers: { accept: 'a/b' }, responseHeaders: { 'cache-control': 'immutable' } }
    const found = await kit.get(plan, HEAD)
    expect(found).toMatchObject({ source: 'upstream', body: { size: BYTES.length }, digest: `sha512:${digestOf(BYTES).hex}` })
    expect(found.headers).toEqual({ 'content-type': 'a/b', 'last-modified': 'then', 'cache-control': 'immutable' })
    expect(kit.upstream.requests.map(({ method, headers }) => [method, headers])).toEqual([
      ['HEAD', { accept: 'a/b', 'accept-encoding': 'identity' }],
    ])
    expect([kit.cache.flights, kit.store.records.get(PLAN.key)]).toEqual([0, undefined])
  })

  it('are asked for by one byte where a HEAD is redirected: behind that it may be refused', async () => {
    const location = 'https://signed.example.test/a'
    const script: MemoryScript = ({ method, headers }) =>
      method === 'HEAD'
        ? { status: 307, headers: { location } }
        : { status: 206, headers: { 'content-range': 'bytes 0-0/300000', seen: headers?.range ?? '' }, body: 'x' }
    const kit = makeCache({ script })
    const found = await kit.get({ ...PLAN, scope: 's' }, HEAD)
    expect([found.body.size, found.digest]).toEqual([300_000, `sha512:${digestOf(BYTES).hex}`])
    expect(
      kit.upstream.requests.map(({ method, redirect, scope, headers }) => [method, redirect, scope, headers?.range]),
    ).toEqual([
      ['HEAD', 'manual', 's', undefined],
      ['GET', undefined, 's', 'bytes=0-0'],
    ])
    const ignoring = makeCache({ script: ({ method }) => (method === 'HEAD' ? { status: 302 } : { body: BYTES }) })
    expect((await ignoring.get(PLAN, HEAD)).body.size).toBe(BYTES.length)
    const absent = makeCache({ script: ({ method }) => (method === 'HEAD' ? { status: 302 } : { status: 404 }) })
    expect(await codeOf(absent.get(PLAN, HEAD))).toBe('UPSTREAM_ABSENT')
  })

  it('have no digest where several are possible, and no size where upstream tells none', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES, chunked: true }) })
    const found = await kit.get(artifact('a', [digestOf('x'), digestOf(BYTES)]), HEAD)
    expect([found.digest, found.body.size]).toEqual([undefined, undefined])
  })

  it('come from the store when it is there, and from the flight that is under way', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES, stallAt: 200_000 }) })
    const first = await kit.get(PLAN)
    const found = await kit.get(PLAN, HEAD)
    expect([found.source, found.body.size]).toEqual(['flight', BYTES.length])
    found.body.close()
    first.body.close()
    const other = makeCache({ script: () => ({ body: BYTES }) })
    await other.fetch(PLAN)
    await turns()
    expect((await other.get(PLAN, HEAD)).source).toBe('local')
    expect([...kit.upstream.requests, ...other.upstream.requests].map(({ method }) => method)).toEqual(['GET', 'GET'])
  })

  it.each([404, 410, 451])('are not there when upstream says %i, which is remembered', async (status) => {
    const kit = makeCache({ script: () => ({ status }) })
    const code = await codeOf(kit.get(PLAN, HEAD))
    expect(code).toMatch(/ABSENT|GONE|LEGAL/)
    expect(await codeOf(kit.get(PLAN))).toBe(code)
    expect(kit.upstream.requests.length).toBe(1)
  })

  it.each([
    ['answers 401', { status: 401 }],
    ['answers 403', { status: 403 }],
    ['answers 405', { status: 405 }],
    ['answers 400', { status: 400 }],
    ['answers 501', { status: 501 }],
    ['answers 500', { status: 500 }],
    ['answers 304', { status: 304 }],
    ['answers 206', { status: 206, headers: { 'content-range': 'bytes 0-0/1' } }],
  ] as [string, MemoryAnswer][])('are those of a GET when upstream %s to HEAD', async (_, answer) => {
    const kit = makeCache({ script: refusing(answer) })
    const found = await kit.get(PLAN, HEAD)
    expect([found.source, found.body.size]).toEqual(['upstream', BYTES.length])
    found.body.close()
    expect(kit.upstream.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET'])
    // What was begun is not wasted.
    await turns()
    expect((await kit.get(PLAN)).source).toBe('local')
  })

  it('are a trouble when upstream cannot be reached or limits us, and nothing more is asked then', async () => {
    for (const code of ['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_BUSY'] as const) {
      const kit = makeCache({ script: refusing(new WarrenError(code, 'scripted')) })
      expect(await codeOf(kit.get(PLAN, HEAD))).toBe(code)
      expect(kit.upstream.requests.length).toBe(1)
    }
  })

  it('are looked for where the metadata says, when convention leads nowhere', async () => {
    const elsewhere = `${BASE}elsewhere`
    const kit = makeCache({
      script: ({ url }) => {
        if (url === `${BASE}index`) return { body: indexBytes({ a: { bytes: BYTES, url: elsewhere } }) }
        return url === elsewhere ? { body: BYTES } : { status: 404 }
      },
    })
    const found = await kit.get(indexed('a'), HEAD)
    expect(found.body.size).toBe(BYTES.length)
    found.body.close()
    expect(kit.upstream.requests[0]).toMatchObject({ method: 'HEAD', url: `${BASE}a` })
  })

  it('are a no where neither convention nor metadata leads to it', async () => {
    const kit = makeCache({ script: ({ url }) => (url === `${BASE}index` ? { body: indexBytes({}) } : { status: 404 }) })
    expect(await codeOf(kit.get(indexed('a'), HEAD))).toBe('UPSTREAM_ABSENT')
  })

  it('are waited for only as long as the client stays', async () => {
    const kit = makeCache({ script: () => new Promise(() => {}) })
    const leaving = new AbortController()
    const getting = kit.get(PLAN, { ...HEAD, signal: leaving.signal })
    expect(await settled(getting)).toBe(false)
    leaving.abort('left')
    await expect(getting).rejects.toBe('left')
  })
})

describe('only the headers of what changes', () => {
  it('cost a HEAD the first time, and a comparison once it is held', async () => {
    const kit = makeCache({ script: () => ({ body: 'abc', headers: { etag: '"1"' } }) })
    const plan = { ...artifact('tag'), kind: 'mutable' as const }
    expect((await kit.get(plan, HEAD)).body.size).toBe(3)
    expect(kit.upstream.requests.map(({ method }) => method)).toEqual(['HEAD'])
    await kit.fetch(plan)
    expect((await kit.get(plan, HEAD)).source).toBe('local')
  })

  it('need the bytes of a document that is rewritten for each client', async () => {
    const kit = makeCache({ script: () => ({ body: version(1) }) })
    const found = await kit.get(document('index'), HEAD)
    expect((await read(found)).equals(version(1))).toBe(true)
    expect(kit.upstream.requests.map(({ method }) => method)).toEqual(['GET'])
  })
})
