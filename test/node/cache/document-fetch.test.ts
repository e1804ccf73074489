import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { MemoryAnswer } from '../../../node/upstream/memory-upstream.ts'
import { codeOf, failure, MINUTE, makeCache, read, serve, turns, useCacheTests } from './fixture.ts'
import { parsings } from './parser.ts'
import { artifact, digestOf, document, indexBytes } from './plans.ts'
import { Registry, UNREACHABLE, version } from './registry.ts'

useCacheTests()

const PLAN = document('index')

describe('the request for a document', () => {
  it('has the headers of the plan, takes gzip, and has no conditions at first', async () => {
    const kit = makeCache({ script: new Registry().script })
    await kit.fetch({ ...PLAN, headers: { accept: 'a/b', 'accept-encoding': 'br' } })
    expect(kit.upstream.requests).toMatchObject([
      { method: 'GET', url: PLAN.url, base: PLAN.base, headers: { accept: 'a/b', 'accept-encoding': 'gzip' } },
    ])
    expect(Object.keys(kit.upstream.requests[0]?.headers ?? {}).sort()).toEqual(['accept', 'accept-encoding'])
  })

  it.each([
    [{ etag: '"1"' }, { 'if-none-match': '"1"' }],
    [{ etag: 'W/"odd, \u00e9 one"' }, { 'if-none-match': 'W/"odd, \u00e9 one"' }],
    [{ 'last-modified': 'yesterday, as it were' }, { 'if-modified-since': 'yesterday, as it were' }],
    [
      { etag: '"1"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' },
      { 'if-none-match': '"1"', 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' },
    ],
    [{}, {}],
  ])('repeats the validators of the copy exactly as upstream gave them (%o)', async (headers, conditions) => {
    const kit = makeCache({ script: () => ({ body: version(1), headers }) })
    await kit.fetch(PLAN)
    await kit.clock.advance(3 * MINUTE)
    await kit.fetch(PLAN)
    const { accept: _, 'accept-encoding': __, ...rest } = kit.upstream.requests[1]?.headers ?? {}
    expect(rest).toEqual(conditions)
  })
})

describe('a 304', () => {
  async function confirmed(unchanged: Record<string, string>) {
    const registry = new Registry()
    registry.headers = { 'content-type': 'application/json', vary: 'accept, accept-encoding', 'x-other': 'no' }
    registry.unchanged = unchanged
    const plan = { ...PLAN, lifetime: { floor: 1_000, cap: 10 * MINUTE }, responseHeaders: { 'cache-control': 'no-cache' } }
    const kit = makeCache({ script: registry.script })
    await kit.fetch(plan)
    const before = kit.store.records.get(plan.key)
    await kit.clock.advance(20 * MINUTE)
    const found = await kit.get(plan)
    return { ...kit, plan, registry, before, found, record: kit.store.records.get(plan.key) }
  }

  it('keeps body and headers, and parses nothing again', async () => {
    const { found, registry, before, record, clock } = await confirmed({ vary: 'accept-encoding', 'content-type': 'a/b' })
    const count = parsings.count
    expect([found.source, found.age, found.headers]).toEqual([
      'upstream',
      0,
      { 'cache-control': 'no-cache', 'content-type': 'application/json', vary: 'accept, accept-encoding' },
    ])
    expect((await read(found)).equals(version(1))).toBe(true)
    expect(found.document?.facts).toEqual({ files: { v1: { digests: [] } } })
    expect([registry.sent, parsings.count - count]).toEqual([1, 0])
    expect(record).toEqual({ ...before, checkedAt: clock.now() })
  })

  it('renews the lifetime by its own headers, where it has some', async () => {
    const { record, get, clock, plan } = await confirmed({ 'cache-control': 'max-age=120' })
    expect(record?.freshFor).toBe(2 * MINUTE)
    await clock.advance(2 * MINUTE - 1)
    expect((await get(plan)).source).toBe('local')
  })

  it('is believed also when it cannot be written down', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    await kit.fetch(PLAN)
    await kit.clock.advance(3 * MINUTE)
    kit.store.records.put = () => Promise.reject(new Error('the disk is full'))
    expect((await kit.get(PLAN)).source).toBe('upstream')
  })

  it('is followed by a request for everything when the bytes are gone', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    await kit.fetch(PLAN)
    await kit.clock.advance(3 * MINUTE)
    await kit.store.blobs.delete(kit.store.records.get(PLAN.key)?.blob ?? '')
    expect((await kit.fetch(PLAN)).equals(version(1))).toBe(true)
    expect(kit.upstream.requests.map(({ headers }) => headers?.['if-none-match'])).toEqual([undefined, '"1"', undefined])
  })

  it('is no answer to a request without conditions', async () => {
    const kit = makeCache({ script: () => ({ status: 304 }) })
    expect(await codeOf(kit.fetch(PLAN))).toBe('UPSTREAM_FAILED')
    const bare = new Registry()
    bare.etag = undefined
    const other = makeCache({ script: bare.script })
    await other.fetch(PLAN)
    await other.clock.advance(3 * MINUTE)
    bare.instead = { status: 304 }
    expect((await other.get(PLAN)).source).toBe('stale')
  })
})

describe('a document that came', () => {
  it('is kept with the headers of the plan over those that are worth keeping', async () => {
    const headers = { 'content-type': 'a/b', etag: '"1"', 'x-other': 'no', 'set-cookie': 'a=b', age: '3' }
    const kit = makeCache({ script: () => ({ body: version(1), headers }) })
    const plan = { ...PLAN, responseHeaders: { 'content-type': 'c/d', vary: 'accept' } }
    const found = await kit.get(plan)
    const sha256 = digestOf(version(1), 'sha256').hex
    expect([found.headers, found.digest]).toEqual([{ 'content-type': 'c/d', vary: 'accept' }, `sha256:${sha256}`])
    expect(kit.store.records.get(plan.key)).toEqual({
      v: 1,
      blob: sha256,
      size: version(1).length,
      headers: { 'content-type': 'c/d', vary: 'accept' },
      etag: '"1"',
      fetchedAt: kit.clock.now(),
      checkedAt: kit.clock.now(),
      freshFor: MINUTE,
      verified: [],
    })
    expect(kit.mesh.announced).toEqual([])
  })

  const packed: [string, (bytes: Buffer) => Buffer][] = [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    [' GZIP ', gzipSync],
    ['br', brotliCompressSync],
    ['identity', (bytes) => bytes],
    ['', (bytes) => bytes],
  ]

  it.each(packed)('is kept unpacked («%s»)', async (coding, pack) => {
    const kit = makeCache({ script: () => ({ body: pack(version(1)), headers: { 'content-encoding': coding } }) })
    const found = await kit.get(PLAN)
    expect((await read(found)).equals(version(1))).toBe(true)
    expect(found.headers).toEqual({})
    expect((await read(await kit.get(PLAN))).equals(version(1))).toBe(true)
  })

  it('is refused when it is, or unpacks to, more than 128 MiB', async () => {
    const bomb = gzipSync(Buffer.alloc((128 << 20) + 1, 32), { level: 1 })
    const answers: MemoryAnswer[] = [
      { body: bomb, headers: { 'content-encoding': 'gzip' } },
      { body: 'x', headers: { 'content-length': String((128 << 20) + 1) }, stallAt: 0 },
    ]
    for (const answer of answers) {
      const kit = makeCache({ script: () => answer })
      const { code, message } = await failure(kit.fetch(PLAN))
      expect([code, message]).toEqual(['UPSTREAM_CORRUPT', expect.stringMatching(/has more than|does not unpack/)])
      expect(kit.upstream.health()[0]?.inFlight).toBe(0)
    }
  })

  it('is asked for once more, without conditions, when it broke off', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    await kit.fetch(PLAN)
    await kit.clock.advance(3 * MINUTE)
    registry.publish(2)
    let cuts = 0
    const cutting = makeCache({
      store: kit.store,
      script: (request) => serve(request, version(2), { ranges: false, ...(cuts++ === 0 ? { cutAt: 9 } : {}) }),
    })
    await cutting.clock.advance(3 * MINUTE)
    const found = await cutting.get(PLAN)
    expect([found.source, cutting.upstream.requests.length]).toEqual(['upstream', 2])
    expect((await read(found)).equals(version(2))).toBe(true)
    expect(cutting.upstream.requests.map(({ headers }) => headers?.['if-none-match'])).toEqual(['"1"', undefined])
  })

  it('is served also when the disk takes nothing, and asked for again next time', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    kit.memory.storing = false
    expect((await kit.fetch(PLAN)).equals(version(1))).toBe(true)
    expect((await kit.get(PLAN)).source).toBe('upstream')
    expect(registry.sent).toBe(2)
  })

  it('of more bytes than fit in memory beside the disk is served when the disk takes nothing', async () => {
    const large = indexBytes({ [`v${'x'.repeat(20 << 20)}`]: {} })
    const kit = makeCache({ script: () => ({ body: large }) })
    kit.memory.storing = false
    expect((await kit.fetch(PLAN)).equals(large)).toBe(true)
  })

  it('replaces the former one, whose bytes go', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    await kit.fetch(PLAN)
    registry.publish(2)
    await kit.clock.advance(3 * MINUTE)
    await kit.fetch(PLAN)
    await turns()
    expect(await kit.store.status()).toMatchObject({ blobs: 1, bytes: version(2).length })
  })

  it('is of another key than the same URL as another variant', async () => {
    const kit = makeCache({ script: ({ headers }) => ({ body: headers?.accept === 'a' ? version(1) : version(2) }) })
    const [a, b] = ['a', 'b'].map((accept) => document('index', { key: accept, headers: { accept } }))
    if (!a || !b) throw new Error('unreachable')
    expect((await kit.fetch(a)).equals(version(1))).toBe(true)
    expect((await kit.fetch(b)).equals(version(2))).toBe(true)
    expect((await kit.get(a)).source).toBe('local')
  })
})

describe('what changes but is no document', () => {
  const plain = (more = {}) => ({ ...artifact('tag', undefined, more), kind: 'mutable' as const })

  it('is kept and revalidated like one', async () => {
    const kit = makeCache({
      script: ({ headers }) =>
        headers?.['if-none-match'] === '"1"'
          ? { status: 304, headers: { 'cache-control': 'max-age=60' } }
          : { body: 'anything', headers: { etag: '"1"', 'cache-control': 'max-age=60' } },
    })
    expect(String(await kit.fetch(plain()))).toBe('anything')
    expect((await kit.get(plain())).source).toBe('local')
    await kit.clock.advance(10 * MINUTE)
    const found = await kit.get(plain())
    expect([found.source, String(await read(found)), found.document]).toEqual(['upstream', 'anything', undefined])
  })

  it('does when upstream is in trouble', async () => {
    let up = true
    const kit = makeCache({
      script: () => {
        if (!up) throw UNREACHABLE
        return { body: 'anything' }
      },
    })
    await kit.fetch(plain())
    up = false
    await kit.clock.advance(10 * MINUTE)
    expect((await kit.get(plain())).source).toBe('stale')
  })
})
