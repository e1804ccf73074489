import { describe, expect, it } from 'vitest'
import { wantedOf } from '../../../node/cache/found.ts'
import { disowned } from '../../../node/cache/freshness.ts'
import { bytesOf, MINUTE, makeCache, read, serve, turns, useCacheTests } from './fixture.ts'
import { artifact, digestOf, document } from './plans.ts'
import { Registry } from './registry.ts'

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
  it('is a small artifact that is held, and never what is large or yet to be fetched', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    const plan = artifact('held', [digestOf(BYTES)])
    expect(kit.cache.atHand(wantedOf(plan))).toBeUndefined()
    await read(await kit.get(plan))
    await turns()
    expect(kit.cache.atHand(wantedOf(plan))).toMatchObject({ source: 'local', digest: `sha512:${digestOf(BYTES).hex}` })
    const record = kit.store.records.get(plan.key)
    if (!record) throw new Error('it was not kept')
    const large = artifact('large')
    await kit.store.records.put(large.key, { ...record, size: (64 << 10) + 1 })
    expect(kit.cache.atHand(wantedOf(large))).toBeUndefined()
    const linked = artifact('linked')
    await kit.store.records.put(linked.key, { ...record, link: true })
    expect(kit.cache.atHand(wantedOf(linked))).toBeUndefined()
  })

  it('is a small document until its lifetime is over, and what upstream said of it is replaced or taken back', async () => {
    const registry = new Registry()
    const kit = makeCache({ script: registry.script })
    const plan = document('index')
    const atHand = (revalidate = false) => kit.cache.atHand(wantedOf(plan), revalidate)
    await kit.fetch(plan)
    const record = kit.store.records.get(plan.key)
    if (!record) throw new Error('it was not kept')
    await kit.clock.advance(MINUTE - 1)
    expect(atHand()).toMatchObject({ source: 'local', age: 59, document: { spans: [] } })
    await kit.clock.advance(1)
    expect(atHand()).toBeUndefined()
    await kit.store.records.put(plan.key, { ...record, checkedAt: kit.clock.now() })
    expect(atHand()).toMatchObject({ age: 0 })
    await kit.store.records.put(plan.key, disowned(record))
    expect(atHand()).toBeUndefined()
    await kit.store.records.put(plan.key, { ...record, checkedAt: kit.clock.now() + 2 * MINUTE })
    expect(atHand()).toBeUndefined()
    await kit.store.records.delete(plan.key)
    expect(atHand()).toBeUndefined()
  })

  it('is a document that a client wants confirmed only if it has just been', async () => {
    const kit = makeCache({ script: new Registry().script })
    const plan = document('index')
    await kit.fetch(plan)
    await kit.clock.advance(9_999)
    expect(kit.cache.atHand(wantedOf(plan), true)).toBeDefined()
    await kit.clock.advance(1)
    expect(kit.cache.atHand(wantedOf(plan), true)).toBeUndefined()
    expect(kit.cache.atHand(wantedOf(plan), false)).toBeDefined()
    // What never changes needs no confirmation.
    expect(kit.cache.atHand({ ...wantedOf(plan), kind: 'immutable' }, true)).toBeDefined()
  })

  it('is nothing for a mirror on which it may change, if another one has it that it never does', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    const plan = artifact('held')
    await read(await kit.get(plan))
    await turns()
    expect(kit.cache.atHand(wantedOf(plan))).toBeDefined()
    expect(kit.cache.atHand(wantedOf({ ...plan, kind: 'mutable' }))).toBeUndefined()
  })
})
