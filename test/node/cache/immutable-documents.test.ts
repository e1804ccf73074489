import { describe, expect, it } from 'vitest'
import type { Lookup } from '../../../node/cache/plan.ts'
import { bytesOf, codeOf, makeCache, turns, useCacheTests } from './fixture.ts'
import { indexParser } from './parser.ts'
import { artifact, BASE, digestOf, indexBytes } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(100_000)
const SIBLING = artifact('a.sha512', undefined, { document: indexParser })
const told = indexBytes({ a: { digests: [digestOf(BYTES).hex] } })

/** An artifact that a document says the digest of which never changes itself. */
const PLAN = artifact('a', undefined, {
  expect: async (lookup: Lookup, signal: AbortSignal) => {
    const facts = (await lookup.fetch(SIBLING, signal)) as { files: { a: { digests: string[] } } }
    return { digests: facts.files.a.digests.map((hex) => ({ algorithm: 'sha512', hex })) }
  },
})

const start = (sibling = told) => makeCache({ script: ({ url }) => ({ body: url === SIBLING.url ? sibling : BYTES }) })

describe('a document that never changes', () => {
  it('tells its facts to who looks it up, when it comes and when it is held', async () => {
    const kit = start()
    expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
    await turns()
    await kit.store.records.delete(PLAN.key)
    expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
    expect([kit.upstream.count(SIBLING.url), kit.store.records.get(SIBLING.key)?.freshFor]).toEqual([1, null])
  })

  it('is neither served nor kept when it is another one than was asked for', async () => {
    const kit = start()
    const plan = { ...SIBLING, isMeant: () => false }
    expect(await codeOf(kit.fetch(plan))).toBe('UPSTREAM_CORRUPT')
    expect(kit.store.records.get(plan.key)).toBeUndefined()
  })
})

describe('a HEAD for something that has an expectation', () => {
  const absent = () => makeCache({ script: ({ url }) => (url === SIBLING.url ? { body: told } : { status: 404 }) })

  it('is answered by upstream’s own where it can be nowhere else', async () => {
    const kit = absent()
    const plan = { ...PLAN, located: true }
    expect(await codeOf(kit.get(plan, { head: true }))).toBe('UPSTREAM_ABSENT')
    expect(kit.upstream.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([`HEAD ${BASE}a`])
  })

  it('costs a GET where metadata might name another place', async () => {
    const kit = absent()
    expect(await codeOf(kit.get(PLAN, { head: true }))).toBe('UPSTREAM_ABSENT')
    expect(kit.upstream.requests.map(({ method }) => method)).toContain('GET')
  })
})

it('a web page in place of an artifact is not served while nobody can say what it must be', async () => {
  const kit = makeCache({ script: () => ({ body: '<html>', headers: { 'content-type': 'text/html' } }) })
  expect(await codeOf(kit.fetch(artifact('a', undefined, { expect: async () => undefined })))).toBe('UPSTREAM_CORRUPT')
})
