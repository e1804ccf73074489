import { describe, expect, it } from 'vitest'
import { SeededUpstream } from '../../../node/cache/seeded-upstream.ts'
import { type Digest, formatDigest } from '../../../node/digest.ts'
import { WarrenError } from '../../../node/errors.ts'
import { type MemoryMesh, MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import type { SeedAnswer, SeedQuestion } from '../../../node/mesh/mesh.ts'
import { ranked } from '../../../node/mesh/rendezvous.ts'
import { MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { bytesOf, codeOf, inTime, makeCache, read, serve, useCacheTests } from './fixture.ts'
import { artifact, digestOf } from './plans.ts'
import { UNREACHABLE } from './registry.ts'

useCacheTests()

const RIGHT = bytesOf(300_000)
const OTHER = bytesOf(300_000, 2)
const PLAN = artifact('a', [digestOf(RIGHT)])
const named = (...digests: Digest[]) => ({ 'x-warren-promised': digests.map(formatDigest).join(',') })

/** A member of a mesh with a seed that answers so, and its own way to an upstream. */
function member(answer: Partial<SeedAnswer>, body: Buffer | null = RIGHT, isSeed = true, sentBySeed = OTHER) {
  const network = new MemoryNetwork()
  const clock = new VirtualClock()
  const blamed: string[] = []
  const asked: SeedQuestion[] = []
  const seed = network.join({ id: 's', kind: 'seed' })
  seed.answers = async (question) => {
    asked.push(question)
    if (blamed.length > 0) throw new Error('it is in quarantine')
    async function* sent() {
      yield sentBySeed
    }
    const headers = { 'content-length': String(sentBySeed.length), ...answer.headers }
    const ends = { destroy() {}, discard() {}, blame: (reason: string) => void blamed.push(reason) }
    return { status: 200, body: sent(), ...ends, ...answer, headers }
  }
  const mesh = network.join({ id: 'self' })
  const upstream = new MemoryUpstream(() => {
    if (!body) throw UNREACHABLE
    return { body }
  })
  const seeds = (key: string) => mesh.seeds(key).map((one) => ({ ...one, isSeed }))
  const neighbours = new Proxy(mesh, { get: (of, name) => (name === 'seeds' ? seeds : Reflect.get(of, name, of)) })
  const seeded = new SeededUpstream({ upstream, mesh: neighbours, clock })
  return { ...makeCache({ mesh, clock, upstream: seeded }), direct: upstream, blamed, asked, seed, network }
}

describe('a seed whose documents say something else than those that are here', () => {
  it.each([
    ['names another digest', { headers: named(digestOf(OTHER)) }],
    ['knows of none', { headers: { 'x-warren-promised': 'none' } }],
    ['has it as another blob', { status: 303, headers: { location: `/blobs/v1/${formatDigest(digestOf(OTHER))}` } }],
  ])('and %s is not taken at its word, nor blamed: upstream itself tells', async (_, answer) => {
    const { get, direct, blamed, asked, seed } = member(answer)
    seed.hold(digestOf(OTHER), OTHER)
    const found = await get(PLAN)
    expect((await read(found)).equals(RIGHT)).toBe(true)
    expect([found.source, asked.length, direct.requests.length, blamed]).toEqual(['upstream', 1, 1, []])
  })

  it('is not blamed for what upstream sends to nobody else’s liking either', async () => {
    const { fetch, blamed } = member({ headers: { 'x-warren-promised': 'none' } }, OTHER)
    expect(await codeOf(fetch(PLAN))).toBe('UPSTREAM_CORRUPT')
    expect(blamed).toEqual([])
  })
})

describe('a seed to which nothing promised what it has', () => {
  const unpromised = { headers: { 'x-warren-promised': 'none' } }

  it.each([
    ['is taken at its bytes, if they are right', RIGHT, undefined],
    ['is not blamed for others, which nobody gets', OTHER, 'UPSTREAM_UNREACHABLE'],
  ])('%s, where upstream cannot be asked', async (_, sent, code) => {
    const kit = member(unpromised, null, true, sent)
    const outcome = inTime(kit.clock, kit.fetch(PLAN)).then((bytes) => bytes.equals(RIGHT))
    if (code === undefined) expect(await outcome).toBe(true)
    else expect(await codeOf(outcome)).toBe(code)
    expect(kit.blamed).toEqual([])
  })
})

describe('a seed that sends other bytes', () => {
  it.each([
    ['than it promised', named(digestOf(RIGHT))],
    ['and several promises, one of them right', named(digestOf(OTHER), digestOf(RIGHT))],
    ['and says nothing', {}],
    ['and nonsense', { 'x-warren-promised': 'sha512:00' }],
    ['and promises of another kind', named(digestOf(OTHER, 'sha256'))],
  ])('%s is blamed', async (_, headers) => {
    const { get, blamed } = member({ headers })
    const found = await get(PLAN)
    expect(await codeOf(read(found))).toBe('UPSTREAM_CORRUPT')
    expect(blamed).toEqual(['the bytes do not match their digest'])
  })
})

describe('a member that fetches for others, and is no seed', () => {
  it('has nothing of it go out before all is seen to be right', async () => {
    const { get, blamed } = member({}, RIGHT, false)
    const found = await get(PLAN)
    expect((await read(found)).equals(RIGHT)).toBe(true)
    expect(blamed).toEqual(['the bytes do not match their digest'])
  })
})

describe('a seed that broke off', () => {
  it.each([
    ['ends before what came', 416, { 'content-range': 'bytes */10' }],
    ['is longer', 206, { 'content-range': 'bytes 200000-299999/300001', 'content-length': '100000' }],
    ['has been another one', 206, { 'content-range': 'bytes 0-9/10', 'content-length': '10' }],
  ])('is not blamed because another one says that it %s, and no client notices', async (_, status, told) => {
    const network = new MemoryNetwork()
    const clock = new VirtualClock()
    const blamed: string[] = []
    const ends = { destroy() {}, discard() {} }
    for (const id of ['a', 'b']) network.join({ id, kind: 'seed' }).answers = async () => Promise.reject(new Error('not yet'))
    const mesh = network.join({ id: 'self' })
    const [first, second] = mesh.seeds(PLAN.key).map(({ id }) => id)
    let isUp = true
    async function* half() {
      yield RIGHT.subarray(0, 200_000)
      isUp = false
      throw new WarrenError('UPSTREAM_CUT', 'it was stopped')
    }
    async function* nothing() {}
    const blame = (id: string) => () => void blamed.push(id)
    for (const one of network.members) {
      if (one.id === first)
        one.answers = async () => {
          if (!isUp) throw new Error('it is gone')
          const headers = { 'content-length': String(RIGHT.length), ...named(digestOf(RIGHT)) }
          return { status: 200, headers, body: half(), ...ends, blame: blame(one.id) }
        }
      if (one.id === second)
        one.answers = async ({ headers }) => {
          if (headers.range === undefined) throw new Error('it is busy')
          return { status, headers: told, body: nothing(), ...ends, blame: blame(one.id) }
        }
    }
    const upstream = new MemoryUpstream((request) => serve(request, RIGHT))
    const { fetch } = makeCache({ mesh, clock, upstream: new SeededUpstream({ upstream, mesh, clock }) })
    const outcome = fetch(PLAN).then((bytes) => bytes.equals(RIGHT), String)
    await clock.advance(60_000)
    expect([await outcome, blamed]).toEqual([true, []])
  })
})

describe('a seed that breaks off amid what is wrong each time', () => {
  /** Answers with its first 200 000 bytes, and with the rest when it is asked for that; notes who asked from where. */
  function broken(starts: (string | undefined)[]): MemoryMesh['answers'] {
    async function* cut(from: number, to: number) {
      yield OTHER.subarray(from, to)
      if (to < OTHER.length) throw new WarrenError('UPSTREAM_CUT', 'it broke off')
    }
    const ends = { destroy() {}, discard() {}, blame() {} }
    return async ({ headers: { range } }) => {
      starts.push(range)
      if (range === undefined) return { status: 200, headers: { 'content-length': '300000' }, body: cut(0, 200_000), ...ends }
      const rest = { 'content-length': '100000', 'content-range': 'bytes 200000-299999/300000' }
      return { status: 206, headers: rest, body: cut(200_000, 300_000), ...ends }
    }
  }
  const twice = Array.from({ length: 2 }, () => [undefined, 'bytes=200000-']).flat()

  it.each([
    ['one seed', 1, 2, 'UPSTREAM_UNREACHABLE'],
    ['many seeds', 12, 20, 'UPSTREAM_CORRUPT'],
  ])('is not asked without end while nobody has a right copy: %s', async (_, count, copies, code) => {
    const kit = member({}, null, false)
    const starts: (string | undefined)[] = []
    const others = Array.from({ length: count - 1 }, (_, at) => kit.network.join({ id: `other${at}`, kind: 'seed' }))
    for (const one of [kit.seed, ...others]) one.answers = broken(starts)
    expect(await codeOf(inTime(kit.clock, kit.fetch(PLAN)))).toBe(code)
    expect(starts.length).toBe(2 * copies)
    await kit.clock.advance(60_000)
    expect(starts.length).toBe(2 * copies)
  })

  it('keeps nobody from the member that has it, after liars', async () => {
    const kit = member({}, null, false)
    const starts: (string | undefined)[] = []
    kit.seed.answers = broken(starts)
    for (const id of ['a', 'b', 'c']) kit.network.join({ id }).hold(digestOf(RIGHT), OTHER)
    kit.network.join({ id: 'honest' }).hold(digestOf(RIGHT), RIGHT)
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(RIGHT)).toBe(true)
    expect(starts).toEqual(twice)
  })

  it('keeps nobody from the seed that has it, where no member can be asked by digest', async () => {
    const plan = artifact('a', [digestOf(RIGHT, 'sha1')])
    const kit = member({}, null, false, RIGHT)
    const { answers: honest } = kit.seed
    const starts: (string | undefined)[] = []
    const other = kit.network.join({ id: 'other', kind: 'seed' })
    const [first] = ranked(plan.key, ['s', 'other'])
    kit.seed.answers = first === 's' ? broken(starts) : honest
    other.answers = first === 's' ? honest : broken(starts)
    expect((await inTime(kit.clock, kit.fetch(plan))).equals(RIGHT)).toBe(true)
    expect([starts, kit.asked.length]).toEqual([twice, 1])
  })

  it('does not have the seed left out that goes on with what it began', async () => {
    const kit = member({}, null, false)
    const other = kit.network.join({ id: 'other', kind: 'seed' })
    const [first] = ranked(PLAN.key, ['s', 'other'])
    const [liar, honest] = first === 's' ? [kit.seed, other] : [other, kit.seed]
    const ends = { destroy() {}, discard() {}, blame: (reason: string) => void kit.blamed.push(reason) }
    async function* sent(bytes: Buffer, isCut: boolean) {
      yield bytes
      if (isCut) throw new WarrenError('UPSTREAM_CUT', 'it broke off')
    }
    liar.answers = async ({ headers: { range } }) => {
      if (range !== undefined) throw new Error('it is gone')
      return { status: 200, headers: { 'content-length': '300000' }, body: sent(OTHER.subarray(0, 200_000), true), ...ends }
    }
    honest.answers = async ({ headers: { range } }) => {
      const start = range === undefined ? 0 : 200_000
      const part = { 'content-length': String(RIGHT.length - start), 'content-range': `bytes ${start}-299999/300000` }
      return { status: start > 0 ? 206 : 200, headers: part, body: sent(RIGHT.subarray(start), false), ...ends }
    }
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(RIGHT)).toBe(true)
  })

  it('has it left out, too, where upstream goes on', async () => {
    const plan = artifact('a', [digestOf(RIGHT, 'md5')], { algorithms: ['md5'] })
    const kit = member({}, null, false)
    const upstream = new MemoryUpstream((request) => serve(request, RIGHT))
    kit.direct.fetch = (request, signal) => upstream.fetch(request, signal)
    let asked = 0
    kit.seed.answers = async ({ headers: { range } }) => {
      if (range !== undefined) throw new Error('it is gone')
      asked++
      async function* cut() {
        yield OTHER.subarray(0, 200_000)
        throw new WarrenError('UPSTREAM_CUT', 'it broke off')
      }
      const ends = { destroy() {}, discard() {}, blame() {} }
      return { status: 200, headers: { 'content-length': '300000' }, body: cut(), ...ends }
    }
    expect((await inTime(kit.clock, kit.fetch(plan))).equals(RIGHT)).toBe(true)
    expect([asked, upstream.requests.length]).toEqual([2, 3])
  })
})
