import { describe, expect, it } from 'vitest'
import type { Lookup } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import { bytesOf, codeOf, makeCache, read, turns, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import type { Index } from './parser.ts'
import { artifact, BASE, digestOf, document, indexBytes } from './plans.ts'
import { UNREACHABLE } from './registry.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const URL_OF_FILE = 'https://files.example.test/a'
const INDEX = document('index')

/** A file that the request names by digest, and of which only the index tells where it is. */
const PLAN = artifact('made/up', [digestOf(BYTES)], {
  expect: async (lookup: Lookup, signal: AbortSignal) => {
    const facts = ((await lookup.cached(INDEX)) ?? (await lookup.fetch(INDEX, signal))) as Index
    const url = facts.files.a?.url
    return { digests: [], ...(url === undefined ? {} : { url }) }
  },
})

function start(index: () => Buffer | Error = () => indexBytes({ a: { url: URL_OF_FILE } })) {
  return makeCache({
    script: ({ url }) => {
      if (url === URL_OF_FILE) return { body: BYTES }
      if (url !== INDEX.url) return { status: 404 }
      const body = index()
      if (body instanceof Error) throw body
      return { body }
    },
  })
}

describe('a file whose digest is in the request and whose place is in a document', () => {
  it('comes from that place, and nowhere else is asked', async () => {
    const kit = start()
    expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
    await turns()
    expect(kit.upstream.requests.map(({ url }) => url)).toEqual([INDEX.url, URL_OF_FILE])
    expect(kit.store.records.get(PLAN.key)?.verified).toEqual([`sha512:${digestOf(BYTES).hex}`])
  })

  it('tells a HEAD what is there', async () => {
    const kit = start()
    const found = await kit.get(PLAN, { head: true })
    found.body.close()
    expect([found.body.size, kit.upstream.requests.map(({ method, url }) => `${method} ${url}`)]).toEqual([
      BYTES.length,
      [`GET ${INDEX.url}`, `HEAD ${URL_OF_FILE}`],
    ])
  })

  it('comes from a member even when the document cannot be had', async () => {
    const kit = start(() => UNREACHABLE)
    member(kit, 'other', BYTES)
    const found = await kit.get(PLAN)
    expect([found.source, (await read(found)).equals(BYTES)]).toEqual(['peer', true])
  })

  it('is trouble, not absent, when the document is', async () => {
    const kit = start(() => UNREACHABLE)
    expect(await codeOf(kit.fetch(PLAN))).toBe('UPSTREAM_UNREACHABLE')
  })

  it('is asked for at its own URL where the document names no place', async () => {
    const kit = start(() => indexBytes({}))
    expect(await codeOf(kit.fetch(PLAN))).toBe('UPSTREAM_ABSENT')
    expect(kit.upstream.count(`${BASE}made/up`)).toBe(1)
  })
})

describe('a file that a client names by a digest that somebody holds', () => {
  const guarded = (names: boolean) => ({
    ...PLAN,
    guarded: true,
    expect: async (lookup: Lookup, signal: AbortSignal) => {
      await lookup.fetch(INDEX, signal)
      if (names) return { digests: [], url: URL_OF_FILE }
      throw new WarrenError('UPSTREAM_ABSENT', 'the index does not name it')
    },
  })

  it.each([true, false])('comes from a member only if a document names it: %s', async (names) => {
    const kit = start()
    member(kit, 'other', BYTES)
    if (names) expect((await kit.get(guarded(true))).source).toBe('peer')
    else expect(await codeOf(kit.fetch(guarded(false)))).toBe('UPSTREAM_ABSENT')
  })

  it.each([true, false])('is taken from what is held under another name only if a document names it: %s', async (names) => {
    const kit = start()
    await kit.fetch({ ...PLAN, key: 'another name' })
    await turns()
    if (names) expect((await kit.get(guarded(true))).source).toBe('local')
    else expect(await codeOf(kit.fetch(guarded(false)))).toBe('UPSTREAM_ABSENT')
  })
})

describe('a file of which only a document tells place and digest', () => {
  const placed = (digests: boolean) => ({
    ...artifact('made/up.metadata'),
    placed: true,
    expect: async (lookup: Lookup, signal: AbortSignal) => {
      await lookup.fetch(INDEX, signal)
      return { digests: digests ? [digestOf(BYTES)] : [], url: URL_OF_FILE }
    },
  })

  it.each([true, false])('comes from that place and nowhere else (with a digest: %s)', async (digests) => {
    const kit = start()
    expect((await kit.fetch(placed(digests))).equals(BYTES)).toBe(true)
    await turns()
    expect(kit.upstream.requests.map(({ url }) => url)).toEqual([INDEX.url, URL_OF_FILE])
    expect(kit.store.records.get(placed(true).key)?.verified.length).toBe(digests ? 1 : 0)
  })

  it('is trouble, not absent, when the document is', async () => {
    const kit = start(() => UNREACHABLE)
    expect(await codeOf(kit.fetch(placed(true)))).toBe('UPSTREAM_UNREACHABLE')
    expect(kit.upstream.requests.map(({ url }) => url)).toEqual([INDEX.url])
  })
})

describe('digests that a plan wants told', () => {
  it('are headers of what is held, once they were computed', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES }) })
    const plan = artifact('a', undefined, {
      algorithms: ['sha1', 'md5'],
      digestHeaders: { sha1: 'x-checksum-sha1', md5: 'x-checksum-md5', sha512: 'x-checksum-sha512' },
    })
    await kit.fetch(plan)
    await turns()
    const { headers } = await kit.get(plan)
    expect(headers).toEqual({
      'x-checksum-sha1': digestOf(BYTES, 'sha1').hex,
      'x-checksum-md5': digestOf(BYTES, 'md5').hex,
    })
  })
})
