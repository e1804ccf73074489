import { describe, expect, it } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { MINUTE, makeCache, turns, useCacheTests } from './fixture.ts'
import type { Index } from './parser.ts'
import { BASE, document, indexBytes } from './plans.ts'

useCacheTests()

/** Documents that name further ones. */
function naming(path: string): Plan {
  return document(path, { prefetch: (facts) => Object.keys((facts as Index).files).map(naming) })
}

/** An upstream with such documents, by path. */
function start(graph: (path: string) => readonly string[]) {
  return makeCache({
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
    expect([most, kit.upstream.requests.length]).toEqual([6, 1_001])
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
