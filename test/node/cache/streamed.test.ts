import { describe, expect, it } from 'vitest'
import { bytesOf, codeOf, MINUTE, makeCache, read, turns, useCacheTests } from './fixture.ts'
import { artifact, digestOf } from './plans.ts'
import { Registry, TROUBLES, UNREACHABLE } from './registry.ts'

useCacheTests()

const ONE = bytesOf(3 << 20)
const TWO = bytesOf(3 << 20, 2)
const PLAN = artifact('toolchain.tar', undefined, {
  kind: 'mutable',
  streamed: true,
  lifetime: { floor: MINUTE, cap: MINUTE },
})

/** 200 kB, of which a part would go out before the end is here. */
const PAGE = { body: bytesOf(200_000), headers: { 'content-type': 'text/html; charset=utf-8' } }

/** Without a digest nothing tells that these are wrong. */
const GOES_FOR_RIGHT = [
  'sends an empty object',
  'sends null',
  'sends half a document and ends cleanly',
  'sends what does not unpack',
  'sends an unknown encoding',
]

/** Troubles that show before a byte goes out; what breaks off later has gone out already. */
const REFUSALS: typeof TROUBLES = [
  ...TROUBLES.filter(([name]) => !GOES_FOR_RIGHT.includes(name)),
  ['sends a login page of any size', PAGE],
]

/** An upstream that has the first bytes under a name, and a cache. */
function start() {
  const registry = new Registry()
  registry.bytes = ONE
  const kit = makeCache({ script: registry.script })
  const publish = () => {
    registry.bytes = TWO
    registry.etag = '"2"'
  }
  return { ...kit, registry, publish }
}

async function filled() {
  const kit = start()
  await kit.fetch(PLAN)
  await turns()
  return kit
}

describe('what is mutable and may be large', () => {
  it('goes out before all of it is here, to all who ask, from one request', async () => {
    const { get, upstream, registry } = start()
    const release = registry.hold()
    const asking = [get(PLAN), get(PLAN)]
    release()
    const found = await Promise.all(asking)
    for (const one of found) expect((await read(one)).equals(ONE)).toBe(true)
    expect([upstream.requests.length, registry.sent]).toEqual([1, 1])
  })

  it('is served from here within its lifetime, with its age', async () => {
    const { get, clock, publish, upstream } = await filled()
    publish()
    await clock.advance(MINUTE - 1)
    const found = await get(PLAN)
    expect([found.source, found.age, upstream.requests.length]).toEqual(['local', 59, 1])
    expect((await read(found)).equals(ONE)).toBe(true)
  })

  it('is only confirmed when nothing changed, and fresh again', async () => {
    const { get, clock, registry, upstream } = await filled()
    await clock.advance(3 * MINUTE)
    const found = await get(PLAN)
    expect([found.source, found.age, registry.sent]).toEqual(['upstream', 0, 1])
    expect((await read(found)).equals(ONE)).toBe(true)
    expect((await get(PLAN)).source).toBe('local')
    expect(upstream.requests.map(({ headers }) => headers?.['if-none-match'])).toEqual([undefined, '"1"'])
  })

  it('is fetched anew when it changed, and kept', async () => {
    const { get, fetch, clock, publish, registry } = await filled()
    publish()
    await clock.advance(3 * MINUTE)
    const found = await get(PLAN)
    expect(found.source).toBe('upstream')
    expect((await read(found)).equals(TWO)).toBe(true)
    await turns()
    expect((await fetch(PLAN)).equals(TWO)).toBe(true)
    expect(registry.sent).toBe(2)
  })

  it('is served stale for a minute past its lifetime, and refreshed behind', async () => {
    const { get, fetch, clock, publish } = await filled()
    publish()
    await clock.advance(2 * MINUTE - 1)
    const found = await get(PLAN)
    expect(found.source).toBe('stale')
    expect((await read(found)).equals(ONE)).toBe(true)
    await turns(20)
    expect((await fetch(PLAN)).equals(TWO)).toBe(true)
  })

  it.each(REFUSALS)('is served stale when upstream %s', async (_, instead) => {
    const { get, clock, registry } = await filled()
    registry.instead = instead
    await clock.advance(3 * MINUTE)
    const found = await get(PLAN)
    expect(found.source).toBe('stale')
    expect((await read(found)).equals(ONE)).toBe(true)
  })

  it('is served stale when a web page comes instead, also where others say what it must be', async () => {
    const { get, clock, registry } = await filled()
    registry.instead = PAGE
    await clock.advance(3 * MINUTE)
    const found = await get({ ...PLAN, expect: async () => ({ digests: [digestOf(ONE, 'sha256')] }) })
    expect([found.source, (await read(found)).equals(ONE)]).toEqual(['stale', true])
  })

  it('is refused where a web page comes instead and nothing is held, before a byte of it went out', async () => {
    const { get, registry } = start()
    registry.instead = PAGE
    expect(await codeOf(get(PLAN))).toBe('UPSTREAM_CORRUPT')
  })

  it('may be sent as a web page where it is one by its name, or its digest is right', async () => {
    const { fetch, registry } = start()
    registry.instead = PAGE
    expect((await fetch({ ...PLAN, key: 'page', url: `${PLAN.url}/index.html?x` })).equals(PAGE.body)).toBe(true)
    expect((await fetch({ ...PLAN, expect: async () => ({ digests: [digestOf(PAGE.body)] }) })).equals(PAGE.body)).toBe(true)
  })

  it('is served stale when upstream breaks off before a byte could go out', async () => {
    const { get, clock, registry } = await filled()
    registry.instead = { body: TWO, chunked: true, cutAt: 60_000 }
    await clock.advance(3 * MINUTE)
    const found = await get(PLAN)
    expect([found.source, (await read(found)).equals(ONE)]).toEqual(['stale', true])
  })

  it('is not served against upstream’s word that it is gone', async () => {
    const { fetch, clock, registry } = await filled()
    registry.instead = { status: 404 }
    await clock.advance(3 * MINUTE)
    expect(await codeOf(fetch(PLAN))).toBe('UPSTREAM_ABSENT')
    registry.instead = UNREACHABLE
    await clock.advance(MINUTE)
    expect(await codeOf(fetch(PLAN))).toBe('UPSTREAM_UNREACHABLE')
  })

  it('is asked for anew by who wants nothing unconfirmed, at most once in ten seconds', async () => {
    const { get, clock, upstream } = await filled()
    await clock.advance(11_000)
    expect((await get(PLAN, { revalidate: true })).source).toBe('upstream')
    expect((await get(PLAN, { revalidate: true })).source).toBe('local')
    expect(upstream.requests.length).toBe(2)
  })

  it('is asked for whole when its bytes are lost, without conditions', async () => {
    const { fetch, clock, store, upstream } = await filled()
    const record = store.records.get(PLAN.key)
    await store.blobs.delete(record?.blob ?? '')
    await clock.advance(3 * MINUTE)
    expect((await fetch(PLAN)).equals(ONE)).toBe(true)
    expect(upstream.requests.at(-1)?.headers).not.toHaveProperty('if-none-match')
  })

  it('must be what is promised of it, and is broken off else', async () => {
    const { fetch, store, events } = start()
    const right = { ...PLAN, expect: async () => ({ digests: [digestOf(ONE)] }) }
    const wrong = { ...PLAN, key: 'wrong', expect: async () => ({ digests: [digestOf(TWO)] }) }
    expect((await fetch(right)).equals(ONE)).toBe(true)
    expect(await codeOf(fetch(wrong))).toBe('UPSTREAM_CORRUPT')
    await turns()
    expect(store.records.get(right.key)?.verified).toEqual([`sha512:${digestOf(ONE).hex}`])
    expect(store.records.get('wrong')).toBeUndefined()
    expect(events.count('corrupt upstream')).toBeGreaterThan(0)
  })

  it('tells its length to a HEAD without being fetched', async () => {
    const { get, upstream } = start()
    const found = await get(PLAN, { head: true })
    found.body.close()
    expect([found.body.size, upstream.requests.map(({ method }) => method)]).toEqual([ONE.length, ['HEAD']])
  })

  it('is looked at again where another mirror keeps it for what never changes', async () => {
    const { fetch, clock, publish, upstream } = start()
    const { streamed: _, lifetime: __, ...rest } = PLAN
    const forGood = { ...rest, kind: 'immutable' as const }
    await fetch(forGood)
    await turns()
    publish()
    await clock.advance(3 * MINUTE)
    expect((await fetch(forGood)).equals(ONE)).toBe(true)
    expect((await fetch(PLAN)).equals(TWO)).toBe(true)
    expect(upstream.requests.length).toBe(2)
  })
})
