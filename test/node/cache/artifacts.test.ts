import { describe, expect, it } from 'vitest'
import { bytesOf, makeCache, read, serve, turns, useCacheTests } from './fixture.ts'
import { artifact, digestOf } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(1_000)

describe('an artifact whose metadata gives no digest', () => {
  it.each([
    ['a web page', { 'content-type': 'text/html; charset=utf-8' }, BYTES],
    ['nothing at all', { 'content-type': 'application/octet-stream' }, Buffer.alloc(0)],
  ])('is refused and not kept when %s comes in its place', async (_what, headers, bytes) => {
    let page = true
    const kit = makeCache({ script: (request) => (page ? { headers, body: bytes } : serve(request, BYTES)) })
    const plan = artifact('no-digest', [])
    await expect(kit.get(plan).then(read)).rejects.toMatchObject({ code: 'UPSTREAM_CORRUPT' })
    await turns()
    expect(kit.store.records.get(plan.key)).toBeUndefined()
    page = false
    expect((await read(await kit.get(plan))).equals(BYTES)).toBe(true)
  })
})

describe('what is at hand', () => {
  it('is a small artifact that is held, and never what may change or is yet to be fetched', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    const plan = artifact('held', [digestOf(BYTES)])
    expect(kit.cache.atHand(plan.key)).toBeUndefined()
    await read(await kit.get(plan))
    await turns()
    expect(kit.cache.atHand(plan.key)).toMatchObject({ source: 'local', digest: `sha512:${digestOf(BYTES).hex}` })
    const record = kit.store.records.get(plan.key)
    if (!record) throw new Error('it was not kept')
    for (const freshFor of [0, 60_000]) {
      await kit.store.records.put('mutable', { ...record, freshFor })
      expect(kit.cache.atHand('mutable')).toBeUndefined()
    }
    await kit.store.records.put('large', { ...record, size: (64 << 10) + 1 })
    expect(kit.cache.atHand('large')).toBeUndefined()
  })
})
