import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import type { MemoryScript } from '../../../node/upstream/memory-upstream.ts'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { available, bytesOf, codeOf, inTime, makeCache, read, serve, turns, useCacheTests } from './fixture.ts'
import { artifact, BASE, digestOf, document, indexBytes, indexed } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const OTHER = bytesOf(300_000, 2)
const JUDGED = artifact('a', [digestOf(BYTES)])
/** Its ecosystem gives no checksum. */
const UNJUDGED = artifact('a')

/** Cuts the first answer, then goes on as told. */
const cutOnce =
  (later: MemoryScript, first: { etag?: string; chunked?: boolean; cutAt?: number } = {}): MemoryScript =>
  (request, signal) =>
    request.range ? later(request, signal) : serve(request, BYTES, { cutAt: 200_000, ...first })

/** The same, but what comes later waits until it is let go. */
function cutAndHeld(later: MemoryScript, first: { etag?: string } = {}) {
  const gate = Promise.withResolvers<void>()
  const script = cutOnce(async (request, signal) => {
    await gate.promise
    return later(request, signal)
  }, first)
  return { script, letGo: () => gate.resolve() }
}

describe('a body that is cut', () => {
  it('is gone on with by Range and If-Range, unnoticed by any reader', async () => {
    const kit = makeCache({ script: cutOnce((request) => serve(request, BYTES, { etag: '"1"' }), { etag: '"1"' }) })
    const found = await Promise.all([kit.get(UNJUDGED), kit.get(UNJUDGED)])
    expect((await Promise.all(found.map(read))).every((bytes) => bytes.equals(BYTES))).toBe(true)
    expect(kit.upstream.requests.map(({ range }) => range)).toEqual([undefined, { start: 200_000, ifRange: '"1"' }])
    await turns()
    expect(kit.store.records.get(UNJUDGED.key)).toMatchObject({ size: 300_000, verified: [] })
  })

  it('is gone on with from an answer that ignores Range', async () => {
    const kit = makeCache({
      script: cutOnce((request) => serve(request, BYTES, { ranges: false, etag: '"1"' }), { etag: '"1"' }),
    })
    expect((await kit.fetch(UNJUDGED)).equals(BYTES)).toBe(true)
  })

  it.each([
    ['begins before what is missing', 150_000],
    ['begins behind what is missing', 250_000],
  ])('is not joined with a 206 that %s, where no digest would tell', async (_what, from) => {
    const headers = { 'content-range': `bytes ${from}-299999/300000`, etag: '"1"' }
    const kit = makeCache({
      script: cutOnce(() => ({ status: 206, headers, body: BYTES.subarray(from) }), { etag: '"1"' }),
    })
    await expect(inTime(kit.clock, kit.fetch(UNJUDGED))).rejects.toMatchObject({ code: 'UPSTREAM_CORRUPT' })
    await turns()
    expect(kit.store.records.get(UNJUDGED.key)).toBeUndefined()
  })

  it('is gone on with by a 206 that repeats no ETag, and by one that sends less than was asked for', async () => {
    let asked = 0
    const script = cutOnce(
      ({ range }) => {
        const { start } = range as { start: number }
        const end = asked++ === 0 ? 250_000 : 300_000
        return {
          status: 206,
          headers: { 'content-range': `bytes ${start}-${end - 1}/300000` },
          body: BYTES.subarray(start, end),
        }
      },
      { etag: '"1"' },
    )
    const kit = makeCache({ script })
    expect((await inTime(kit.clock, kit.fetch(UNJUDGED))).equals(BYTES)).toBe(true)
    expect(kit.upstream.requests.map(({ range }) => range?.start)).toEqual([undefined, 200_000, 250_000])
  })

  it('is complete when it was cut after its last byte', async () => {
    const declared = makeCache({ script: (request) => serve(request, BYTES, { cutAt: 300_000 }) })
    expect((await declared.fetch(UNJUDGED)).equals(BYTES)).toBe(true)
    expect(declared.upstream.requests.length).toBe(1)
    const script: MemoryScript = (request) =>
      serve(request, BYTES, { etag: '"1"', ...(request.range ? {} : { cutAt: 300_000, chunked: true }) })
    const chunked = makeCache({ script })
    expect((await chunked.fetch(UNJUDGED)).equals(BYTES)).toBe(true)
    expect(chunked.upstream.requests.map(({ range }) => range?.start)).toEqual([undefined, 300_000])
  })

  it('is fetched from the start when nothing had come', async () => {
    let asked = 0
    const kit = makeCache({ script: (request) => serve(request, BYTES, asked++ === 0 ? { cutAt: 0 } : {}) })
    expect((await kit.fetch(UNJUDGED)).equals(BYTES)).toBe(true)
    expect(kit.upstream.requests.map(({ range }) => range)).toEqual([undefined, undefined])
  })

  it('waits for metadata that is on its way before it gives up for want of a validator', async () => {
    const told = Promise.withResolvers<void>()
    const index = indexBytes({ a: { bytes: BYTES } })
    const script: MemoryScript = async (request) => {
      if (request.url !== `${BASE}index`) return serve(request, BYTES, request.range ? {} : { cutAt: 200_000 })
      await told.promise
      return { body: index }
    }
    const kit = makeCache({ script })
    const found = await kit.get(indexed('a'))
    await turns()
    expect(kit.upstream.count(`${BASE}a`)).toBe(1)
    told.resolve()
    expect((await read(found)).equals(BYTES)).toBe(true)
  })
})

describe('a body that must not be joined with another', () => {
  const cases: [string, { etag?: string }, (request: UpstreamRequest) => ReturnType<MemoryScript>][] = [
    ['neither validator nor digest', {}, (request) => serve(request, BYTES)],
    ['a weak validator only', { etag: 'W/"1"' }, (request) => serve(request, BYTES, { etag: 'W/"1"' })],
    ['a changed validator in a 200', { etag: '"1"' }, (request) => serve(request, OTHER, { etag: '"2"' })],
    ['no validator any more in a 200', { etag: '"1"' }, (request) => serve(request, OTHER, { ranges: false })],
    [
      'a changed validator in a 206, though If-Range forbids that',
      { etag: '"1"' },
      () => ({
        status: 206,
        headers: { etag: '"2"', 'content-range': 'bytes 200000-299999/300000' },
        body: OTHER.subarray(200_000),
      }),
    ],
    [
      'another length',
      { etag: '"1"' },
      () => ({
        status: 206,
        headers: { etag: '"1"', 'content-range': 'bytes 200000-300000/300001' },
        body: OTHER.subarray(199_999),
      }),
    ],
    [
      'another place than was asked for',
      { etag: '"1"' },
      () => ({ status: 206, headers: { 'content-range': 'bytes 199999-299999/300000' }, body: BYTES.subarray(199_999) }),
    ],
    ['no Content-Range', { etag: '"1"' }, () => ({ status: 206, body: BYTES.subarray(200_000) })],
    ['a 404', { etag: '"1"' }, () => ({ status: 404 })],
  ]

  it.each(cases)('breaks off: %s', async (_, first, later) => {
    const { script, letGo } = cutAndHeld(later, first)
    const kit = makeCache({ script })
    const found = await kit.get(UNJUDGED)
    const early = await available(found.body).catch(() => 0)
    letGo()
    // Without a validator the flight ends with the cut.
    expect(early).toBe(first.etag === '"1"' ? 200_000 : 0)
    expect(await codeOf(inTime(kit.clock, read(found)))).toMatch(/^UPSTREAM_(CUT|CORRUPT|ABSENT)$/)
    await turns()
    expect(kit.store.records.get(UNJUDGED.key)).toBeUndefined()
  })

  it('breaks off when a digest shows that the halves do not belong together', async () => {
    const { script, letGo } = cutAndHeld((request) => serve(request, OTHER))
    const kit = makeCache({ script })
    const found = await kit.get(JUDGED)
    expect(await available(found.body)).toBe(200_000)
    letGo()
    expect(await codeOf(read(found))).toBe('UPSTREAM_CORRUPT')
  })

  it('fetches anew when it changed before anybody was given a byte', async () => {
    // Of 50 000 bytes none goes out before the end.
    const [before, after] = [bytesOf(50_000), bytesOf(50_000, 2)]
    let asked = 0
    const kit = makeCache({
      script: (request) => serve(request, asked++ === 0 ? before : after, asked === 1 ? { cutAt: 20_000 } : {}),
    })
    expect((await kit.fetch(artifact('a', [digestOf(after)]))).equals(after)).toBe(true)
    expect(kit.upstream.requests.map(({ range }) => range?.start)).toEqual([undefined, 20_000, undefined])
  })
})

describe('a source that does not recover', () => {
  it('is tried four times, longer and longer apart, and then given up', async () => {
    const times: number[] = []
    const script = cutOnce(
      () => {
        times.push(kit.clock.now())
        throw new WarrenError('UPSTREAM_UNREACHABLE', 'nobody there')
      },
      { etag: '"1"' },
    )
    const kit = makeCache({ script })
    const start = kit.clock.now()
    expect(await codeOf(inTime(kit.clock, kit.fetch(UNJUDGED), 500))).toBe('UPSTREAM_UNREACHABLE')
    expect(times.map((time) => time - start)).toEqual([0, 500, 1_500, 3_500])
  })

  it('is given up when it brings a byte at a time', async () => {
    const kit = makeCache({
      script: (request) => serve(request, BYTES, { etag: '"1"', cutAt: (request.range?.start ?? 200_000) + 1 }),
    })
    expect(await codeOf(inTime(kit.clock, kit.fetch(UNJUDGED), 500))).toBe('UPSTREAM_CUT')
    expect(kit.upstream.requests.length).toBe(5)
  })

  it('is asked as often as it takes while it makes progress', async () => {
    const kit = makeCache({
      script: (request) => serve(request, BYTES, { etag: '"1"', cutAt: (request.range?.start ?? 0) + 66_000 }),
    })
    expect((await inTime(kit.clock, kit.fetch(UNJUDGED), 500)).equals(BYTES)).toBe(true)
    expect(kit.upstream.requests.length).toBe(5)
  })

  it('ends a body that goes on beyond its declared length after a cut', async () => {
    const long = Buffer.concat([BYTES, Buffer.alloc(10)])
    const { script, letGo } = cutAndHeld((request) => serve(request, long, { ranges: false, chunked: true, etag: '"1"' }), {
      etag: '"1"',
    })
    const kit = makeCache({ script })
    const found = await kit.get(UNJUDGED)
    expect(await available(found.body)).toBe(200_000)
    letGo()
    expect(await codeOf(inTime(kit.clock, read(found), 500))).toBe('UPSTREAM_CORRUPT')
  })
})

describe('whatever happens on the way', () => {
  const answer = fc.record({
    kind: fc.constantFrom('range', 'ignored', 'changed', 'elsewhere', 'resized', 'trouble'),
    /** Bytes that this answer brings before it is cut; many of them are more than there are. */
    brings: fc.integer({ min: 0, max: 500_000 }),
    chunked: fc.boolean(),
    chunk: fc.integer({ min: 1_000, max: 100_000 }),
  })

  function play(answers: readonly (typeof answer extends fc.Arbitrary<infer A> ? A : never)[], strong: boolean): MemoryScript {
    let next = 0
    return (request) => {
      const { kind, brings, chunked, chunk } = answers[next++ % answers.length] ?? {
        kind: 'range',
        brings: 1e9,
        chunked: false,
        chunk: 1e5,
      }
      const start = request.range?.start ?? 0
      const serving = { chunked, chunk, cutAt: start + brings, ...(strong ? { etag: '"1"' } : {}) }
      switch (kind) {
        case 'trouble':
          throw new WarrenError('UPSTREAM_FAILED', 'scripted')
        case 'ignored':
          return serve(request, BYTES, { ...serving, ranges: false })
        case 'changed':
          return serve(request, OTHER, { ...serving, etag: '"2"' })
        case 'elsewhere':
          return {
            status: 206,
            headers: { 'content-range': `bytes ${start + 1}-299999/300000` },
            body: BYTES.subarray(start + 1),
          }
        case 'resized':
          return serve(request, Buffer.concat([BYTES, OTHER]), serving)
        default:
          return serve(request, BYTES, serving)
      }
    }
  }

  it('readers get the right bytes or a broken body, never a wrong one that looks complete', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(answer, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        fc.boolean(),
        async (answers, strong, readEarly) => {
          const kit = makeCache({ script: play(answers, strong) })
          const outcome = async () => {
            const found = await kit.get(JUDGED)
            if (readEarly) await available(found.body)
            const { size } = found.body
            const bytes = await read(found)
            return { size, bytes }
          }
          const outcomes = await inTime(kit.clock, Promise.allSettled([outcome(), outcome(), outcome()]), 500)
          for (const one of outcomes) {
            if (one.status === 'rejected') expect(one.reason).toMatchObject({ name: 'WarrenError' })
            else expect([one.value.bytes.equals(BYTES), one.value.size ?? BYTES.length]).toEqual([true, BYTES.length])
          }
          await turns()
          const record = kit.store.records.get(JUDGED.key)
          expect(record?.blob ?? digestOf(BYTES, 'sha256').hex).toBe(digestOf(BYTES, 'sha256').hex)
          expect([kit.cache.flights, kit.upstream.health()[0]?.inFlight ?? 0]).toEqual([0, 0])
          await kit.cache.close()
        },
      ),
      { numRuns: 200 },
    )
  })

  it('cuts at any offset of an honest upstream are healed, with and without Range', async () => {
    const honest = fc.record({
      kind: fc.constantFrom('range', 'ignored'),
      brings: fc.integer({ min: 66_000, max: 400_000 }),
      chunked: fc.boolean(),
      chunk: fc.integer({ min: 1_000, max: 100_000 }),
    })
    const finish = { kind: 'ignored', brings: 400_000, chunked: false, chunk: 65_536 }
    await fc.assert(
      fc.asyncProperty(fc.array(honest, { maxLength: 3 }), fc.boolean(), async (answers, judged) => {
        const plan = judged ? JUDGED : UNJUDGED
        const kit = makeCache({ script: play([...answers, finish] as Parameters<typeof play>[0], !judged) })
        const all = await inTime(kit.clock, Promise.all([kit.fetch(plan), kit.fetch(plan)]), 500)
        expect(all.every((bytes) => bytes.equals(BYTES))).toBe(true)
        await kit.cache.close()
      }),
      { numRuns: 100 },
    )
  })

  it('the document beside it is asked for once however often the body is cut', async () => {
    const index = indexBytes({ a: { bytes: BYTES } })
    const script: MemoryScript = (request) =>
      request.url === `${BASE}index` ? { body: index } : serve(request, BYTES, { cutAt: (request.range?.start ?? 0) + 70_000 })
    const kit = makeCache({ script })
    expect((await inTime(kit.clock, kit.fetch(indexed('a', document('index'))))).equals(BYTES)).toBe(true)
    expect(kit.upstream.count(`${BASE}index`)).toBe(1)
  })
})
