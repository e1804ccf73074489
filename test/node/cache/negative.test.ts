import { describe, expect, it } from 'vitest'
import { NegativeCache } from '../../../node/cache/negative.ts'
import { type ErrorCode, errorCodes, WarrenError } from '../../../node/errors.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { bytesOf, codeOf, MINUTE, makeCache, turns, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { artifact, digestOf, document } from './plans.ts'
import { NOS, Registry, UNREACHABLE, version } from './registry.ts'

useCacheTests()

const NAME = document('index')
const FILE = artifact('file')
const SECOND = 1_000

describe('a no of upstream', () => {
  const counts: [string, ErrorCode, ms: number][] = [
    ['name', 'UPSTREAM_ABSENT', 30 * SECOND],
    ['artifact', 'UPSTREAM_ABSENT', 10 * SECOND],
    ['name', 'UPSTREAM_GONE', 10 * MINUTE],
    ['artifact', 'UPSTREAM_GONE', 10 * MINUTE],
    ['name', 'UPSTREAM_LEGAL', 10 * MINUTE],
    ['artifact', 'UPSTREAM_LEGAL', 10 * MINUTE],
    ['name', 'UPSTREAM_DENIED', 30 * SECOND],
    ['artifact', 'UPSTREAM_DENIED', 30 * SECOND],
  ]
  const statusOf = (code: ErrorCode) => NOS.find(([, other]) => other === code)?.[0] ?? 0

  it('counts no longer than its plan says', () => {
    const clock = new VirtualClock()
    const negative = new NegativeCache({ clock }, { nameTtl: 30 * SECOND })
    for (const [key, most, counted] of [
      ['short', 5 * SECOND, 5 * SECOND],
      ['long', 60 * MINUTE, 10 * MINUTE],
    ] as const) {
      const plan = { ...NAME, key, negative: most }
      const since = clock.now()
      negative.add(plan, new WarrenError('UPSTREAM_GONE', 'gone'))
      clock.jump(counted - 1)
      expect(negative.get(plan)?.code).toBe('UPSTREAM_GONE')
      clock.jump(1)
      expect([negative.get(plan), clock.now() - since]).toEqual([undefined, counted])
    }
  })

  it('is upstream’s last word for longer, where it says that there is no such thing', () => {
    for (const code of ['UPSTREAM_ABSENT', 'UPSTREAM_GONE', 'UPSTREAM_DENIED', 'UPSTREAM_FAILED'] as const) {
      const clock = new VirtualClock()
      const negative = new NegativeCache({ clock }, { nameTtl: 30 * SECOND })
      const lacked = () => negative.lacked(NAME, 60 * MINUTE)
      negative.add(NAME, new WarrenError(code, 'no'))
      clock.jump(60 * MINUTE - 1)
      expect([code, negative.get(NAME), lacked()]).toEqual([
        code,
        undefined,
        code === 'UPSTREAM_ABSENT' || code === 'UPSTREAM_GONE',
      ])
      clock.jump(1)
      expect(lacked()).toBe(false)
      negative.add(NAME, new WarrenError('UPSTREAM_ABSENT', 'no'))
      expect(lacked()).toBe(true)
      negative.delete(NAME.key)
      expect(lacked()).toBe(false)
    }
  })

  it.each(counts)('about a %s counts (%s) for %i ms and no longer', async (kind, code, ms) => {
    const plan = kind === 'name' ? NAME : FILE
    const kit = makeCache({ script: () => ({ status: statusOf(code) }) })
    const first = await kit.fetch(plan).catch((error: unknown) => error)
    await kit.clock.advance(ms - 1)
    // Whoever asks later hears the same.
    expect(await kit.fetch(plan).catch((error: unknown) => error)).toEqual(first)
    expect([(first as WarrenError).code, kit.upstream.requests.length]).toEqual([code, 1])
    await kit.clock.advance(1)
    expect(await codeOf(kit.fetch(plan))).toBe(code)
    expect(kit.upstream.requests.length).toBe(2)
  })

  it.each([401, 403])('that may be for want of a login or for any other reason (%i) names both', async (status) => {
    const { fetch } = makeCache({ script: () => ({ status }) })
    await expect(fetch(FILE)).rejects.toThrow(
      `does not hand it out (${status}); if it wants a login, that goes under credentials in the configuration`,
    )
  })

  it.each([
    [5 * SECOND, 5 * SECOND, 5 * SECOND],
    [5 * MINUTE, 5 * MINUTE, 10 * SECOND],
  ])('counts for as long as was configured (%i ms), about an artifact at most ten seconds', async (negative, name, file) => {
    const kit = makeCache({ script: () => ({ status: 404 }), init: { negative } })
    for (const [plan, ms] of [
      [NAME, name],
      [FILE, file],
    ] as const) {
      const before = kit.upstream.requests.length
      await codeOf(kit.fetch(plan))
      await kit.clock.advance(ms - 1)
      await codeOf(kit.fetch(plan))
      expect(kit.upstream.requests.length).toBe(before + 1)
      await kit.clock.advance(1)
      await codeOf(kit.fetch(plan))
      expect(kit.upstream.requests.length).toBe(before + 2)
    }
  })

  it('is not remembered at all when that was configured', async () => {
    const kit = makeCache({ script: () => ({ status: 404 }), init: { negative: 0 } })
    for (const plan of [NAME, NAME, FILE, FILE]) expect(await codeOf(kit.fetch(plan))).toBe('UPSTREAM_ABSENT')
    expect(kit.upstream.requests.length).toBe(4)
  })

  it('is asked for once by many', async () => {
    const kit = makeCache({ script: () => ({ status: 404 }) })
    for (const plan of [NAME, FILE]) {
      const codes = await Promise.all(Array.from({ length: 30 }, () => codeOf(kit.fetch(plan))))
      expect(new Set(codes)).toEqual(new Set(['UPSTREAM_ABSENT']))
    }
    expect(kit.upstream.requests.length).toBe(2)
  })

  it('counts also for a client that asks for confirmation, and for HEAD', async () => {
    const kit = makeCache({ script: () => ({ status: 404 }) })
    await codeOf(kit.fetch(NAME))
    await codeOf(kit.fetch(FILE))
    expect(await codeOf(kit.fetch(NAME, { revalidate: true }))).toBe('UPSTREAM_ABSENT')
    expect(await codeOf(kit.get(FILE, { head: true }))).toBe('UPSTREAM_ABSENT')
    expect(kit.upstream.requests.length).toBe(2)
  })

  it('is about one key only', async () => {
    const kit = makeCache({ script: ({ url }) => (url.endsWith('index') ? { status: 404 } : { body: version(1) }) })
    await codeOf(kit.fetch(NAME))
    expect((await kit.fetch(document('other'))).equals(version(1))).toBe(true)
  })

  it('does not count for years when the clock was set back', async () => {
    const kit = makeCache({ script: () => ({ status: 410 }) })
    await codeOf(kit.fetch(NAME))
    kit.clock.jump(-1)
    await codeOf(kit.fetch(NAME))
    expect(kit.upstream.requests.length).toBe(2)
  })

  it.each([
    ['what changes', { ...artifact('tag'), kind: 'mutable' as const }],
    ['an artifact', artifact('tag')],
  ])('is forgotten as soon as it turns out that the thing is there after all (%s)', async (_, plan) => {
    const gate = Promise.withResolvers<void>()
    const kit = makeCache({
      script: async ({ method }) => {
        if (method === 'GET') await gate.promise
        return method === 'GET' ? { body: 'there' } : { status: 404 }
      },
    })
    kit.memory.storing = false
    // Both under way at once, and the one that is answered last has seen it.
    const asking = codeOf(kit.get(plan, { head: true }))
    const getting = kit.fetch(plan)
    expect(await asking).toBe('UPSTREAM_ABSENT')
    gate.resolve()
    expect(String(await getting)).toBe('there')
    expect(String(await kit.fetch(plan))).toBe('there')
  })
})

describe('what is no answer of upstream', () => {
  it('is not remembered', async () => {
    const registry = new Registry()
    registry.instead = UNREACHABLE
    const kit = makeCache({ script: registry.script })
    for (let i = 0; i < 3; i++) expect(await codeOf(kit.fetch(NAME))).toBe('UPSTREAM_UNREACHABLE')
    expect(kit.upstream.requests.length).toBe(3)
  })

  it('is any other condition of the catalogue', () => {
    const negative = new NegativeCache({ clock: new VirtualClock() }, { nameTtl: 30 * SECOND })
    const remembered = errorCodes.filter((code) => {
      negative.add({ ...NAME, key: code }, new WarrenError(code, 'no'))
      return negative.get({ ...NAME, key: code }) !== undefined
    })
    expect(remembered.sort()).toEqual([...new Set(NOS.map(([, code]) => code))].sort())
    negative.add(NAME, new Error('UPSTREAM_ABSENT'))
    expect(negative.get(NAME)).toBeUndefined()
  })

  it('is the silence of the mesh', async () => {
    const bytes = bytesOf(1_000)
    const plan = artifact('a', [digestOf(bytes)])
    const registry = new Registry()
    registry.instead = UNREACHABLE
    const kit = makeCache({ script: registry.script })
    const other = member(kit, 'p', bytesOf(9))
    expect(await codeOf(kit.fetch(plan))).toBe('UPSTREAM_UNREACHABLE')
    other.hold(digestOf(bytes), bytes)
    expect((await kit.fetch(plan)).equals(bytes)).toBe(true)
  })
})

describe('a flood of random names', () => {
  it('takes a bounded part of memory, and the newest are remembered', () => {
    const negative = new NegativeCache({ clock: new VirtualClock() }, { nameTtl: 30 * SECOND })
    const no = new WarrenError('UPSTREAM_ABSENT', 'test: registry.example.test has no such thing (404)')
    const flooding = (count: number, length: number) => {
      for (let i = 0; i < count; i++) negative.add({ ...NAME, key: `${i}`.padStart(length, 'x') }, no)
      return negative.size
    }
    expect(flooding(100_000, 60) * (256 + 60 + no.message.length)).toBeLessThanOrEqual(8 << 20)
    expect(negative.get({ ...NAME, key: '99999'.padStart(60, 'x') })).toBeDefined()
    expect(negative.get({ ...NAME, key: '0'.padStart(60, 'x') })).toBeUndefined()
    // Long names take more of it each.
    expect(flooding(10_000, 8_000)).toBeLessThan(1_100)
  })

  it('leaves what is held and what is being fetched alone', async () => {
    const kit = makeCache({ script: ({ url }) => (url.includes('random') ? { status: 404 } : { body: version(1) }) })
    await kit.fetch(NAME)
    for (let i = 0; i < 2_000; i++) await codeOf(kit.fetch(document(`random${i}`)))
    await turns()
    expect([(await kit.get(NAME)).source, await kit.store.status().then(({ records }) => records)]).toEqual(['local', 1])
    expect([kit.cache.flights, kit.clock.sleeping]).toEqual([0, 0])
  })
})
