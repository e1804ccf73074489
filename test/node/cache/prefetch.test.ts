import { describe, expect, it } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { eventually } from '../../harness/wait.ts'
import { MINUTE, makeCache, turns, useCacheTests } from './fixture.ts'
import type { Index } from './parser.ts'
import { BASE, document, indexBytes } from './plans.ts'

useCacheTests()

/** Documents that name further ones. */
function naming(path: string): Plan {
  return document(path, { prefetch: (facts) => Object.keys((facts as Index).files).map(naming) })
}

/** An upstream with such documents, by path. */
function start(graph: (path: string) => readonly string[], mayPrefetch: (plan: Plan) => boolean = () => true) {
  return makeCache({
    mayPrefetch,
    script: ({ url }) => ({ body: indexBytes(Object.fromEntries(graph(url.slice(BASE.length)).map((path) => [path, {}]))) }),
  })
}

const GRAPH: Record<string, string[]> = { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }

describe('what a document names to be fetched ahead', () => {
  it('is here when it is asked for, with what that names in turn, each from one request', async () => {
    const { fetch, get, upstream } = start((path) => GRAPH[path] ?? [])
    await fetch(naming('a'))
    await turns(20)
    expect(upstream.requests.map(({ url }) => url.slice(BASE.length)).sort()).toEqual(['a', 'b', 'c', 'd'])
    for (const path of ['b', 'c', 'd']) {
      const found = await get(naming(path))
      found.body.close()
      expect(found.source).toBe('local')
    }
  })

  it('is left alone when it is here already, however old', async () => {
    const { fetch, clock, upstream } = start((path) => (path === 'a' ? ['b'] : []))
    await fetch(document('b'))
    await clock.advance(10 * MINUTE)
    await fetch(naming('a'))
    await turns(20)
    expect(upstream.count(`${BASE}b`)).toBe(1)
  })

  it('ends some steps away from what was asked for, in a chain without end', async () => {
    const { fetch, upstream } = start((path) => [`${path}+`])
    await fetch(naming('a'))
    await turns(100)
    expect(upstream.requests.length).toBe(17)
  })

  it('is bounded, and never more than six at a time', async () => {
    let running = 0
    let most = 0
    const many = Array.from({ length: 5_000 }, (_, at) => `p${at}`)
    const kit = makeCache({
      script: async ({ url }) => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        const files = url === `${BASE}a` ? Object.fromEntries(many.map((path) => [path, {}])) : {}
        return { body: indexBytes(files) }
      },
    })
    await kit.fetch(naming('a'))
    for (let i = 0; i < 100 && running > 0; i++) await turns(20)
    expect([most, kit.upstream.requests.length]).toEqual([6, 501])
  })

  it('is bounded in all for one request, however many names each document has', async () => {
    let named = 0
    const { fetch, upstream } = start(() => Array.from({ length: 64 }, () => `p${named++}`))
    await fetch(naming('a'))
    for (let before = 0; before < upstream.requests.length; await turns(50)) before = upstream.requests.length
    expect(upstream.requests.length).toBe(501)
    await fetch(naming('b'))
    for (let before = 0; before < upstream.requests.length; await turns(50)) before = upstream.requests.length
    expect(upstream.requests.length).toBe(1_002)
  })

  it('is bounded in bytes for one request, but for those that are on their way when that shows', async () => {
    const names = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`p${at}`, {}]))
    const large = Buffer.concat([indexBytes({}), Buffer.alloc(8 << 20, ' ')])
    const kit = makeCache({ script: ({ url }) => ({ body: url === `${BASE}a` ? indexBytes(names) : large }) })
    await kit.fetch(naming('a'))
    const last = () => kit.upstream.requests.length
    // Each takes its time to be read, on a busy machine more than any pause here.
    await eventually('eight of them have come', () => last() > 8)
    for (let before = 0; before < last(); await new Promise((resolve) => setTimeout(resolve, 500))) before = last()
    expect(last()).toBeLessThanOrEqual(1 + 8 + 6)
  })

  it('is not asked for where no client could have it', async () => {
    const { fetch, upstream } = start(
      (path) => GRAPH[path] ?? [],
      ({ url }) => !url.endsWith('b'),
    )
    await fetch(naming('a'))
    await turns(20)
    expect(upstream.requests.map(({ url }) => url.slice(BASE.length)).sort()).toEqual(['a', 'c', 'd'])
  })

  it('is fetched once for all who ask for it meanwhile, be it large', async () => {
    const large = Buffer.concat([indexBytes({}), Buffer.alloc(1 << 20, ' ')])
    const held = Promise.withResolvers<void>()
    const kit = makeCache({
      script: async ({ url }) => {
        if (url === `${BASE}a`) return { body: indexBytes({ b: {} }) }
        await held.promise
        return { body: large }
      },
    })
    await kit.fetch(naming('a'))
    await turns(20)
    const asked = [kit.fetch(naming('b')), kit.fetch(naming('b'))]
    await turns(20)
    expect(kit.upstream.count(`${BASE}b`)).toBe(1)
    held.resolve()
    for (const bytes of await Promise.all(asked)) expect(bytes.equals(large)).toBe(true)
    expect(kit.upstream.count(`${BASE}b`)).toBe(1)
    expect((await kit.get(naming('b'))).source).toBe('local')
  })

  it('is nobody’s trouble when it cannot be had', async () => {
    const kit = makeCache({
      script: ({ url }) => (url === `${BASE}a` ? { body: indexBytes({ b: {} }) } : { status: 500 }),
    })
    await kit.fetch(naming('a'))
    await turns(20)
    expect(kit.upstream.requests.length).toBe(2)
  })
})
