import { describe, expect, it } from 'vitest'
import type { Found } from '../../../node/cache/found.ts'
import type { Plan } from '../../../node/cache/plan.ts'
import { type Digest, formatDigest } from '../../../node/digest.ts'
import type { SmallBlob } from '../../../node/mesh/mesh.ts'
import {
  bytesOf,
  codeOf,
  inTime,
  type Kit,
  MINUTE,
  makeCache,
  type Parts,
  read,
  settled,
  turns,
  useCacheTests,
} from './fixture.ts'
import { member } from './mesh.ts'
import { indexParser } from './parser.ts'
import { artifact, digestOf, document, indexBytes, indexed } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(20_000)
const WRONG = bytesOf(20_000, 2)
const DIGEST = digestOf(BYTES)
const PLAN = artifact('a', [DIGEST])

/** A cache beside a member that holds the bytes, and that is asked for them in one piece. */
function kitOf(give: (digests: readonly Digest[]) => Promise<Buffer | undefined> | undefined, parts: Parts = {}) {
  const kit = makeCache({ script: () => ({ body: BYTES }), ...parts })
  const peer = member(kit, 'p', BYTES)
  /** Digests that were asked for in one piece. */
  const asked: string[][] = []
  const blamed: string[] = []
  kit.mesh.small = (digests) => {
    asked.push(digests.map(formatDigest))
    const giving = give(digests)
    return giving && small(giving, blamed)
  }
  return { ...kit, peer, asked, blamed }
}

async function small(giving: Promise<Buffer | undefined>, blamed: string[]): Promise<SmallBlob | undefined> {
  const bytes = await giving
  return bytes && { bytes, kind: 'peer', blame: (reason) => void blamed.push(reason) }
}

async function landed({ cache }: Pick<Kit, 'cache'>): Promise<void> {
  for (let turn = 0; cache.flights > 0; turn++) {
    expect(turn).toBeLessThan(100)
    await turns(1)
  }
}

const isRight = async (found: Found) => (await read(found)).equals(BYTES)

describe('a small artifact that a member sends in one piece', () => {
  it('goes out under its digest, and is kept and told of', async () => {
    const kit = kitOf(async () => BYTES)
    const found = await kit.get(PLAN)
    expect([found.source, found.digest, found.body.size]).toEqual(['peer', formatDigest(DIGEST), BYTES.length])
    expect(found.body.bytes?.equals(BYTES)).toBe(true)
    await landed(kit)
    expect(kit.mesh.announced).toEqual([formatDigest(DIGEST)])
    expect(kit.store.records.get(PLAN.key)).toMatchObject({
      size: BYTES.length,
      freshFor: null,
      verified: [formatDigest(DIGEST)],
    })
    const again = await kit.get(PLAN)
    expect([again.source, await isRight(again)]).toEqual(['local', true])
    expect([kit.asked, kit.peer.asked, kit.upstream.requests]).toEqual([[[formatDigest(DIGEST)]], 0, []])
  })

  it('is fetched once for all who ask meanwhile', async () => {
    const kit = kitOf(async () => BYTES)
    const founds = await Promise.all([kit.get(PLAN), kit.get(PLAN), kit.get(PLAN)])
    expect(founds.map(({ source }) => source)).toEqual(['peer', 'flight', 'flight'])
    expect(await Promise.all(founds.map(isRight))).toEqual([true, true, true])
    expect([kit.asked.length, kit.peer.asked, kit.upstream.requests.length]).toEqual([1, 0, 0])
  })

  it('is what a HEAD is told of meanwhile', async () => {
    const giving = Promise.withResolvers<Buffer>()
    const kit = kitOf(() => giving.promise)
    const getting = kit.get(PLAN)
    await turns()
    const asking = kit.get(PLAN, { head: true })
    giving.resolve(BYTES)
    const [got, told] = await Promise.all([getting, asking])
    expect([got.source, told.source, told.digest]).toEqual(['peer', 'flight', formatDigest(DIGEST)])
    for (const { body } of [got, told]) body.close()
    expect(kit.upstream.requests).toEqual([])
  })

  it('takes back that upstream had no such thing', async () => {
    let isThere = false
    const kit = kitOf(() => (isThere ? Promise.resolve(BYTES) : undefined), { script: () => ({ status: 404 }) })
    kit.peer.fault = { refuse: true }
    expect(await codeOf(inTime(kit.clock, kit.get(PLAN)))).toBe('UPSTREAM_ABSENT')
    expect(kit.cache.lacked(PLAN)).toBe(true)
    isThere = true
    await kit.clock.advance(MINUTE)
    expect(await isRight(await kit.get(PLAN))).toBe(true)
    expect(kit.cache.lacked(PLAN)).toBe(false)
  })

  it('is asked for by the digest that a held document tells', async () => {
    const kit = kitOf(async () => BYTES, { script: () => ({ body: indexBytes({ a: { bytes: BYTES } }) }) })
    const index = document('index')
    await kit.fetch(index)
    const found = await kit.get(indexed('a', index))
    expect([found.source, await isRight(found)]).toEqual(['peer', true])
    expect([kit.asked, kit.upstream.requests.length]).toEqual([[[formatDigest(DIGEST)]], 1])
  })

  it('counts for whoever has to answer for it', async () => {
    const kit = kitOf(async () => BYTES)
    const brought: number[] = []
    const plan: Plan = { ...PLAN, brought: (bytes) => void brought.push(bytes) }
    expect(await isRight(await kit.get(plan))).toBe(true)
    expect(brought).toEqual([BYTES.length])
  })

  it('goes out also where the disk takes nothing more, and is not kept', async () => {
    const kit = kitOf(async () => BYTES)
    kit.memory.storing = false
    expect(await isRight(await kit.get(PLAN))).toBe(true)
    await landed(kit)
    expect([kit.store.records.get(PLAN.key), kit.mesh.announced]).toEqual([undefined, []])
  })

  it('is given to nobody who asks after a purge', async () => {
    const giving = Promise.withResolvers<Buffer>()
    let isFirst = true
    const kit = kitOf(() => {
      const given = isFirst ? giving.promise : Promise.resolve(BYTES)
      isFirst = false
      return given
    })
    const before = kit.get(PLAN)
    await turns()
    const meant: unknown[] = []
    kit.cache.detach((key, expected) => Boolean(meant.push([key, expected])))
    expect(meant).toEqual([[PLAN.key, [DIGEST]]])
    const after = await kit.get(PLAN)
    expect([after.source, await isRight(after), await settled(before)]).toEqual(['peer', true, false])
    giving.resolve(BYTES)
    expect(await isRight(await before)).toBe(true)
    expect(kit.asked.length).toBe(2)
  })

  it('keeps a cache that closes waiting until it is written down or given up', async () => {
    const giving = Promise.withResolvers<Buffer>()
    const kit = kitOf(() => giving.promise)
    const getting = kit.get(PLAN).catch((error: { code: string }) => error.code)
    await turns()
    const closing = kit.cache.close()
    expect(await settled(closing)).toBe(false)
    giving.resolve(BYTES)
    await closing
    expect(await settled(getting)).toBe(true)
  })
})

describe('of somebody who has left, or a node that stops,', () => {
  it('upstream hears nothing', async () => {
    const giving = Promise.withResolvers<undefined>()
    const kit = kitOf(() => giving.promise)
    kit.peer.fault = { refuse: true }
    const leaving = new AbortController()
    const getting = kit.get(PLAN, { signal: leaving.signal })
    await turns()
    leaving.abort(new Error('left'))
    giving.resolve(undefined)
    await expect(getting).rejects.toThrow('left')
    expect([kit.peer.asked, kit.upstream.requests]).toEqual([0, []])
  })

  it('no member hears anything', async () => {
    const kit = kitOf(async () => BYTES)
    const getting = kit.get(PLAN)
    await kit.cache.close()
    expect(await codeOf(getting)).toBe('DRAINING')
    expect([kit.asked, kit.store.records.get(PLAN.key)]).toEqual([[], undefined])
  })
})

describe('the usual way is left to', () => {
  it('what has the wrong bytes: the member is told, and no client gets one', async () => {
    const kit = kitOf(async () => WRONG)
    const founds = await Promise.all([kit.get(PLAN), kit.get(PLAN)])
    expect(await Promise.all(founds.map(isRight))).toEqual([true, true])
    expect(kit.blamed).toEqual(['the bytes do not match their digest'])
    expect(kit.events.lines).toEqual([expect.stringMatching(/^corrupt peer: .*not the promised/)])
    expect([kit.asked.length, kit.peer.asked]).toEqual([1, 1])
    await landed(kit)
    expect(await isRight(await kit.get(PLAN))).toBe(true)
  })

  it('what no member has to give like this, at once or in the end', async () => {
    for (const give of [() => undefined, async () => undefined]) {
      const kit = kitOf(give)
      expect(await isRight(await kit.get(PLAN))).toBe(true)
      expect([kit.asked.length, kit.peer.asked, kit.blamed]).toEqual([1, 1, []])
    }
  })

  it('what has more bytes than it may have', async () => {
    const kit = kitOf(async () => BYTES)
    const getting = kit.get({ ...PLAN, maxBytes: BYTES.length - 1 })
    await expect(getting).rejects.toMatchObject({ code: 'UPSTREAM_CORRUPT' })
    expect(kit.blamed).toEqual([])
  })

  it('what has no digest, none that is strong, or one that is not at hand: nothing is fetched to learn it', async () => {
    const kit = kitOf(async () => BYTES, { script: ({ url }) => ({ body: url.endsWith('index') ? INDEX : BYTES }) })
    const plans = [artifact('none'), artifact('weak', [digestOf(BYTES, 'md5')]), indexed('a')]
    for (const plan of plans) expect(await isRight(await kit.get(plan))).toBe(true)
    expect(kit.asked).toEqual([])
    expect(kit.upstream.requests.map(({ url }) => url.split('/').at(-1)).sort()).toEqual(['index', 'none', 'weak'])
  })

  it('a flight that need not look for what was at hand', async () => {
    const kit = kitOf(async () => undefined, { script: ({ url }) => ({ body: url.endsWith('index') ? INDEX : BYTES }) })
    const index = document('index')
    await kit.fetch(index)
    const plan = indexed('a', index)
    const looks: unknown[] = []
    const expectOne: Plan['expect'] = async (...given) => {
      looks.push(given)
      return plan.expect?.(...given)
    }
    expect(await isRight(await kit.get({ ...plan, expect: expectOne }))).toBe(true)
    expect(looks.length).toBe(1)
  })

  it('documents, what comes with credentials, and what only upstream may be asked for', async () => {
    const kit = kitOf(async () => BYTES, { script: () => ({ body: indexBytes({}) }) })
    await kit.fetch(artifact('index', [digestOf(indexBytes({}))], { document: indexParser }))
    const guarded = kitOf(async () => BYTES)
    expect(await isRight(await guarded.get({ ...PLAN, guarded: true, expect: async () => undefined }))).toBe(true)
    const hidden = kitOf(async () => BYTES)
    hidden.upstream.isPrivate = () => true
    expect(await isRight(await hidden.get(PLAN))).toBe(true)
    expect([kit.asked, guarded.asked, hidden.asked, hidden.upstream.requests.length]).toEqual([[], [], [], 1])
  })
})

const INDEX = indexBytes({ a: { bytes: BYTES } })
