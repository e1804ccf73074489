import { describe, expect, it } from 'vitest'
import { available, bytesOf, codeOf, inTime, makeCache, read, readRange, serve, turns, useCacheTests } from './fixture.ts'
import { artifact, BASE, digestOf, document, indexBytes, indexed } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const PLAN = artifact('a', [digestOf(BYTES)])

describe('one flight for all who ask', () => {
  it('asks upstream once for 50 askers of a cold artifact, and once for its metadata', async () => {
    const index = indexBytes({ a: { bytes: BYTES } })
    const kit = makeCache({ script: ({ url }) => (url === `${BASE}index` ? { body: index } : { body: BYTES }) })
    const found = await Promise.all(Array.from({ length: 50 }, () => kit.get(indexed('a'))))
    const all = await Promise.all(found.map(read))
    expect(all.every((bytes) => bytes.equals(BYTES))).toBe(true)
    expect(found.map(({ source }) => source)).toEqual(['upstream', ...Array.from({ length: 49 }, () => 'flight')])
    expect([kit.upstream.count(`${BASE}a`), kit.upstream.count(`${BASE}index`)]).toEqual([1, 1])
  })

  it('asks upstream once for 50 askers of a cold document', async () => {
    const index = indexBytes({})
    const kit = makeCache({ script: () => ({ body: index }) })
    const all = await Promise.all(Array.from({ length: 50 }, () => kit.fetch(document('index'))))
    expect(all.every((bytes) => bytes.equals(index))).toBe(true)
    expect(kit.upstream.requests.length).toBe(1)
  })

  it('serves from the store once the flight has landed, and counts no flight any more', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES }) })
    const first = await kit.get(PLAN)
    expect(kit.cache.flights).toBe(1)
    await read(first)
    await turns()
    expect(kit.cache.flights).toBe(0)
    const second = await kit.get(PLAN)
    expect(second.source).toBe('local')
    expect((await read(second)).equals(BYTES)).toBe(true)
    expect(kit.upstream.requests.length).toBe(1)
  })

  it('lets a late reader begin at its own offset and a later one at the start', async () => {
    let go = () => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const kit = makeCache({
      script: async (request) => {
        if (request.range) await gate
        return serve(request, BYTES, { etag: '"1"', ...(request.range ? {} : { cutAt: 200_000 }) })
      },
    })
    const first = await kit.get(PLAN)
    expect(await available(first.body)).toBe(200_000)
    const [second, third] = await Promise.all([kit.get(PLAN), kit.get(PLAN)])
    expect([second.source, third.source]).toEqual(['flight', 'flight'])
    expect((await readRange(second.body, 150_000, 150_010)).equals(BYTES.subarray(150_000, 150_010))).toBe(true)
    go()
    expect((await read(third)).equals(BYTES)).toBe(true)
    expect((await readRange(second.body, 290_000, 300_000)).equals(BYTES.subarray(290_000))).toBe(true)
    first.body.close()
    second.body.close()
  })

  it('goes on for the others when the one who asked first leaves, before and amid the body', async () => {
    let answer = () => {}
    const gate = new Promise<void>((resolve) => {
      answer = resolve
    })
    const kit = makeCache({ script: () => gate.then(() => ({ body: BYTES })) })
    const leader = new AbortController()
    const leading = kit.get(PLAN, { signal: leader.signal })
    const following = kit.get(PLAN)
    const amid = kit.get(PLAN)
    leader.abort(new Error('the client left'))
    await expect(leading).rejects.toThrow('the client left')
    answer()
    ;(await amid).body.close()
    expect((await read(await following)).equals(BYTES)).toBe(true)
    expect(kit.upstream.requests.length).toBe(1)
  })

  it('does not wait for a client that had left before it asked', async () => {
    const kit = makeCache({ script: () => new Promise(() => {}) })
    await expect(kit.get(PLAN, { signal: AbortSignal.abort('gone') })).rejects.toBe('gone')
    await expect(kit.get(document('index'), { signal: AbortSignal.abort('gone') })).rejects.toBe('gone')
  })

  it('fails all who take part once, and flies again for the next', async () => {
    let broken = true
    const kit = makeCache({ script: (request) => serve(request, BYTES, broken ? { cutAt: 1_000 } : {}) })
    const readers = await Promise.all([kit.get(PLAN), kit.get(PLAN)])
    const codes = inTime(kit.clock, Promise.all(readers.map((found) => codeOf(read(found)))))
    expect(await codes).toEqual(['UPSTREAM_CUT', 'UPSTREAM_CUT'])
    broken = false
    expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
  })

  it('keeps flights of different keys apart', async () => {
    const kit = makeCache({ script: ({ url }) => ({ body: url }) })
    const urls = ['x', 'y', 'z'].map((path) => artifact(path))
    expect((await Promise.all(urls.map((plan) => kit.fetch(plan)))).map(String)).toEqual(
      ['x', 'y', 'z'].map((path) => BASE + path),
    )
  })

  it('leaves a stalled flight open to others', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES, stallAt: 100_000 }) })
    const first = await kit.get(PLAN)
    expect(await available(first.body)).toBe(100_000)
    const second = await kit.get(PLAN)
    expect(await available(second.body)).toBe(100_000)
  })
})
