import { describe, expect, it } from 'vitest'
import { AsBlob } from '../../../node/cache/as-blob.ts'
import { SeededUpstream } from '../../../node/cache/seeded-upstream.ts'
import { WarrenError } from '../../../node/errors.ts'
import { MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import type { Seed, SeedAnswer, SeedQuestion } from '../../../node/mesh/mesh.ts'
import { type MemoryScript, MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { NEVER } from './fixture.ts'
import { artifact, BASE } from './plans.ts'

const PLAN = artifact('file')
const REQUEST: UpstreamRequest = { method: 'GET', url: PLAN.url, base: BASE, key: PLAN.key }

type Answering = (question: SeedQuestion) => Partial<SeedAnswer> | Promise<Partial<SeedAnswer>>

async function* bytes(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

function answerOf(partial: Partial<SeedAnswer>): SeedAnswer {
  return { status: 200, headers: {}, body: bytes('from a seed'), destroy() {}, discard() {}, blame() {}, ...partial }
}

/** A member between seeds and its own way to upstream. */
function member(
  seeds: Record<string, Answering>,
  script: MemoryScript = () => ({ body: 'from upstream' }),
  kind: 'peer' | 'seed' = 'peer',
) {
  const network = new MemoryNetwork()
  const asked: [seed: string, question: SeedQuestion][] = []
  const askedBy = (id: string, answering: Answering): Seed['ask'] => {
    return async (question) => {
      asked.push([id, question])
      return answerOf(await answering(question))
    }
  }
  for (const [id, answering] of Object.entries(seeds)) network.join({ id, kind: 'seed' }).answers = askedBy(id, answering)
  const clock = new VirtualClock()
  const direct = new MemoryUpstream(script)
  const mesh = network.join({ id: 'self', kind })
  const upstream = new SeededUpstream({ upstream: direct, mesh, clock })
  const fetch = async (more: Partial<UpstreamRequest> = {}) => {
    const { status, headers, body, through } = await upstream.fetch({ ...REQUEST, ...more }, NEVER)
    const text = Buffer.concat(await Array.fromAsync(body)).toString()
    return { status, headers, text, through: through?.kind }
  }
  const order = () => asked.map(([id]) => id)
  return { upstream, direct, network, mesh, clock, fetch, asked, order }
}

const refusing =
  (code: string, status = 503, more: Record<string, string> = {}): Answering =>
  () => ({ status, headers: { 'x-warren-error': code, ...more }, body: bytes('no') })

const unreachable: Answering = () => {
  throw new Error('connection refused')
}

describe('upstream through seeds', () => {
  it('asks the seed that is responsible, by key, and says through whom it came', async () => {
    const { fetch, asked, direct, mesh } = member({ a: () => ({}), b: () => ({}), c: () => ({}) })
    expect(await fetch()).toMatchObject({ status: 200, text: 'from a seed', through: 'seed' })
    expect(asked).toEqual([[mesh.seeds(PLAN.key)[0]?.id, { method: 'GET', key: PLAN.key, headers: {} }]])
    expect(direct.requests).toEqual([])
  })

  it('says what is held, which part is wanted, and that a copy will not do', async () => {
    const { fetch, asked } = member({ a: () => ({}) })
    await fetch({ held: 'aa', range: { start: 5, ifRange: '"v"' }, headers: { via: '1.1 other', accept: 'x' } })
    await fetch({ range: { start: 5, end: 9 }, revalidate: true })
    expect(asked.map(([, { headers }]) => headers)).toEqual([
      { range: 'bytes=5-', 'x-warren-if-range': '"v"', 'x-warren-held': 'aa', via: '1.1 other' },
      { range: 'bytes=5-9', 'cache-control': 'no-cache' },
    ])
  })

  it('gives upstream’s entity tag back, and not the seed’s own', async () => {
    const { fetch } = member({
      a: () => ({ headers: { etag: '"sha256:00"', 'x-warren-etag': 'W/"v"', 'content-type': 'x/y' } }),
    })
    expect((await fetch()).headers).toEqual({ etag: 'W/"v"', 'content-type': 'x/y' })
  })

  it.each([
    ['UPSTREAM_ABSENT', 404],
    ['UPSTREAM_GONE', 410],
    ['UPSTREAM_LEGAL', 451],
    ['UPSTREAM_DENIED', 403],
  ])('takes %s for what upstream said', async (code, status) => {
    const { fetch, direct } = member({ a: refusing(code, status) })
    expect(await fetch()).toMatchObject({ status, through: 'seed' })
    expect(direct.requests).toEqual([])
  })

  it('goes to the next seed where one cannot be reached, and itself where none can', async () => {
    const { fetch, order, mesh, direct } = member({ a: unreachable, b: unreachable, c: unreachable, d: unreachable })
    expect(await fetch()).toMatchObject({ text: 'from upstream', through: undefined })
    expect(order()).toEqual(
      mesh
        .seeds(PLAN.key)
        .slice(0, 3)
        .map(({ id }) => id),
    )
    expect(direct.requests).toHaveLength(1)
  })

  it.each(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_FAILED', 'UPSTREAM_CORRUPT'])(
    'goes itself where the seed meets with %s',
    async (code) => {
      const { fetch, order } = member({ a: refusing(code), b: refusing(code) })
      expect((await fetch()).text).toBe('from upstream')
      expect(order()).toHaveLength(1)
    },
  )

  describe.each(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT'] as const)('whose own way meets with %s', (code) => {
    const cut: MemoryScript = () => {
      throw new WarrenError(code, 'the line is cut')
    }

    it('asks those again that kept silent', async () => {
      let times = 0
      const { fetch, order } = member({ a: () => (++times === 1 ? Promise.reject(new Error('busy')) : {}) }, cut)
      expect(await fetch()).toMatchObject({ text: 'from a seed', through: 'seed' })
      expect(order()).toEqual(['a', 'a'])
    })

    it('asks those that it would leave alone for a while', async () => {
      const { fetch, network, order } = member({ a: () => ({}), b: () => ({}) }, cut)
      for (const one of network.members) one.isPaused = true
      expect(await fetch()).toMatchObject({ text: 'from a seed' })
      expect(order()).toHaveLength(1)
    })

    it('says so where they cannot help, and asks nobody again who had an answer', async () => {
      const { fetch, order } = member({ a: refusing('NO_SUCH_MIRROR', 404), b: unreachable }, cut)
      await expect(fetch()).rejects.toMatchObject({ code, message: 'the line is cut' })
      expect(order().toSorted()).toEqual(['a', 'b', 'b'])
    })
  })

  it('asks no seed again where upstream itself fails', async () => {
    const failed: MemoryScript = () => {
      throw new WarrenError('UPSTREAM_FAILED', 'upstream answered 500')
    }
    const { fetch, order } = member({ a: unreachable }, failed)
    await expect(fetch()).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
    expect(order()).toEqual(['a'])
  })

  it('leaves an upstream alone that wants the seed to wait', async () => {
    const { upstream, direct } = member({ a: refusing('UPSTREAM_BUSY', 429, { 'retry-after': '17' }) })
    await expect(upstream.fetch(REQUEST, NEVER)).rejects.toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 17 })
    expect(direct.requests).toEqual([])
  })

  it('asks a seed nothing more for a while of an upstream that it has no mirror of', async () => {
    const { fetch, order } = member({ a: refusing('NO_SUCH_MIRROR', 404) })
    for (let i = 0; i < 3; i++) expect((await fetch()).text).toBe('from upstream')
    expect(order()).toEqual(['a'])
    await fetch({ base: 'https://another.test/' })
    expect(order()).toEqual(['a', 'a'])
  })

  it.each(['BUDGET_SPENT', 'NODE_BUSY', 'DRAINING', 'INTERNAL'])('asks the next one where a seed says %s', async (code) => {
    const { fetch, order } = member({ a: refusing(code), b: refusing(code) })
    expect((await fetch()).text).toBe('from upstream')
    expect(order().toSorted()).toEqual(['a', 'b'])
  })

  it('takes no answer for one that no upstream gives', async () => {
    const { fetch } = member({ a: () => ({ status: 302, headers: { location: 'http://169.254.169.254/' } }) })
    expect((await fetch()).text).toBe('from upstream')
  })

  it.each([
    ['what comes with credentials', {}, true],
    ['what a client named the registry of', { publicOnly: true }, false],
    ['a POST', { method: 'POST' }, false],
    ['what has no key', { key: undefined }, false],
  ] as const)('keeps %s to itself', async (_, more, isPrivate) => {
    const { upstream, asked, direct } = member({ a: () => ({}) })
    if (isPrivate) direct.privateBases.add(BASE)
    const { key, ...rest } = { ...REQUEST, ...more }
    await upstream.fetch(key === undefined ? rest : { ...rest, key }, NEVER)
    expect([asked, direct.requests.length]).toEqual([[], 1])
  })

  it('as a seed asks only those before itself', async () => {
    const seeds = { a: () => ({}), b: () => ({}), c: () => ({}) }
    const first = member(seeds, undefined, 'seed')
    first.mesh.answers = async () => answerOf({})
    const others = first.network.members.size - 1
    const before = Array.from({ length: 100 }, (_, at) => first.mesh.seeds(`key ${at}`).length)
    // Of four seeds each is the first for a quarter of all keys, and the last for another.
    expect([Math.min(...before), Math.max(...before), others]).toEqual([0, 3, 3])
  })
})

describe('what was fetched while no seed could be asked', () => {
  it('is told to a seed once there is one', async () => {
    const { fetch, network, clock } = member({})
    expect((await fetch()).text).toBe('from upstream')
    await clock.advance(60_000)
    const told: SeedQuestion[] = []
    network.join({ id: 'late', kind: 'seed' }).answers = async (question) => {
      told.push(question)
      return answerOf({ status: 202 })
    }
    await clock.advance(5_000)
    expect(told).toEqual([{ method: 'POST', key: PLAN.key, headers: {} }])
    await clock.advance(600_000)
    expect([told.length, clock.sleeping]).toEqual([1, 0])
  })

  it('is told again to a seed that was busy', async () => {
    const { fetch, network, clock } = member({})
    await fetch()
    let busy = true
    let told = 0
    network.join({ id: 'late', kind: 'seed' }).answers = async () => {
      told++
      return answerOf(busy ? { status: 429 } : { status: 202 })
    }
    await clock.advance(11_000)
    expect(told).toBe(2)
    busy = false
    await clock.advance(60_000)
    expect(told).toBe(3)
  })

  it('is no concern of a seed’s that has heard of it', async () => {
    const { fetch, clock } = member({ a: refusing('NO_SUCH_MIRROR', 404) })
    await fetch()
    expect(clock.sleeping).toBe(0)
  })

  it('is forgotten when the node stops', async () => {
    const { fetch, upstream, clock } = member({})
    await fetch()
    expect(clock.sleeping).toBe(1)
    await upstream.close()
    expect(clock.sleeping).toBe(0)
  })

  it('is not kept where it is not there, or the node is a seed itself', async () => {
    const absent = member({}, () => ({ status: 404 }))
    await absent.fetch()
    const seed = member({}, undefined, 'seed')
    await seed.fetch()
    expect([absent.clock.sleeping, seed.clock.sleeping]).toEqual([0, 0])
  })
})

describe('a seed that has it as a blob', () => {
  const location = `/blobs/v1/sha256:${'ab'.repeat(32)}`
  const referring =
    (to: string): Answering =>
    () => ({ status: 303, headers: { location: to, 'x-warren-etag': '"v"' } })

  it('is named to who is ready for that, with the digest and what upstream says', async () => {
    const { fetch, asked } = member({ a: referring(location) })
    const error = await fetch({ asBlob: true }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AsBlob)
    expect(error).toMatchObject({ seed: 'a', digest: { algorithm: 'sha256', hex: 'ab'.repeat(32) }, headers: { etag: '"v"' } })
    expect(asked[0]?.[1].headers).toEqual({ 'x-warren-as-blob': 'yes' })
  })

  it.each([
    ['12', 12],
    ['', undefined],
    ['-1', undefined],
    [undefined, undefined],
  ])('has as many bytes as the seed says (%s)', async (told, size) => {
    const more = told === undefined ? {} : { 'x-warren-bytes': told }
    const seeds = { a: () => ({ status: 303, headers: { location, ...more }, body: bytes('') }) }
    const error = await member(seeds)
      .fetch({ asBlob: true })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ size })
    expect((error as AsBlob).headers).toEqual({ location })
  })

  it.each([
    ['asked without that', {}, location],
    ['leading elsewhere', { asBlob: true }, '/artifacts/v1/x'],
    ['leading to no digest', { asBlob: true }, '/blobs/v1/md6:00'],
  ])('is none when it is %s', async (_, more, to) => {
    const { fetch } = member({ a: referring(to) })
    expect(await fetch(more)).toMatchObject({ text: 'from upstream' })
  })
})

describe('a seed near by that tells of which digests something is', () => {
  const tells = ({ upstream }: ReturnType<typeof member>, more: Partial<UpstreamRequest> = {}) =>
    upstream.tells({ key: PLAN.key, base: BASE, ...more })

  it('is the home of what a member may ask seeds for', () => {
    expect(tells(member({ a: () => ({}) }))).toBe(true)
    expect(tells(member({}))).toBe(false)
    expect(tells(member({ a: () => ({}) }, undefined, 'seed'))).toBe(false)
    expect(tells(member({ a: () => ({}) }), { publicOnly: true })).toBe(false)
    const asked = member({ a: () => ({}) })
    asked.direct.isPrivate = () => true
    expect(tells(asked)).toBe(false)
  })

  it('is none that has just said that it has no such upstream', async () => {
    const kit = member({ a: refusing('NO_SUCH_MIRROR', 404) })
    expect(tells(kit)).toBe(true)
    await kit.fetch()
    expect(tells(kit)).toBe(false)
    expect(tells(kit, { base: 'https://elsewhere.example.test/' })).toBe(true)
  })
})
