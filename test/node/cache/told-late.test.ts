import { expect, it } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { formatDigest } from '../../../node/digest.ts'
import type { BlobSource } from '../../../node/mesh/mesh.ts'
import { ranked } from '../../../node/mesh/rendezvous.ts'
import { abortable } from '../../../node/upstream/abortable.ts'
import type { MemoryScript } from '../../../node/upstream/memory-upstream.ts'
import { bytesOf, inTime, readRange, serve, turns, useCacheTests } from './fixture.ts'
import { BASE, digestOf, indexBytes } from './plans.ts'
import { cutAfter, DIGEST, INDEX, KEPT, member, named, OTHER, once, PLAN, RIGHT, type Setting, sent } from './told.ts'

useCacheTests()

const BIG = bytesOf(300_000, 7)
const BAD = bytesOf(300_000, 8)
/** Longer than anybody waits for documents that may contradict a seed. */
const LATE = 2_500

/** A member whose documents come late, or not at all, from upstream only. */
function late(setting: Setting & { readonly index: Buffer; readonly artifact: MemoryScript; readonly isNever?: boolean }) {
  const kit = member({
    ...setting,
    isIndexSilent: true,
    upstream: async (request, signal) => {
      if (request.url !== INDEX.url) return setting.artifact(request, signal)
      await kit.clock.sleep(LATE)
      return setting.isNever ? { status: 503 } : { body: setting.index }
    },
  })
  return { ...kit, asked: () => kit.direct.requests.map(({ url }) => url.slice(BASE.length)) }
}

/** The same, where only they tell at which place upstream has it. */
function elsewhere(answer: NonNullable<Setting['answer']>) {
  const url = `${BASE}elsewhere`
  return late({
    index: indexBytes({ a: { bytes: RIGHT, url } }),
    answer,
    artifact: (request) => (request.url === url ? serve(request, RIGHT) : { status: 404 }),
  })
}

it.each([0, 10_000])('where it is only documents tell, and not the seed that broke off after %i bytes', async (cut) => {
  const kit = elsewhere(once(() => cutAfter(RIGHT, cut, named(DIGEST))))
  expect(await kit.outcome()).toEqual(KEPT)
})

it('documents of another place that contradict the seed begin it anew', async () => {
  const kit = elsewhere(once(() => cutAfter(OTHER, 10_000, named(digestOf(OTHER)))))
  expect(await kit.outcome()).toEqual(KEPT)
  expect(kit.blamed).toEqual([])
})

it('also where they come only after members sent wrong copies by the seed’s word', async () => {
  const kit = elsewhere(once(() => cutAfter(OTHER, 10_000, named(digestOf(OTHER)))))
  kit.network.join({ id: 'p' }).hold(digestOf(OTHER), bytesOf(30_000, 9))
  expect(await kit.outcome()).toEqual(KEPT)
  expect(kit.blamed).toEqual([])
  expect(new Set(kit.own.blamed)).toEqual(new Set(['p']))
})

it('upstream’s own bytes are right against a seed’s word where late documents say so', async () => {
  const kit = late({
    index: indexBytes({ a: { bytes: BIG } }),
    answer: once(() => cutAfter(BAD, 0, named(digestOf(BAD)))),
    artifact: (request) => serve(request, BIG),
  })
  expect(await inTime(kit.clock, kit.fetch(PLAN))).toEqual(BIG)
  await turns()
  expect(kit.asked()).toEqual(['index', 'a'])
  expect(kit.events.lines).toEqual([])
  expect(kit.store.records.get(PLAN.key)?.verified).toEqual([formatDigest(digestOf(BIG))])
})

it('and go out unverified where none tell', async () => {
  const kit = late({
    index: indexBytes({}),
    isNever: true,
    answer: once(() => cutAfter(BAD, 0, named(digestOf(BAD)))),
    artifact: (request) => serve(request, BIG),
  })
  expect(await inTime(kit.clock, kit.fetch(PLAN))).toEqual(BIG)
  await turns()
  expect(kit.events.lines).toEqual([expect.stringContaining('unverified')])
  expect(kit.store.records.get(PLAN.key)).toBeUndefined()
})

it('a member that lied is blamed though upstream ended what it had begun', async () => {
  const kit = late({
    index: indexBytes({}),
    isNever: true,
    answer: once(() => cutAfter(RIGHT, 0, named(DIGEST))),
    artifact: (request) => serve(request, RIGHT, { etag: '"r"' }),
  })
  const liar = kit.network.join({ id: 'p' })
  liar.hold(DIGEST, OTHER)
  liar.fault = { cutAfter: 10_000 }
  expect(await kit.outcome()).toEqual(KEPT)
  expect(kit.own.blamed).toEqual(['p'])
})

it('a member that had what an outdated seed said is not blamed for it', async () => {
  const kit = late({
    index: indexBytes({ a: { bytes: RIGHT } }),
    answer: once(() => cutAfter(OTHER, 10_000, named(digestOf(OTHER)))),
    artifact: (request) => serve(request, RIGHT),
  })
  const honest = kit.network.join({ id: 'p' })
  honest.hold(digestOf(OTHER), OTHER)
  honest.fault = { cutAfter: 5_000 }
  expect(await kit.outcome()).toEqual(KEPT)
  expect([kit.blamed, kit.own.blamed]).toEqual([[], []])
})

it.each([0, 10_000])('the word of a seed gone after %i bytes keeps nobody from what another has, and says', async (cut) => {
  const kit = member({ cut: () => true })
  const other = kit.network.join({ id: 'other', kind: 'seed' })
  const [home] = ranked(PLAN.key, ['s', 'other'])
  const lying = once(() => cutAfter(OTHER, cut, named(digestOf(OTHER))))
  const ends = { status: 200, destroy() {}, discard() {}, blame: (reason: string) => void kit.blamed.push(reason) }
  for (const seed of [kit.seed, other]) {
    seed.answers = async ({ key }) => {
      if (key !== PLAN.key) throw new Error('it is busy')
      const right = { headers: named(DIGEST), body: sent(RIGHT), ...ends }
      return seed.id === home ? { ...right, ...lying() } : right
    }
  }
  expect(await kit.outcome()).toEqual(KEPT)
  expect(kit.blamed).toEqual([])
})

it('nobody gets more of a copy that is known to be wrong', async () => {
  const seen: (number | undefined)[] = []
  const index = indexBytes({ a: { bytes: BIG } })
  const kit = member({
    isIndexSilent: true,
    answer: () => ({ headers: { ...named(digestOf(BIG)), 'content-length': String(BIG.length) }, body: sent(BAD) }),
    upstream: (request) => {
      if (request.url === INDEX.url) return { body: index }
      seen.push(kit.cache.partial(digestOf(BIG))?.verified)
      return serve(request, BIG)
    },
  })
  const first = await inTime(kit.clock, kit.get(PLAN))
  const tail = readRange(first.body, BIG.length - 1_000, BIG.length)
  expect(await inTime(kit.clock, tail)).toEqual(BIG.subarray(-1_000))
  expect(seen).toEqual([0])
  expect(kit.blamed).toHaveLength(1)
})

it('digests that cannot be compared do not contradict each other', async () => {
  const ranges: (string | undefined)[] = []
  const kit = member({
    index: indexBytes({ a: { bytes: BIG } }),
    answer: ({ headers }) => {
      ranges.push(headers.range)
      const word = { ...named(digestOf(BIG, 'sha256')), 'x-warren-etag': '"r"' }
      if (!headers.range) return cutAfter(BIG, 150_000, word)
      return {
        status: 206,
        headers: { ...word, 'content-range': 'bytes 150000-299999/300000' },
        body: sent(BIG.subarray(150_000)),
      }
    },
  })
  expect(await inTime(kit.clock, kit.fetch(PLAN))).toEqual(BIG)
  expect(ranges).toEqual([undefined, 'bytes=150000-'])
})

it('documents that hang are waited for once, however many lie', async () => {
  const kit = member({ cut: () => true, answer: once(() => cutAfter(RIGHT, 0, named(DIGEST))) })
  const { answers } = kit.seed
  kit.seed.answers = async (question, signal) => {
    if (question.key === INDEX.key) await abortable(new Promise<void>(() => {}), signal)
    return answers?.(question, signal) ?? Promise.reject(new Error('it has no answers'))
  }
  for (let id = 0; id < 5; id++) kit.network.join({ id: `p${id}` }).hold(DIGEST, OTHER)
  kit.network.join({ id: 'q' }).hold(DIGEST, RIGHT)
  const began = kit.clock.now()
  expect(await kit.outcome()).toEqual(KEPT)
  expect(kit.clock.now() - began).toBeLessThan(3_000)
})

it('documents are waited for after a wrong copy, also those that are asked for only once it comes', async () => {
  const kit = member({ answer: once(() => ({ headers: named(DIGEST), body: sent(OTHER) })) })
  kit.network.join({ id: 'p' }).hold(DIGEST, RIGHT)
  const plan: Plan = {
    ...PLAN,
    expect: async (lookup, signal) => {
      await lookup.coming?.()
      return PLAN.expect?.(lookup, signal)
    },
  }
  expect(await kit.outcome(plan)).toEqual(KEPT)
  expect(kit.direct.requests.map(({ url }) => url)).toEqual([INDEX.url])
})

it('a fetch that nobody waits for asks for no documents', async () => {
  const kit = member({ index: indexBytes({ a: { bytes: BIG } }) })
  const asked: string[] = []
  kit.seed.answers = async ({ key }, signal) => {
    asked.push(key === INDEX.key ? 'index' : 'a')
    async function* some() {
      yield BIG.subarray(0, 100_000)
      await abortable(new Promise<void>(() => {}), signal)
    }
    const headers = { ...named(digestOf(BIG)), 'content-length': String(BIG.length) }
    return { status: 200, headers, body: some(), destroy() {}, discard() {}, blame() {} }
  }
  const found = await inTime(kit.clock, kit.get(PLAN))
  await turns()
  found.body.close()
  for (let at = 0; at < 600; at++) await kit.clock.advance(50)
  expect(kit.cache.flights).toBe(0)
  expect(asked).toEqual(['a'])
})

it.each([
  ['md5', digestOf(RIGHT, 'md5')],
  ['h1', { algorithm: 'h1', hex: 'a'.repeat(64) }],
] as const)('a seed that names a blob by %s, which tells of other bytes as well, has to send it', async (_, digest) => {
  const kit = member({
    index: indexBytes({}),
    answer: () => ({
      status: 303,
      headers: { location: `/blobs/v1/${formatDigest(digest)}`, 'x-warren-bytes': '30000' },
      body: sent(Buffer.alloc(0)),
    }),
  })
  kit.own.small = async () => ({ kind: 'peer', bytes: OTHER, blame() {} })
  expect(await inTime(kit.clock, kit.fetch(PLAN))).toEqual(RIGHT)
})

it('nobody is asked for a chunk list of what a seed says is small', async () => {
  let pages = 0
  const kit = member({
    answer: () => ({
      status: 303,
      headers: { location: `/blobs/v1/${formatDigest(DIGEST)}`, 'x-warren-bytes': '30000' },
      body: sent(Buffer.alloc(0)),
    }),
  })
  kit.seed.hold(DIGEST, RIGHT)
  const page = async () => {
    pages++
    throw new Error('there is none')
  }
  kit.own.chunkSources = () => [{ id: 'c', blame() {}, page }]
  expect(await kit.outcome()).toEqual(KEPT)
  expect(pages).toBe(0)
})

it('what was evicted is known by its record also where a grammar swallows the trouble', async () => {
  let isCut = false
  const kit = member({ cut: () => isCut })
  const plan: Plan = { ...PLAN, expect: async (lookup, signal) => PLAN.expect?.(lookup, signal).catch(() => undefined) }
  await kit.outcome(plan)
  await kit.store.blobs.delete(kit.store.records.get(plan.key)?.blob ?? '')
  isCut = true
  await kit.seed.close()
  kit.network.join({ id: 'p' }).hold(DIGEST, RIGHT)
  expect(await inTime(kit.clock, kit.fetch(plan))).toEqual(RIGHT)
})

it('a record whose bytes are gone is not what a seed promises of those that come', async () => {
  const gate = Promise.withResolvers<void>()
  async function* slow() {
    yield OTHER.subarray(0, 10_000)
    await gate.promise
    yield OTHER.subarray(10_000)
  }
  let isGone = false
  const length = String(OTHER.length)
  const kit = member({
    answer: () =>
      isGone ? { headers: { ...named(digestOf(OTHER)), 'content-length': length }, body: slow() } : { headers: named(DIGEST) },
  })
  await kit.outcome()
  await kit.store.blobs.delete(kit.store.records.get(PLAN.key)?.blob ?? '')
  isGone = true
  const fetching = kit.fetch(PLAN)
  await turns()
  expect(kit.cache.promised(PLAN.key)).toEqual([digestOf(OTHER)])
  gate.resolve()
  expect(await inTime(kit.clock, fetching)).toEqual(OTHER)
})

it('what is wrong is not made right by documents that promise nothing', async () => {
  const asked = Promise.withResolvers<void>()
  const junk: BlobSource = {
    id: 'p',
    kind: 'peer',
    // While it sends, documents come that nobody waits for any more.
    open: async (start) => {
      asked.resolve()
      await turns(50)
      return { size: OTHER.length, body: sent(OTHER.subarray(start)) }
    },
    named: () => undefined,
    blame() {},
    stalled() {},
  }
  async function* find() {
    yield junk
  }
  const kit = member({
    isIndexSilent: true,
    mesh: { find },
    answer: once(() => cutAfter(RIGHT, 10_000, named(DIGEST))),
    upstream: async (request) => {
      if (request.url !== INDEX.url) {
        // Whoever is slower than the member is given up for it.
        if (kit.direct.requests.length < 3) await kit.clock.sleep(10_000)
        return serve(request, RIGHT)
      }
      await asked.promise
      return { body: indexBytes({ a: { bytes: RIGHT, digests: [] } }) }
    },
  })
  expect(await inTime(kit.clock, kit.fetch(PLAN))).toEqual(RIGHT)
})
