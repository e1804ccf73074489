import { describe, expect, it } from 'vitest'
import { available, bytesOf, codeOf, failure, makeCache, read, readRange, turns, useCacheTests } from './fixture.ts'
import { artifact, digestOf } from './plans.ts'

useCacheTests()

const HELD_BACK = 64 << 10
const BYTES = bytesOf(300_000)
const WRONG = Buffer.from(BYTES)
WRONG[1_000] = (WRONG[1_000] ?? 0) ^ 1
const PLAN = artifact('a', [digestOf(BYTES)])
const SMALL = bytesOf(10_000, 2)
const SMALL_WRONG = Buffer.from(SMALL).fill(0, 0, 10)
const SMALL_PLAN = artifact('small', [digestOf(SMALL)])

describe('what goes out while an artifact comes in', () => {
  it('gives the first byte out when the first byte is in', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES, stallAt: 1 }) })
    const found = await kit.get(PLAN)
    expect((await readRange(found.body, 0, 1)).equals(BYTES.subarray(0, 1))).toBe(true)
    // No digest yet: a client would join what it has with other bytes by an entity tag that only the right ones deserve.
    expect(found).toMatchObject({ source: 'upstream', digest: undefined, body: { size: BYTES.length } })
  })

  it('holds the last 64 KiB back until the digest is known to be right', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES, stallAt: BYTES.length }) })
    const found = await kit.get(PLAN)
    expect(await available(found.body)).toBe(BYTES.length - HELD_BACK)
  })

  it('holds 64 KiB back of what has no declared length, wherever its end may be', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES, chunked: true, stallAt: 200_000 }) })
    const found = await kit.get(PLAN)
    expect(found.body.size).toBeUndefined()
    expect(await available(found.body)).toBe(200_000 - HELD_BACK)
  })

  it.each([{ chunked: false }, { chunked: true }])(
    'passes everything on and keeps it when it is right (%o)',
    async ({ chunked }) => {
      const kit = makeCache({
        script: () => ({ body: BYTES, chunked, headers: { etag: '"1"', 'x-other': 'y', 'content-type': 'a/b' } }),
      })
      expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
      await turns()
      const digest = `sha512:${digestOf(BYTES).hex}`
      const record = kit.store.records.get(PLAN.key)
      const { hex: blob } = digestOf(BYTES, 'sha256')
      expect(record).toMatchObject({ blob, size: BYTES.length, freshFor: null, verified: [digest], etag: '"1"' })
      expect(record?.headers).toEqual({ 'content-type': 'a/b' })
      expect(kit.mesh.announced).toEqual([digest])
      expect(kit.events.lines).toEqual([])
    },
  )

  it('carries an empty artifact', async () => {
    const plan = artifact('empty', [digestOf('')])
    const kit = makeCache({ script: () => ({ body: '' }) })
    expect((await kit.fetch(plan)).length).toBe(0)
    await turns()
    expect((await kit.get(plan)).source).toBe('local')
  })

  it('asks upstream for the plain bytes and sends no Content-Encoding on', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES, headers: { 'content-encoding': 'gzip' } }) })
    const found = await kit.get({ ...PLAN, headers: { accept: 'a/b', 'accept-encoding': 'br' } })
    expect(kit.upstream.requests[0]?.headers).toEqual({ accept: 'a/b', 'accept-encoding': 'identity' })
    expect((await read(found)).equals(BYTES)).toBe(true)
    expect(found.headers).toEqual({})
  })
})

describe('bytes that are wrong', () => {
  it('breaks the body off, keeps nothing, and fetches anew for the next', async () => {
    let served: Buffer = WRONG
    const kit = makeCache({ script: () => ({ body: served }) })
    const found = await kit.get(PLAN)
    const reader = readRange(found.body, 0, BYTES.length)
    expect(await codeOf(reader)).toBe('UPSTREAM_CORRUPT')
    found.body.close()
    await turns()
    expect([kit.store.records.get(PLAN.key), kit.mesh.announced, kit.cache.flights]).toEqual([undefined, [], 0])
    expect(await kit.store.status()).toMatchObject({ blobs: 0 })
    expect(kit.events.count('corrupt upstream')).toBe(1)
    served = BYTES
    expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
    expect(kit.upstream.requests.length).toBe(2)
  })

  it('fetches silently once more while nobody was given a byte', async () => {
    let served: Buffer = SMALL_WRONG
    const kit = makeCache({
      script: () => {
        const body = served
        served = SMALL
        return { body, headers: { 'content-type': `a/${body === SMALL ? 'right' : 'wrong'}` } }
      },
    })
    expect((await kit.fetch(SMALL_PLAN)).equals(SMALL)).toBe(true)
    await turns()
    expect(kit.upstream.requests.length).toBe(2)
    expect(kit.store.records.get(SMALL_PLAN.key)?.headers).toEqual({ 'content-type': 'a/right' })
  })

  it('gives up when the second copy is wrong as well', async () => {
    const kit = makeCache({ script: () => ({ body: SMALL_WRONG }) })
    const error = await failure(kit.fetch(SMALL_PLAN))
    expect(error).toMatchObject({ code: 'UPSTREAM_CORRUPT', retryable: true })
    expect(error.message).toContain(`sha512:${digestOf(SMALL).hex}`)
    expect(kit.upstream.requests.length).toBe(2)
    // Trouble is no answer: nothing of it is remembered.
    expect(await codeOf(kit.fetch(SMALL_PLAN))).toBe('UPSTREAM_CORRUPT')
    expect(kit.upstream.requests.length).toBe(4)
  })

  it('never completes a body with a second copy of another length than was promised', async () => {
    let served: Buffer = Buffer.concat([SMALL, SMALL]).subarray(0, 12_000)
    const kit = makeCache({
      script: () => {
        const body = served
        served = SMALL
        return { body }
      },
    })
    const found = await kit.get(SMALL_PLAN)
    expect(found.body.size).toBe(12_000)
    expect(await codeOf(read(found))).toBe('UPSTREAM_CORRUPT')
  })

  it.each([
    ['too short', BYTES.subarray(0, 299_999)],
    ['too long', Buffer.concat([BYTES, Buffer.from('x')])],
  ])('takes a body for wrong that is %s for its digest', async (_, body) => {
    const kit = makeCache({ script: () => ({ body, chunked: true }) })
    expect(await codeOf(kit.fetch(PLAN))).toBe('UPSTREAM_CORRUPT')
    expect(kit.store.records.get(PLAN.key)).toBeUndefined()
  })

  it('takes any one of several digests, and names the one that matched', async () => {
    const digests = [digestOf('other'), digestOf(SMALL)]
    const kit = makeCache({ script: () => ({ body: SMALL }) })
    const found = await kit.get(artifact('a', digests))
    // Which one it will be is not known before the end.
    expect(found.digest).toBeUndefined()
    expect((await read(found)).equals(SMALL)).toBe(true)
    await turns()
    expect((await kit.get(artifact('a', digests))).digest).toBe(`sha512:${digestOf(SMALL).hex}`)
  })

  it('checks a digest that was not computed on the way', async () => {
    const plan = (bytes: Buffer) => artifact('a', undefined, { expect: async () => ({ digests: [digestOf(bytes, 'sha384')] }) })
    const kit = makeCache({ script: () => ({ body: BYTES }) })
    expect(await codeOf(kit.fetch(plan(WRONG)))).toBe('UPSTREAM_CORRUPT')
    expect((await kit.fetch(plan(BYTES))).equals(BYTES)).toBe(true)
    await turns()
    expect(kit.store.records.get(plan(BYTES).key)?.verified).toEqual([`sha384:${digestOf(BYTES, 'sha384').hex}`])
  })
})

describe('closing', () => {
  it('breaks flights and waiting askers off with DRAINING, and starts nothing any more', async () => {
    const kit = makeCache({
      script: ({ url }) => (url.endsWith('never') ? new Promise(() => {}) : { body: BYTES, stallAt: 100_000 }),
    })
    const found = await kit.get(PLAN)
    const reading = codeOf(readRange(found.body, 0, BYTES.length))
    const asking = codeOf(kit.get(artifact('never')))
    await turns()
    await kit.cache.close()
    await kit.cache.close()
    expect([await reading, await asking]).toEqual(['DRAINING', 'DRAINING'])
    expect(kit.cache.flights).toBe(0)
    expect(kit.upstream.health().map(({ inFlight }) => inFlight)).toEqual([0])
    expect(kit.clock.sleeping).toBe(0)
    expect(await codeOf(kit.get(PLAN))).toBe('DRAINING')
    found.body.close()
  })

  it('rejects a read of a body that was closed', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES, stallAt: 100_000 }) })
    const found = await kit.get(PLAN)
    const waiting = expect(readRange(found.body, 100_000, 100_001)).rejects.toThrow()
    found.body.close()
    found.body.close()
    await expect(readRange(found.body, 0, 1)).rejects.toThrow('closed')
    await kit.cache.close()
    await waiting
  })
})
