import { describe, expect, it } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { formatDigest } from '../../../node/digest.ts'
import type { Seed, SeedAnswer } from '../../../node/mesh/mesh.ts'
import { ranked } from '../../../node/mesh/rendezvous.ts'
import { bytesOf, codeOf, inTime, read, serve, useCacheTests } from './fixture.ts'
import { BASE, digestOf, indexBytes } from './plans.ts'
import { cutAfter, DIGEST, INDEX, KEPT, member, named, OTHER, once, PLAN, RIGHT, type Setting, sent } from './told.ts'

useCacheTests()

/** A member whose home seed says what is wrong and is gone, beside an honest one that answers so. Neither has documents. */
function besideAnother(honest: Partial<SeedAnswer>, setting: Setting = {}) {
  const kit = member(setting)
  const seeds = [kit.seed, kit.network.join({ id: 'other', kind: 'seed' })]
  const [home] = ranked(PLAN.key, ['s', 'other'])
  const lying = once(() => cutAfter(OTHER, 0, named(digestOf(OTHER))))
  const ends = { status: 200, destroy() {}, discard() {}, blame: (reason: string) => void kit.blamed.push(reason) }
  for (const seed of seeds) {
    seed.answers = async ({ key }) => {
      if (key !== PLAN.key) throw new Error('it is busy')
      return { headers: {}, body: sent(RIGHT), ...ends, ...(seed.id === home ? lying() : honest) }
    }
  }
  return kit
}

describe('the word of a seed that does not get on', () => {
  it.each([0, 10_000])('keeps nobody from the place that only a document tells: after %i bytes', async (cut) => {
    const url = `${BASE}elsewhere`
    const index = indexBytes({ a: { bytes: RIGHT, url } })
    const { outcome, direct } = member({
      index,
      answer: once(() => cutAfter(RIGHT, cut, named(DIGEST))),
      upstream: (request) => {
        if (request.url === INDEX.url) return { body: index }
        return request.url === url ? serve(request, RIGHT) : { status: 404 }
      },
    })
    expect(await outcome()).toEqual(KEPT)
    expect(direct.requests.map((one) => one.url)).toContain(url)
  })

  it.each([0, 10_000])('counts for nothing against what upstream and its documents say: after %i bytes', async (cut) => {
    const { outcome, blamed, events } = member({
      answer: once(() => cutAfter(cut > 0 ? RIGHT : OTHER, cut, named(digestOf(OTHER)))),
    })
    expect(await outcome()).toEqual(KEPT)
    expect([blamed, events.lines]).toEqual([[], []])
  })

  it.each([
    ['says otherwise', named(DIGEST)],
    ['does not know yet', {}],
  ])('does not speak against another one that %s', async (_, told) => {
    const kit = besideAnother({ headers: told })
    expect(await kit.outcome()).toEqual(KEPT)
    expect([kit.blamed, kit.events.lines]).toEqual([[], []])
  })

  it('is not taken once documents are known to tell nothing', async () => {
    const plan: Plan = { ...PLAN, expect: async () => undefined }
    const { get, clock, store } = member({ answer: () => ({ headers: named(DIGEST), body: sent(OTHER) }) })
    const found = await inTime(clock, get(plan))
    expect([(await read(found)).equals(OTHER), found.digest, store.records.get(plan.key)]).toEqual([true, undefined, undefined])
  })

  it.each([
    ['is silent', () => Promise.reject(new Error('nobody answers'))],
    ['is busy', () => ({ status: 503, headers: { 'x-warren-error': 'NODE_BUSY' }, body: sent(Buffer.alloc(0)) })],
  ])('and of one that %s is not waited for where a member has it', async (_, answer) => {
    const { outcome, network, direct } = member({ answer })
    const peer = network.join({ id: 'p' })
    peer.hold(DIGEST, RIGHT)
    expect(await outcome()).toEqual(KEPT)
    expect([peer.asked, direct.requests.map(({ url }) => url)]).toEqual([1, []])
  })

  it('lets through nothing wrong of a member where documents promise nothing', async () => {
    const kit = member({ answer: once(() => cutAfter(RIGHT, 0, named(DIGEST))), index: indexBytes({ a: {} }) })
    kit.network.join({ id: 'p' }).hold(DIGEST, OTHER)
    expect(await kit.outcome()).toEqual([true, []])
  })

  it('lets nothing of a neighbour out before all of it is seen to be right', async () => {
    const [right, wrong] = [bytesOf(200_000, 5), bytesOf(200_000, 6)]
    const headers = { location: `/blobs/v1/${formatDigest(digestOf(right))}`, 'x-warren-bytes': '200000' }
    const kit = member({
      answer: (question) => {
        if (question.headers['x-warren-as-blob']) return { status: 303, headers, body: sent(Buffer.alloc(0)) }
        return { headers: named(digestOf(right)), body: sent(right) }
      },
      index: indexBytes({ a: { bytes: right } }),
    })
    kit.own.small = async () => ({ kind: 'peer', bytes: wrong, blame() {} })
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(right)).toBe(true)
  })

  it('leads nowhere once that seed has sent something else itself', async () => {
    const kit = member({ cut: () => true, answer: () => ({ headers: named(DIGEST), body: sent(OTHER) }) })
    const peer = kit.network.join({ id: 'p' })
    peer.hold(DIGEST, RIGHT)
    expect(await codeOf(inTime(kit.clock, kit.fetch(PLAN)))).toBe('UPSTREAM_UNREACHABLE')
    expect([kit.blamed, peer.asked]).toEqual([['the bytes do not match their digest'], 0])
  })

  it('counts less than what upstream itself sends, also where no document can be had', async () => {
    const kit = member({
      answer: once(() => cutAfter(OTHER, 0, named(digestOf(OTHER)))),
      upstream: (request) => (request.url === INDEX.url ? { status: 404 } : serve(request, RIGHT)),
      isIndexSilent: true,
    })
    expect(await kit.outcome()).toEqual([true, undefined])
  })

  it('is no word if it is that of a member which is no certified seed', async () => {
    const kit = member({ answer: () => Promise.reject(new Error('nobody answers')) })
    const other = kit.network.join({ id: 'other', kind: 'seed' })
    const ends = { status: 200, destroy() {}, discard() {}, blame() {} }
    other.answers = async ({ key }) => {
      if (key !== PLAN.key) throw new Error('it is busy')
      return { headers: named(digestOf(OTHER)), body: sent(OTHER), ...ends }
    }
    const { own } = kit
    const seeds = own.seeds.bind(own)
    const certified = (one: Seed) => ({ ...one, isSeed: one.id === 's' })
    own.seeds = (...args) => [...seeds(...args)].sort((one) => (one.id === 's' ? -1 : 1)).map(certified)
    expect(await kit.outcome()).toEqual(KEPT)
  })

  it('is no reason to blame another seed, also while no document can be had', async () => {
    const kit = besideAnother({}, { cut: () => true })
    await inTime(kit.clock, kit.fetch(PLAN)).catch(() => {})
    expect(kit.blamed).toEqual([])
  })

  it.each([0, 10_000])(
    'brings no blame on whoever has what it was asked for, nor on the seed itself: after %i bytes',
    async (cut) => {
      const old = named(digestOf(OTHER))
      for (const more of [{}, { 'x-warren-etag': '"old"' }]) {
        const kit = member({ answer: once(() => cutAfter(OTHER, cut, { ...old, ...more })) })
        kit.network.join({ id: 'p' }).hold(digestOf(OTHER), OTHER)
        kit.network.join({ id: 'q' }).hold(DIGEST, RIGHT)
        expect(await kit.outcome()).toEqual(KEPT)
        expect([kit.own.blamed, kit.blamed, kit.events.lines]).toEqual([[], [], []])
      }
    },
  )

  it('has nothing handed on to members as what documents say that it is', async () => {
    const [big, old] = [bytesOf(300_000, 3), bytesOf(300_000, 4)]
    const index = indexBytes({ a: { bytes: big } })
    const seen: boolean[] = []
    const kit = member({
      index,
      answer: once(() => cutAfter(old, 200_000, named(digestOf(old)))),
      upstream: (request) => {
        if (request.url === INDEX.url) return { body: index }
        seen.push((kit.cache.partial(digestOf(big))?.verified ?? 0) > 0)
        return serve(request, big)
      },
    })
    expect(await codeOf(inTime(kit.clock, kit.fetch(PLAN)))).toBe('UPSTREAM_CUT')
    expect([seen, kit.blamed]).toEqual([[false], []])
    // The right copy was kept all the same.
    expect((await kit.fetch(PLAN)).equals(big)).toBe(true)
    expect(seen).toEqual([false])
  })

  it('counts on when somebody else spoilt what that seed began, and no document can be had', async () => {
    let times = 0
    const kit = member({
      cut: () => true,
      answer: () =>
        times++ === 0 ? cutAfter(RIGHT, 10_000, { ...named(DIGEST), 'x-warren-etag': '"r"' }) : { headers: named(DIGEST) },
    })
    kit.network.join({ id: 'p' }).hold(DIGEST, OTHER)
    expect(await kit.outcome()).toEqual(KEPT)
  })

  it('that answers nonsense keeps nobody from members either', async () => {
    const kit = member({ answer: () => ({ status: 206, headers: { ...named(DIGEST), 'content-range': 'bytes 5-9/10' } }) })
    kit.network.join({ id: 'p' }).hold(DIGEST, RIGHT)
    expect(await kit.outcome()).toEqual(KEPT)
    expect(kit.direct.requests.map(({ url }) => url)).not.toContain(PLAN.url)
  })
})
