import { describe, expect, it } from 'vitest'
import { Expecting } from '../../../node/cache/expecting.ts'
import type { Lookup, Plan } from '../../../node/cache/plan.ts'
import { formatDigest } from '../../../node/digest.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import type { NameRecord, StageInit, Store } from '../../../node/store/store.ts'
import { available, bytesOf, codeOf, makeCache, NEVER, read, settled, turns, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { artifact, BASE, digestOf, document, indexBytes, indexed } from './plans.ts'
import { UNREACHABLE } from './registry.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const RIGHT = digestOf(BYTES)
const WRONG = digestOf('something else')
const NOWHERE: Lookup = { cached: async () => undefined, fetch: () => new Promise(() => {}) }

const expecting = (plan: Plan, lookup: Lookup = NOWHERE) => new Expecting(plan, lookup, NEVER)
const learning = (expect: NonNullable<Plan['expect']>): Plan => artifact('a', undefined, { expect })

describe('what an artifact must be', () => {
  it('is known at once from the request, or that nothing is promised', async () => {
    for (const digests of [[RIGHT], [], undefined]) {
      const one = expecting(artifact('a', digests))
      expect(one.known).toEqual({ digests: digests ?? [] })
      await one.early
      expect(await one.settled).toBe(one.known)
    }
  })

  it('is what the request tells, whatever the metadata says, which only tells the place', async () => {
    const url = `${BASE}elsewhere`
    const one = expecting(artifact('a', [RIGHT], { expect: async () => ({ digests: [WRONG], url }) }))
    expect(one.known).toEqual({ digests: [RIGHT] })
    await one.early
    expect([await one.place, await one.settled]).toEqual([url, { digests: [RIGHT], url }])
  })

  it('is known where the metadata that would tell the place cannot be had', async () => {
    const one = expecting(artifact('a', [RIGHT], { expect: () => Promise.reject(UNREACHABLE) }))
    await expect(one.place).rejects.toBe(UNREACHABLE)
    expect(await one.settled).toEqual({ digests: [RIGHT] })
  })

  it('is waited for while it comes from the cache, and no longer once upstream is asked', async () => {
    const held = Promise.withResolvers<unknown>()
    const lookup: Lookup = { cached: () => held.promise, fetch: () => new Promise(() => {}) }
    const one = expecting(
      learning(async ({ cached, fetch }, signal) => {
        await cached(document('index'))
        await fetch(document('index'), signal)
        return { digests: [] }
      }),
      lookup,
    )
    expect(await settled(one.early)).toBe(false)
    held.resolve(undefined)
    await one.early
    expect([await settled(one.settled), one.known]).toEqual([false, undefined])
  })

  it('may be asked once the artifact comes, and not if it does not', async () => {
    const how: [(one: Expecting) => void, known: unknown][] = [
      [(one) => one.begin(), { digests: [RIGHT] }],
      [(one) => one.miss(UNREACHABLE), undefined],
      [(one) => one.end(), undefined],
    ]
    for (const [happen, known] of how) {
      const one = expecting(
        learning(async ({ coming }) => {
          await coming?.()
          return { digests: [RIGHT] }
        }),
      )
      await Promise.all([one.early, one.idle])
      expect(await settled(one.settled)).toBe(false)
      happen(one)
      expect(await one.settled).toEqual(known)
    }
  })

  it.each([
    ['rejects', () => Promise.reject(UNREACHABLE), 'its metadata could not be had: nobody there'],
    [
      'throws at once',
      () => {
        throw new TypeError('of undefined')
      },
      'its metadata could not be had: of undefined',
    ],
    ['tells nothing', async () => undefined, 'its metadata does not tell what it must be'],
  ] as [string, NonNullable<Plan['expect']>, string][])('is unknown when the metadata %s, and why', async (_, ask, why) => {
    const one = expecting(learning(ask))
    await one.early
    expect([await one.settled, one.known, one.trouble]).toEqual([undefined, undefined, why])
  })
})

describe('bytes that nothing is known of', () => {
  it.each([
    ['the document does not name them', () => ({ body: indexBytes({}) })],
    [
      'the document cannot be had',
      () => {
        throw UNREACHABLE
      },
    ],
    ['there is no document', () => ({ status: 404 })],
    ['the document is none', () => ({ body: '<html>' })],
  ] as const)('are served to all who ask but neither kept nor announced: %s', async (_, answer) => {
    const kit = makeCache({ script: ({ url }) => (url === `${BASE}index` ? answer() : { body: BYTES }) })
    const found = await Promise.all([kit.get(indexed('a')), kit.get(indexed('a'))])
    expect(found.map(({ digest }) => digest)).toEqual([undefined, undefined])
    for (const one of found) expect((await read(one)).equals(BYTES)).toBe(true)
    await turns()
    expect([kit.store.records.get(indexed('a').key), kit.mesh.announced, kit.cache.flights]).toEqual([undefined, [], 0])
    expect([kit.events.count('unverified'), (await kit.store.status()).blobs <= 1]).toEqual([1, true])
    // Not held: the next one is another flight.
    expect((await kit.get(indexed('a'))).source).toBe('upstream')
  })

  it('are kept, but not announced, where upstream promises no digest for them', async () => {
    const kit = makeCache({
      script: ({ url }) => (url === `${BASE}index` ? { body: indexBytes({ a: {} }) } : { body: BYTES }),
    })
    await kit.fetch(indexed('a'))
    await turns()
    expect(kit.store.records.get(indexed('a').key)?.verified).toEqual([])
    expect([kit.mesh.announced, kit.events.lines]).toEqual([[], []])
    expect((await kit.get(indexed('a'))).digest).toBe(`sha256:${digestOf(BYTES, 'sha256').hex}`)
  })
})

describe('metadata that are asked for once the bytes come', () => {
  const waiting = artifact('a', undefined, {
    expect: async ({ coming, fetch }, signal) => {
      await coming?.()
      await fetch(document('index'), signal)
      return { digests: [RIGHT] }
    },
  })

  it.each([false, true])('tell what they must be, and nobody waits for them before: in a mesh %s', async (inMesh) => {
    const kit = makeCache({
      script: ({ url }) => (url === waiting.url ? { body: BYTES } : { body: indexBytes({}) }),
    })
    if (inMesh) member(kit, 'other', bytesOf(1))
    // The clock stands still: whatever it were waited for would not come.
    expect((await kit.fetch(waiting)).equals(BYTES)).toBe(true)
    await turns()
    expect(kit.store.records.get(waiting.key)?.verified).toEqual([`sha512:${RIGHT.hex}`])
    expect(kit.upstream.requests.map(({ url }) => url)).toEqual([waiting.url, document('index').url])
  })

  it.each([404, 500])('are not asked for where there are none (%i)', async (status) => {
    const kit = makeCache({ script: () => ({ status }) })
    expect(await codeOf(kit.fetch(waiting))).toBe(status === 404 ? 'UPSTREAM_ABSENT' : 'UPSTREAM_FAILED')
    await turns()
    expect([kit.upstream.requests.map(({ url }) => url), kit.cache.flights]).toEqual([[waiting.url], 0])
  })
})

describe('bytes that something is promised of', () => {
  it('end only when the metadata has come, however late', async () => {
    const told = Promise.withResolvers<void>()
    const kit = makeCache({
      script: async ({ url }) => {
        if (url !== `${BASE}index`) return { body: BYTES }
        await told.promise
        return { body: indexBytes({ a: { bytes: BYTES } }) }
      },
    })
    const found = await kit.get(indexed('a'))
    expect(await available(found.body)).toBe(BYTES.length - (64 << 10))
    expect(kit.store.records.get(indexed('a').key)).toBeUndefined()
    told.resolve()
    expect((await read(found)).equals(BYTES)).toBe(true)
    await turns()
    expect(kit.store.records.get(indexed('a').key)?.verified).toEqual([`sha512:${RIGHT.hex}`])
  })

  it('are broken off when late metadata shows that they are wrong', async () => {
    const told = Promise.withResolvers<void>()
    const kit = makeCache({
      script: async ({ url }) => {
        if (url !== `${BASE}index`) return { body: BYTES }
        await told.promise
        return { body: indexBytes({ a: { bytes: bytesOf(9) } }) }
      },
    })
    const found = await kit.get(indexed('a'))
    expect(await available(found.body)).toBe(BYTES.length - (64 << 10))
    told.resolve()
    expect(await codeOf(read(found))).toBe('UPSTREAM_CORRUPT')
    expect(kit.store.records.get(indexed('a').key)).toBeUndefined()
  })

  it.each([
    ['the first', [RIGHT, WRONG]],
    ['the last', [WRONG, digestOf('and another'), RIGHT]],
    ['one twice', [RIGHT, RIGHT]],
  ])('are right when any one digest of several is: %s', async (_, digests) => {
    const kit = makeCache({ script: () => ({ body: BYTES }) })
    const plan = learning(async () => ({ digests }))
    expect((await kit.fetch(plan)).equals(BYTES)).toBe(true)
    await turns()
    const right = digests.find(({ hex }) => hex !== WRONG.hex && hex !== digestOf('and another').hex)
    expect(kit.store.records.get(plan.key)?.verified).toEqual([`${right?.algorithm}:${right?.hex}`])
    expect(kit.mesh.announced).toEqual([`${right?.algorithm}:${right?.hex}`])
  })

  it('are wrong when none of several is right, and all that was promised is told', async () => {
    const kit = makeCache({ script: () => ({ body: BYTES }) })
    const plan = learning(async () => ({ digests: [WRONG, digestOf('x')] }))
    const error = await kit.fetch(plan).catch((thrown: Error) => thrown)
    expect(String(error)).toContain(`sha512:${WRONG.hex} or sha512:${digestOf('x').hex}`)
    expect(kit.store.records.get(plan.key)).toBeUndefined()
  })

  it.each(['sha1', 'md5', 'sha384', 'sha256'] as const)('are checked by %s, which the plan did not foresee', async (name) => {
    const kit = makeCache({ script: () => ({ body: BYTES }) })
    await kit.fetch(learning(async () => ({ digests: [digestOf(BYTES, name)] })))
    await turns()
    expect(kit.store.records.get(artifact('a').key)?.verified).toEqual([`${name}:${digestOf(BYTES, name).hex}`])
    expect(await codeOf(kit.fetch({ ...learning(async () => ({ digests: [digestOf('x', name)] })), key: 'b' }))).toBe(
      'UPSTREAM_CORRUPT',
    )
  })

  it('are taken from where the metadata says, else from where convention does', async () => {
    const elsewhere = `${BASE}elsewhere`
    for (const there of [true, false]) {
      const kit = makeCache({
        script: ({ url }) => {
          if (url === `${BASE}index`) return { body: indexBytes({ a: { bytes: BYTES, url: elsewhere } }) }
          return (url === elsewhere) === there ? { body: BYTES } : { status: 404 }
        },
      })
      await kit.fetch(document('index'))
      expect((await kit.fetch(indexed('a'))).equals(BYTES)).toBe(true)
      expect([kit.upstream.count(elsewhere), kit.upstream.count(`${BASE}a`)]).toEqual([1, there ? 0 : 1])
    }
  })

  it('are in trouble, not absent, when one of the two places is', async () => {
    const elsewhere = `${BASE}elsewhere`
    for (const troubled of [elsewhere, `${BASE}a`]) {
      const kit = makeCache({
        script: ({ url }) => {
          if (url === `${BASE}index`) return { body: indexBytes({ a: { bytes: BYTES, url: elsewhere } }) }
          return { status: url === troubled ? 400 : 404 }
        },
      })
      expect(await codeOf(kit.fetch(indexed('a')))).toBe('UPSTREAM_FAILED')
    }
  })
})

describe('what a client has just got', () => {
  it('tells what an artifact must be, though it is still being written down', async () => {
    const memory = new MemoryStore()
    const written = Promise.withResolvers<void>()
    const stage = (init: StageInit) => {
      const staging = memory.blobs.stage(init)
      const commit = (records: ReadonlyMap<string, NameRecord>) => written.promise.then(() => staging.commit(records))
      return new Proxy(staging, { get: (of, name) => (name === 'commit' ? commit : bound(of, name)) })
    }
    const store = new Proxy<Store>(memory, {
      get: (of, name) => (name === 'blobs' ? { ...memory.blobs, stage } : bound(of, name)),
    })
    const listed = indexBytes({ file: { bytes: BYTES } })
    const { get, fetch } = makeCache({ store, script: ({ url }) => ({ body: url.endsWith('index') ? listed : BYTES }) })
    const index = document('index', { kind: 'immutable' })
    const file = artifact('file', undefined, {
      algorithms: ['sha512'],
      expect: async ({ cached }) => ({ digests: (await cached(index)) ? [RIGHT] : [] }),
    })
    expect((await fetch(index)).equals(listed)).toBe(true)
    const asking = get(file)
    await turns()
    written.resolve()
    expect((await read(await asking)).equals(BYTES)).toBe(true)
    await turns()
    expect(memory.records.get(file.key)?.verified).toEqual([formatDigest(RIGHT)])
  })
})

/** A member of an object that keeps its own private parts. */
function bound<T extends object>(of: T, name: string | symbol): unknown {
  const value: unknown = Reflect.get(of, name, of)
  return typeof value === 'function' ? value.bind(of) : value
}
