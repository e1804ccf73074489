import { describe, expect, it } from 'vitest'
import type { Expectation, Lookup, Plan } from '../../../node/cache/plan.ts'
import { codeOf, MINUTE, makeCache, settled, turns, useCacheTests } from './fixture.ts'
import { BASE, digestOf, document } from './plans.ts'
import { UNREACHABLE, version } from './registry.ts'

useCacheTests()

const SIBLING = document('index.sha1')

/** A document of which another one says what it must be. */
const PLAN = document('index', {
  expect: async (lookup: Lookup, signal: AbortSignal): Promise<Expectation | undefined> => {
    const facts = (await lookup.fetch(SIBLING, signal)) as { files: Record<string, { digests: string[] }> }
    return { digests: (facts.files.index?.digests ?? []).map((hex) => ({ algorithm: 'sha1', hex })) }
  },
})

const told = (bytes: Buffer) => JSON.stringify({ files: { index: { digests: [digestOf(bytes, 'sha1').hex] } } })

/** A registry whose document and whose word about it are set apart. */
function start(init: { bytes: Buffer; sibling: () => string | Error }) {
  const state = { ...init }
  const kit = makeCache({
    script: ({ url }) => {
      if (url !== SIBLING.url) return { body: state.bytes }
      const sibling = state.sibling()
      if (sibling instanceof Error) throw sibling
      return { body: sibling }
    },
  })
  return { ...kit, state }
}

describe('a document of which another one says what it must be', () => {
  it('is kept with the digest that was found right', async () => {
    const { fetch, store, upstream } = start({ bytes: version(1), sibling: () => told(version(1)) })
    expect((await fetch(PLAN)).equals(version(1))).toBe(true)
    expect(store.records.get(PLAN.key)?.verified).toEqual([`sha1:${digestOf(version(1), 'sha1').hex}`])
    expect(upstream.requests.length).toBe(2)
  })

  it('is fetched again with it when the two are not of the same moment', async () => {
    let asked = 0
    const { get, clock, state, upstream } = start({
      bytes: version(1),
      sibling: () => told(version(++asked === 1 ? 2 : 1)),
    })
    const asking = get(PLAN)
    expect(await settled(asking)).toBe(false)
    state.bytes = version(1)
    await clock.advance(1_000)
    expect((await asking).source).toBe('upstream')
    expect([upstream.count(`${BASE}index`), upstream.count(SIBLING.url)]).toEqual([2, 2])
  })

  it('is trouble when they never fit, so that an older copy stays in use', async () => {
    const { fetch, get, clock, state, store } = start({ bytes: version(1), sibling: () => told(version(1)) })
    await fetch(PLAN)
    state.bytes = version(2)
    await clock.advance(3 * MINUTE)
    const asking = get(PLAN)
    await turns()
    await clock.advance(2_000)
    const found = await asking
    found.body.close()
    expect(found.source).toBe('stale')
    expect(store.records.get(PLAN.key)?.blob).toBe(digestOf(version(1), 'sha256').hex)
  })

  it('is trouble when they never fit and there is no older copy', async () => {
    const { fetch, clock, upstream } = start({ bytes: version(1), sibling: () => told(version(2)) })
    const failing = codeOf(fetch(PLAN))
    for (let i = 0; i < 3; i++) {
      await turns()
      await clock.advance(600)
    }
    expect(await failing).toBe('UPSTREAM_CORRUPT')
    expect(upstream.count(`${BASE}index`)).toBe(3)
  })

  it('is kept without a digest where the other one promises none', async () => {
    const { fetch, store } = start({ bytes: version(1), sibling: () => '{"files":{}}' })
    await fetch(PLAN)
    expect(store.records.get(PLAN.key)?.verified).toEqual([])
  })

  it('is not served when nobody can say what it must be', async () => {
    const { fetch } = start({ bytes: version(1), sibling: () => UNREACHABLE })
    expect(await codeOf(fetch(PLAN))).toBe('UPSTREAM_UNREACHABLE')
  })

  it('is served, but not kept, where the plan does not know what it must be', async () => {
    const plan = document('index', { expect: async () => undefined })
    const { fetch, store, upstream } = start({ bytes: version(1), sibling: () => UNREACHABLE })
    expect((await fetch(plan)).equals(version(1))).toBe(true)
    expect((await fetch(plan)).equals(version(1))).toBe(true)
    expect([store.records.get(plan.key), upstream.requests.length]).toEqual([undefined, 2])
  })
})

describe('a document that others prove', () => {
  const proven = (proof: NonNullable<Plan['proof']>) => {
    const kit = start({ bytes: version(1), sibling: () => told(version(1)) })
    return { ...kit, plan: document('index', { proof }) }
  }

  it('is kept once they do, asked for anew if they did not at first', async () => {
    let asked = 0
    const { get, clock, store, upstream, plan } = proven(async (_facts, lookup, signal) => {
      await lookup.fetch(SIBLING, signal)
      return ++asked > 1
    })
    const asking = get(plan)
    await settled(asking)
    await clock.advance(1_000)
    const found = await asking
    found.body.close()
    expect([found.source, store.records.get(plan.key)?.verified]).toEqual(['upstream', []])
    expect([upstream.count(`${BASE}index`), upstream.count(SIBLING.url)]).toEqual([2, 2])
  })

  it('is trouble while they say the contrary', async () => {
    const { fetch, clock, store, plan } = proven(async () => false)
    const failing = codeOf(fetch(plan))
    for (let i = 0; i < 3; i++) {
      await turns()
      await clock.advance(600)
    }
    expect([await failing, store.records.get(plan.key)]).toEqual(['UPSTREAM_CORRUPT', undefined])
  })

  it('goes out with its facts and is not kept while they cannot be asked', async () => {
    const { get, fetch, store, upstream, plan } = proven(async () => {
      throw UNREACHABLE
    })
    const found = await get(plan)
    found.body.close()
    expect(found.document?.facts).toMatchObject({ files: {} })
    await fetch(plan)
    expect([store.records.get(plan.key), upstream.requests.length]).toEqual([undefined, 2])
  })
})
