import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { isWarrenError, WarrenError } from '../../../node/errors.ts'
import type { Fault } from '../../../node/mesh/memory-mesh.ts'
import type { MemoryAnswer } from '../../../node/upstream/memory-upstream.ts'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { bytesOf, inTime, MINUTE, makeCache, read, serve, turns, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { artifact, BASE, digestOf, document, indexBytes } from './plans.ts'

useCacheTests()

const FULL = document('index', { key: 'full', headers: { accept: 'full' } })
const SHORT = document('index', { key: 'short', headers: { accept: 'short' }, standIn: FULL })
const OTHER = document('other', { key: 'other', headers: { accept: 'other' } })
const BYTES = bytesOf(150_000)
const FILE = artifact('file', [digestOf(BYTES)])
const PLANS = { FULL, SHORT, OTHER, FILE }

/** How upstream takes requests, until it is told otherwise. */
const MOODS = {
  well: undefined,
  bare: undefined,
  slow: undefined,
  cut: undefined,
  absent: { status: 404 },
  gone: { status: 410 },
  denied: { status: 403 },
  failing: { status: 503 },
  limited: { status: 429 },
  odd: { status: 206, body: 'x' },
  confirming: { status: 304 },
  empty: { body: '' },
  login: { body: '<html>log in</html>', headers: { 'content-type': 'text/html', etag: '"login"' } },
  away: new WarrenError('UPSTREAM_UNREACHABLE', 'scripted'),
} satisfies Record<string, MemoryAnswer | WarrenError | undefined>
type Mood = keyof typeof MOODS

const NOS: readonly Mood[] = ['absent', 'gone', 'denied']
const FAULTS: Fault[] = [
  {},
  { flipAt: 9 },
  { cutAfter: 70_000 },
  { shortAfter: 9 },
  { refuse: true },
  { silent: true },
  { size: 3 },
]

const mood = fc.constantFrom(...(Object.keys(MOODS) as Mood[]))
const step = fc.record({
  mood,
  publish: fc.boolean(),
  /** Ms that pass before. */
  wait: fc.constantFrom(0, 1, 11_000, MINUTE, MINUTE + 30_000, 3 * MINUTE, 60 * MINUTE, 8 * 24 * 60 * MINUTE),
  jump: fc.constantFrom(0, 0, 0, -30_000, -10 * MINUTE, 10 * MINUTE),
  asks: fc.array(
    fc.record({
      plan: fc.constantFrom(...(Object.keys(PLANS) as (keyof typeof PLANS)[])),
      revalidate: fc.boolean(),
      head: fc.boolean(),
      leaves: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  ),
})

/** The upstream of a history, and what it has said so far. */
class Model {
  mood: Mood = 'well'
  number = 1
  /** By body, whose it is and when it was sent whole or confirmed last. */
  readonly said = new Map<string, { key: string; step: number }>()
  /** By key, whether upstream's latest word was that there is such a thing. */
  readonly exists = new Map<string, boolean>()
  /** The same before the present step, whose answers are still on their way. */
  known: ReadonlyMap<string, boolean> = new Map()
  step = 0
  readonly #release: (() => void)[] = []

  readonly script = async (request: UpstreamRequest): Promise<MemoryAnswer> => {
    const key = request.url === FILE.url ? FILE.key : (request.headers?.accept ?? '')
    const { mood: now } = this
    if (now === 'slow') await new Promise<void>((resolve) => this.#release.push(resolve))
    if (NOS.includes(now)) this.exists.set(key, false)
    const confirmed = now === 'confirming' && request.headers?.['if-none-match']
    if (confirmed) this.#say(key, indexBytes({ [confirmed.replaceAll('"', '')]: {} }))
    const instead = MOODS[now]
    if (instead instanceof WarrenError) throw instead
    if (instead) return instead
    if (key === FILE.key) return serve(request, BYTES, { etag: '"file"', ...(now === 'cut' ? { cutAt: 100_000 } : {}) })
    return this.#document(key, now, request)
  }

  release(): void {
    for (const resolve of this.#release.splice(0)) resolve()
  }

  #say(key: string, body: Buffer): void {
    this.said.set(String(body), { key, step: this.step })
    this.exists.set(key, true)
  }

  #document(key: string, now: Mood, { headers }: UpstreamRequest): MemoryAnswer {
    const body = indexBytes({ [`${key}${this.number}`]: {} })
    const etag = `"${key}${this.number}"`
    if (now === 'cut') return { body, headers: { etag }, cutAt: 10 }
    this.#say(key, body)
    if (headers?.['if-none-match'] === etag) return { status: 304 }
    return { body, headers: now === 'bare' ? {} : { etag } }
  }
}

type Kit = ReturnType<typeof makeCache>
type Ask = (typeof step extends fc.Arbitrary<infer S> ? S : never)['asks'][number]

async function ask(kit: Kit, model: Model, { plan: name, leaves, ...options }: Ask): Promise<void> {
  const plan: Plan = PLANS[name]
  const leaving = new AbortController()
  try {
    const getting = kit.get(plan, { ...options, signal: leaving.signal })
    if (leaves) setImmediate(() => leaving.abort('left'))
    const found = await getting
    const { source, age = 0, body } = found
    if (plan === FILE) {
      // Headers alone are upstream's word, which nothing can check.
      const alone = source === 'upstream' && body.bytes?.length === 0
      if (!alone) expect((await read(found)).equals(BYTES)).toBe(true)
      return
    }
    const said = model.said.get(String(await read(found)))
    expect([plan.key, plan.standIn?.key]).toContain(said?.key)
    if (source === 'upstream') expect(said?.step).toBe(model.step)
    else expect([said?.key, model.known.get(said?.key ?? '')]).toEqual([said?.key, true])
    if (source === 'local') expect(age).toBeLessThan(60)
    expect(age).toBeLessThanOrEqual((7 * 24 * 60 + 1) * 60)
    if (source === 'upstream' || source === 'local') expect(said?.key).toBe(plan.key)
  } catch (error) {
    if (!isWarrenError(error) && error !== 'left') throw error
    // «No such thing» is upstream's word, never ours.
    if (isWarrenError(error, 'UPSTREAM_ABSENT', 'UPSTREAM_GONE', 'UPSTREAM_DENIED')) {
      expect(model.exists.get(plan.key)).toBe(false)
    }
  }
}

describe('whatever upstream answers and clients ask', () => {
  it('what is served is what upstream once sent whole under that name and has not taken back, and nothing is left under way', async () => {
    const history = fc.array(step, { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(history, fc.array(fc.constantFrom(...FAULTS), { maxLength: 3 }), async (steps, faults) => {
        const model = new Model()
        const kit = makeCache({ script: model.script })
        faults.forEach((fault, i) => {
          member(kit, `m${i}`, BYTES, { fault })
        })
        for (const { mood: next, publish, wait, jump, asks } of steps) {
          await kit.clock.advance(wait)
          kit.clock.jump(jump)
          model.step++
          model.known = new Map(model.exists)
          model.mood = next
          if (publish) model.number++
          const asking = Promise.all(asks.map((one) => ask(kit, model, one)))
          asking.catch(() => {})
          await kit.clock.advance(10_000)
          model.release()
          await inTime(kit.clock, asking, 500)
          // What went on behind ends too.
          model.mood = next === 'slow' ? 'well' : next
          await turns(5)
          await kit.clock.advance(30_000)
        }
        expect([kit.cache.flights, kit.clock.sleeping]).toEqual([0, 0])
        expect(kit.upstream.health().map(({ inFlight }) => inFlight)).toEqual(kit.upstream.health().map(() => 0))
        expect([...kit.network.members].map(({ sending }) => sending)).toEqual([...kit.network.members].map(() => 0))
        const record = kit.store.records.get(FILE.key)
        expect(record?.blob ?? digestOf(BYTES, 'sha256').hex).toBe(digestOf(BYTES, 'sha256').hex)
        await kit.cache.close()
      }),
      { numRuns: 150 },
    )
  })

  it('of many who ask at once for a name nobody holds, upstream sees one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 40 }), fc.constantFrom(FULL, FILE), mood, async (count, plan, how) => {
        const model = new Model()
        const kit = makeCache({ script: model.script })
        model.mood = how === 'cut' ? 'well' : how
        const asking = Promise.allSettled(Array.from({ length: count }, () => kit.fetch(plan)))
        await turns()
        expect(kit.upstream.count(`${BASE}${plan === FILE ? 'file' : 'index'}`)).toBe(
          // What is wrong is asked for once more, since nobody was given a byte of it.
          plan === FILE && ['login', 'empty', 'odd', 'confirming'].includes(how) ? 2 : 1,
        )
        model.release()
        await inTime(kit.clock, asking, 500)
        await kit.cache.close()
      }),
      { numRuns: 100 },
    )
  })
})
