import { describe, expect, it } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { SeededUpstream } from '../../../node/cache/seeded-upstream.ts'
import { type Digest, formatDigest } from '../../../node/digest.ts'
import { WarrenError } from '../../../node/errors.ts'
import { type MemoryMesh, MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import type { Mesh, Seed, SeedAnswer, SeedQuestion } from '../../../node/mesh/mesh.ts'
import { ranked } from '../../../node/mesh/rendezvous.ts'
import { type MemoryScript, MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { bytesOf, codeOf, inTime, makeCache, read, serve, turns, useCacheTests } from './fixture.ts'
import { BASE, digestOf, document, indexBytes, indexed } from './plans.ts'
import { UNREACHABLE } from './registry.ts'

useCacheTests()

const RIGHT = bytesOf(30_000)
const OTHER = bytesOf(30_000, 2)
const DIGEST = digestOf(RIGHT)
const INDEX = document('index')
/** Its digest stands in a document that nobody here has yet. */
const PLAN = indexed('a', INDEX)
const named = (...digests: Digest[]) => ({ 'x-warren-promised': digests.map(formatDigest).join(',') })

interface Setting {
  /** What the seed answers when it is asked for the artifact, beside 200 and the right bytes. */
  readonly answer?: (question: SeedQuestion) => Partial<SeedAnswer> | Promise<Partial<SeedAnswer>>
  readonly index?: Buffer
  readonly upstream?: MemoryScript
  readonly seed?: Partial<Seed>
  readonly mesh?: Partial<Mesh>
  /** Whether the member has no way to upstream, and the seed none to documents. */
  readonly cut?: () => boolean
}

async function* sent(bytes: Buffer) {
  yield bytes
}

/** A member whose home seed sends artifacts as `answer` says, and documents as upstream has them. */
function member({
  answer = () => ({ headers: named(DIGEST) }),
  seed = {},
  mesh = {},
  cut = () => false,
  ...setting
}: Setting = {}) {
  const network = new MemoryNetwork()
  const clock = new VirtualClock()
  const asked: string[] = []
  const untold: (string | undefined)[] = []
  const blamed: string[] = []
  const { index = indexBytes({ a: { bytes: RIGHT } }) } = setting
  network.join({ id: 's', kind: 'seed' }).answers = async (question) => {
    const isIndex = question.key === INDEX.key
    asked.push(isIndex ? 'index' : 'a')
    if (blamed.length > 0 || (isIndex && cut())) throw new Error('nobody answers')
    if (!isIndex) untold.push(question.headers['x-warren-untold'])
    const ends = { destroy() {}, discard() {}, blame: (reason: string) => void blamed.push(reason) }
    const given = isIndex ? {} : await answer(question)
    return { status: 200, headers: {}, body: sent(isIndex ? index : RIGHT), ...ends, ...given }
  }
  const own = network.join({ id: 'self' })
  const seeds = (...args: Parameters<Mesh['seeds']>) => own.seeds(...args).map((one) => ({ ...one, ...seed }))
  const changed: Partial<Mesh> = { seeds, ...mesh }
  const neighbours = new Proxy(own, {
    get(of, name) {
      const value = Reflect.get(name in changed ? changed : of, name, of)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
  const direct = new MemoryUpstream((request, signal) => {
    if (cut()) throw UNREACHABLE
    return setting.upstream?.(request, signal) ?? (request.url === INDEX.url ? { body: index } : serve(request, RIGHT))
  })
  const upstream = new SeededUpstream({ upstream: direct, mesh: neighbours, clock })
  const kit = makeCache({ mesh: neighbours, clock, upstream })
  const outcome = async (plan: Plan = PLAN) => {
    const right = await inTime(clock, kit.fetch(plan)).then((bytes) => bytes.equals(RIGHT))
    await turns()
    return [right, kit.store.records.get(plan.key)?.verified]
  }
  return { ...kit, network, own, asked, untold, blamed, direct, outcome }
}

const KEPT = [true, [formatDigest(DIGEST)]]

describe('a member that nothing tells of which digest an artifact is', () => {
  it('asks its home seed for it by name, and for no document', async () => {
    const { outcome, asked, untold, direct, own } = member()
    expect(await outcome()).toEqual(KEPT)
    expect([asked, untold, direct.requests]).toEqual([['a'], ['yes'], []])
    expect(own.announced).toEqual([formatDigest(DIGEST)])
  })

  it('goes by a document that it has', async () => {
    const { outcome, asked, untold, get } = member()
    ;(await get(INDEX)).body.close()
    expect(await outcome()).toEqual(KEPT)
    expect([asked, untold]).toEqual([['index', 'a'], [undefined]])
  })

  it.each([
    ['a seed does not say', { answer: () => ({}) }, 'yes'],
    ['a seed says that nothing promises any', { answer: () => ({ headers: { 'x-warren-promised': 'none' } }) }, 'yes'],
    ['a seed says nonsense', { answer: () => ({ headers: { 'x-warren-promised': 'sha512:00' } }) }, 'yes'],
    ['whoever fetches is no certified seed', { seed: { isSeed: false } }, undefined],
    ['its seed is in another zone', { seed: { isFar: true } }, undefined],
    ['it fetches for others itself', { mesh: { relies: false } }, undefined],
  ] as const)('asks for the document where %s', async (_, setting, asks) => {
    const { outcome, asked, untold } = member(setting)
    expect(await outcome()).toEqual(KEPT)
    expect([asked.toSorted(), untold]).toEqual([['a', 'index'], [asks]])
  })

  it('takes no seed’s word in the place of a signature', async () => {
    const { outcome, asked, untold } = member()
    expect(await outcome({ ...PLAN, proven: true })).toEqual(KEPT)
    expect([asked.toSorted(), untold]).toEqual([['a', 'index'], [undefined]])
  })

  it.each([
    ['a digest that its bytes do not have', { headers: named(digestOf(OTHER)) }],
    ['the digest of other bytes than it sends', { headers: named(DIGEST), body: sent(OTHER) }],
  ])('asks for the document after a seed said %s', async (_, answer) => {
    const { outcome, asked, blamed, direct } = member({ answer: () => answer })
    expect(await outcome()).toEqual(KEPT)
    expect(blamed).toEqual(['the bytes do not match their digest'])
    expect(asked.filter((what) => what === 'a').length).toBeLessThan(3)
    expect(direct.requests.map(({ url }) => url).toSorted()).toEqual([PLAN.url, INDEX.url].toSorted())
  })

  it('says what the seed says where it is not to be had', async () => {
    const { fetch, clock, asked } = member({
      answer: () => ({ status: 404, headers: { 'x-warren-error': 'UPSTREAM_ABSENT' } }),
    })
    expect(await codeOf(inTime(clock, fetch(indexed('b', INDEX))))).toBe('UPSTREAM_ABSENT')
    // Members might have it by a digest, which only a document tells now.
    expect(asked.toSorted()).toEqual(['a', 'a', 'index'])
  })

  it('has the rest from a member, by the digest that the seed told, once that broke off', async () => {
    const { outcome, network } = member({
      cut: () => true,
      answer: ({ headers: { range } }) => {
        if (range !== undefined) throw new Error('it is gone')
        async function* half() {
          yield RIGHT.subarray(0, 10_000)
          throw new WarrenError('UPSTREAM_CUT', 'it broke off')
        }
        return { headers: { ...named(DIGEST), 'content-length': String(RIGHT.length) }, body: half() }
      },
    })
    const peer = network.join({ id: 'p' })
    peer.hold(DIGEST, RIGHT)
    expect(await outcome()).toEqual(KEPT)
    expect(peer.asked).toBe(1)
  })
})

describe('the word of a seed that does not get on', () => {
  const cutAfter = (bytes: Buffer, cut: number, more: Record<string, string>) => {
    async function* some() {
      yield bytes.subarray(0, cut)
      throw new WarrenError('UPSTREAM_CUT', 'it broke off')
    }
    return { headers: { 'content-length': String(bytes.length), ...more }, body: some() }
  }
  const once = (answer: () => Partial<SeedAnswer>) => {
    let times = 0
    return () => {
      if (times++ > 0) throw new Error('it is gone')
      return answer()
    }
  }

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
    const kit = member({})
    const other = kit.network.join({ id: 'other', kind: 'seed' })
    const [home] = ranked(PLAN.key, ['s', 'other'])
    const seed = [...kit.network.members].find(({ id }) => id === 's')
    const ends = { status: 200, destroy() {}, discard() {}, blame: (reason: string) => void kit.blamed.push(reason) }
    const lying = once(() => cutAfter(OTHER, 0, named(digestOf(OTHER))))
    const only = (answer: () => Partial<SeedAnswer>): MemoryMesh['answers'] => {
      return async ({ key }) => {
        if (key !== PLAN.key) throw new Error('it is busy')
        return { headers: {}, body: sent(RIGHT), ...ends, ...answer() }
      }
    }
    const honest = () => ({ headers: told })
    if (seed) seed.answers = only(home === 's' ? lying : honest)
    other.answers = only(home === 's' ? honest : lying)
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
})

describe('an artifact whose bytes were evicted', () => {
  it.each(['by a flight', 'in one piece'])(
    'comes from a member when neither seeds nor upstream are there any more, %s',
    async (how) => {
      let isCut = false
      const kit = member({ cut: () => isCut })
      expect(await kit.outcome()).toEqual(KEPT)
      await kit.store.blobs.delete(kit.store.records.get(PLAN.key)?.blob ?? '')
      isCut = true
      for (const one of [...kit.network.members]) if (one.kind === 'seed') await one.close()
      const peer = kit.network.join({ id: 'p' })
      peer.hold(DIGEST, RIGHT)
      if (how === 'in one piece') kit.own.small = async () => ({ kind: 'peer', bytes: RIGHT, blame() {} })
      expect(await kit.outcome()).toEqual(KEPT)
      expect([peer.asked, kit.asked]).toEqual([how === 'by a flight' ? 1 : 0, ['a']])
    },
  )
})

describe('a seed that has others send what it was asked for by name', () => {
  const elsewhere = (size?: number) => () => ({
    status: 303,
    headers: {
      location: `/blobs/v1/${formatDigest(DIGEST)}`,
      ...named(DIGEST),
      ...(size === undefined ? {} : { 'x-warren-bytes': String(size) }),
    },
    body: sent(Buffer.alloc(0)),
  })
  const small = (bytes: Buffer, blamed: string[]) => async () => ({
    kind: 'peer' as const,
    bytes,
    blame: (reason: string) => void blamed.push(reason),
  })

  it('is taken at its word: a neighbour sends it in one piece', async () => {
    const { outcome, own, asked } = member({ answer: elsewhere(RIGHT.length), cut: () => true })
    own.small = small(RIGHT, [])
    expect(await outcome()).toEqual(KEPT)
    expect(asked).toEqual(['a'])
  })

  it.each([
    ['no neighbour has it at hand', RIGHT.length],
    ['it is too large for that', 300_000],
    ['it does not say how large it is', undefined],
  ])('sends it itself where %s', async (_, size) => {
    const { outcome, network, own, asked } = member({ answer: elsewhere(size), cut: () => true })
    if (size !== RIGHT.length) own.small = () => expect.unreachable('it is not small for sure')
    const [seed] = [...network.members].filter(({ id }) => id === 's')
    seed?.hold(DIGEST, RIGHT)
    expect(await outcome()).toEqual(KEPT)
    expect([asked, seed?.asked]).toEqual([['a'], 1])
  })

  it.each([false, true])('counts, whatever a neighbour sends: documents can be had %s', async (isCut) => {
    const lies: string[] = []
    const { outcome, own, blamed } = member({
      cut: () => isCut,
      answer: (question) => (question.headers['x-warren-as-blob'] ? elsewhere(RIGHT.length)() : { headers: named(DIGEST) }),
    })
    own.small = small(OTHER, lies)
    expect(await outcome()).toEqual(KEPT)
    expect([lies, blamed]).toEqual([['the bytes do not match their digest'], []])
  })

  it('is not taken at its word if it is no certified one', async () => {
    const { outcome, own, asked } = member({ answer: elsewhere(RIGHT.length), seed: { isSeed: false } })
    own.small = () => expect.unreachable('its word does not count')
    expect(await outcome()).toEqual(KEPT)
    expect(asked).toContain('index')
  })
})
