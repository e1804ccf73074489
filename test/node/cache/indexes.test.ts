import { describe, expect, it } from 'vitest'
import type { Lookup, Plan } from '../../../node/cache/plan.ts'
import { bytesOf, codeOf, MINUTE, makeCache, NEVER, read, turns, useCacheTests } from './fixture.ts'
import { indexParser } from './parser.ts'
import { artifact, digestOf, indexBytes } from './plans.ts'
import { Registry } from './registry.ts'

useCacheTests()

const FILE = bytesOf(2000)
const INDEX = indexBytes({ 'a.tar': { bytes: FILE } })

/** Reads it as `indexParser` does, but that it takes a while. */
const slowly = {
  ...indexParser,
  id: 'slow-index',
  unpacks: true as const,
  parse: async (bytes: Buffer) => indexParser.parse(bytes),
}
const PLAN = artifact('by-digest/index', [digestOf(INDEX, 'sha256')], { index: slowly })

/** What a grammar gets to see of the cache, by way of an artifact whose metadata it looks up. */
async function lookupOf(kit: ReturnType<typeof makeCache>): Promise<Lookup> {
  const seen = Promise.withResolvers<Lookup>()
  const plan = artifact('probe', undefined, {
    expect: async (lookup) => {
      seen.resolve(lookup)
      return { digests: [] }
    },
  })
  await kit.fetch(plan)
  return seen.promise
}

function start(bytes = INDEX) {
  const registry = new Registry()
  registry.bytes = bytes
  return { registry, ...makeCache({ script: registry.script }) }
}

describe('an artifact that tells of others', () => {
  it('goes out as it comes, and is read behind that', async () => {
    const kit = start()
    const found = await kit.get(PLAN)
    expect(found.document).toBeUndefined()
    expect((await read(found)).equals(INDEX)).toBe(true)
    const sha256 = digestOf(INDEX, 'sha256').hex
    await expect.poll(() => kit.documents.recall(slowly, sha256)?.facts).toEqual(indexParser.parse(INDEX).facts)
    expect(await (await lookupOf(kit)).cached(PLAN)).toEqual(indexParser.parse(INDEX).facts)
  })

  it('is kept where it cannot be read, and tells nothing', async () => {
    const odd = Buffer.from('no index at all')
    const kit = start(odd)
    const plan = { ...PLAN, digests: [digestOf(odd, 'sha256')] }
    expect((await kit.fetch(plan)).equals(odd)).toBe(true)
    await turns(20)
    expect(await (await lookupOf(kit)).cached(plan)).toBeUndefined()
    expect((await kit.get(plan)).source).toBe('local')
  })
})

describe('the keys of what is held', () => {
  it('are told in order, 64 of them at most', async () => {
    const kit = start(FILE)
    const names = Array.from({ length: 70 }, (_, i) => `list/${String(i).padStart(2, '0')}`)
    for (const name of [...names, 'lisu', 'lis']) await kit.fetch(artifact(name, [digestOf(FILE)]))
    await turns()
    const { held } = await lookupOf(kit)
    const prefix = artifact('list/').key.trimEnd()
    expect(await held?.(prefix)).toEqual(names.slice(0, 64).map((name) => artifact(name).key))
    expect(await held?.(`${prefix}99`)).toEqual([])
  })
})

describe('what is mutable, large, and described by others', () => {
  const ONE = bytesOf(300_000)
  const TWO = bytesOf(300_000, 2)

  function described() {
    const kit = start(ONE)
    const wanted = { digest: digestOf(ONE, 'sha256') }
    const plan: Plan = artifact('large', undefined, {
      kind: 'mutable',
      streamed: true,
      lifetime: { floor: 0, cap: 0 },
      expect: async () => ({ digests: [wanted.digest] }),
    })
    return { kit, wanted, plan }
  }

  it('is confirmed by upstream, but fetched anew once it is described as something else', async () => {
    const { kit, wanted, plan } = described()
    await kit.fetch(plan)
    await turns()
    expect((await kit.fetch(plan, { revalidate: true })).equals(ONE)).toBe(true)
    expect(kit.registry.sent).toBe(1)
    wanted.digest = digestOf(TWO, 'sha256')
    kit.registry.bytes = TWO
    // It kept its entity tag: a cache before upstream would say that the old one is right.
    expect((await kit.fetch(plan, { revalidate: true })).equals(TWO)).toBe(true)
    expect(kit.upstream.requests.at(-1)?.headers?.['if-none-match']).toBeUndefined()
  })

  it('does not stand in for what it is not, when upstream is away', async () => {
    const { kit, wanted, plan } = described()
    await kit.fetch(plan)
    await turns()
    kit.registry.instead = { status: 503 }
    await kit.clock.advance(2 * MINUTE)
    expect((await kit.get(plan)).source).toBe('stale')
    wanted.digest = digestOf(TWO, 'sha256')
    expect(await codeOf(kit.get(plan))).toBe('UPSTREAM_FAILED')
  })
})

describe('an answer that upstream forbids to keep', () => {
  it.each(['no-store', 'max-age=60, Private', 'private="set-cookie"'])('(%s) is not, for who heeds that', async (control) => {
    const kit = makeCache({ script: () => ({ body: FILE, headers: { 'cache-control': control } }) })
    const lifetime = { floor: MINUTE, cap: MINUTE }
    const plan = artifact('a', undefined, { kind: 'mutable', streamed: true, lifetime, heedsNoStore: true })
    for (const one of [plan, { ...plan, streamed: false, key: `${plan.key}2` }]) {
      expect((await kit.fetch(one)).equals(FILE)).toBe(true)
      await turns()
      expect(kit.store.records.get(one.key)).toBeUndefined()
      const { heedsNoStore: _, ...other } = one
      await kit.fetch(other)
      await turns()
      expect(kit.store.records.get(one.key)).toBeDefined()
    }
  })

  it('is told from one that only sounds so', async () => {
    const kit = makeCache({
      script: () => ({ body: FILE, headers: { 'cache-control': 'max-age=60, not-private, no-storey' } }),
    })
    const plan = artifact('a', undefined, { kind: 'mutable', streamed: true, heedsNoStore: true })
    await kit.get(plan, { signal: NEVER }).then(read)
    await turns()
    expect(kit.store.records.get(plan.key)).toBeDefined()
  })
})
