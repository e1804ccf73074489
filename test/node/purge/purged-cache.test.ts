import { describe, expect, it } from 'vitest'
import type { MemoryAnswer } from '../../../node/upstream/memory-upstream.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { inTime, MINUTE, makeCache, read, settled, turns, useCacheTests } from '../cache/fixture.ts'
import { artifact, digestOf, document, indexBytes } from '../cache/plans.ts'
import { ended, HERE, purgedStore, purgerOf, usePurgers } from './fixture.ts'

useCacheTests()
usePurgers()

const PLAN = artifact('a')
const DOCUMENT = document('index')
const [OLD, NEW] = [Buffer.alloc(200_000, 'old'), Buffer.alloc(200_000, 'new')]
const [OLD_INDEX, NEW_INDEX] = [indexBytes({ old: {} }), indexBytes({ fresh: {} })]

/** An upstream that holds each answer back until a test lets it go. */
class Gates {
  readonly #open: (() => void)[] = []
  readonly #answers: MemoryAnswer[]

  constructor(...answers: MemoryAnswer[]) {
    this.#answers = answers
  }

  readonly script = async (): Promise<MemoryAnswer> => {
    const answer = this.#answers.shift() ?? { status: 404 }
    await new Promise<void>((resolve) => this.#open.push(resolve))
    return answer
  }

  open(at: number): void {
    this.#open[at]?.()
  }
}

function kitOf(script: Gates['script'], clock = new VirtualClock()) {
  const { book, store } = purgedStore()
  const kit = makeCache({ script, store, clock })
  const purger = purgerOf({ book, store, cache: kit.cache, clock })
  return { ...kit, purger, book, purge: () => purger.apply('one', [HERE]) }
}

describe('what is on its way when a purge comes', () => {
  it('goes to its readers, is not kept nor announced, and whoever comes then gets what upstream has now', async () => {
    const digests = [digestOf(OLD), digestOf(NEW)]
    const plan = artifact('a', digests)
    const gates = new Gates({ body: OLD }, { body: NEW })
    const kit = kitOf(gates.script)
    const early = kit.fetch(plan)
    await turns()
    await kit.purge()
    await ended(kit.purger, 'one')
    const late = kit.fetch(plan)
    await turns()
    expect(kit.upstream.requests).toHaveLength(2)
    gates.open(0)
    expect((await early).equals(OLD)).toBe(true)
    await turns()
    expect(kit.store.records.get(plan.key)).toBeUndefined()
    expect(kit.mesh.announced).toEqual([])
    expect((await kit.store.status()).blobs).toBe(0)
    gates.open(1)
    expect((await late).equals(NEW)).toBe(true)
    await turns()
    expect(kit.store.records.get(plan.key)).toMatchObject({ blob: digestOf(NEW, 'sha256').hex })
    expect((await kit.fetch(plan)).equals(NEW)).toBe(true)
  })

  it('is not handed on to members any more', async () => {
    const digest = digestOf(OLD)
    const plan = artifact('a', [digest])
    const kit = kitOf(async () => ({ body: OLD, stallAt: 100_000 }))
    const found = await kit.get(plan)
    await turns()
    expect(kit.cache.partial(digest)).toBeDefined()
    await kit.purge()
    expect(kit.cache.partial(digest)).toBeUndefined()
    found.body.close()
  })

  it('of a document goes to who waits for it, and is asked for anew by the next one', async () => {
    const gates = new Gates({ body: OLD_INDEX }, { body: NEW_INDEX })
    const kit = kitOf(gates.script)
    const early = kit.fetch(DOCUMENT)
    await turns()
    await kit.purge()
    const late = kit.fetch(DOCUMENT)
    await turns()
    gates.open(0)
    expect(await early).toEqual(OLD_INDEX)
    expect(kit.store.records.get(DOCUMENT.key)).toBeUndefined()
    gates.open(1)
    expect(await late).toEqual(NEW_INDEX)
    expect(await kit.fetch(DOCUMENT)).toEqual(NEW_INDEX)
  })
})

describe('a document that was purged', () => {
  it('does not come back where upstream says that it is still right', async () => {
    let answers = 0
    const gate = Promise.withResolvers<void>()
    const kit = kitOf(async () => {
      if (++answers === 1) return { body: OLD_INDEX, headers: { etag: '"1"' } }
      if (answers > 2) return { body: NEW_INDEX }
      await gate.promise
      return { status: 304 }
    })
    await kit.fetch(DOCUMENT)
    await kit.clock.advance(3 * MINUTE)
    const asking = kit.fetch(DOCUMENT)
    await turns()
    await kit.purge()
    gate.resolve()
    expect(await asking).toEqual(NEW_INDEX)
  })

  it('stands in for no upstream that is slow or in trouble', async () => {
    let isUp = true
    const gate = Promise.withResolvers<void>()
    const kit = kitOf(async () => {
      if (isUp) return { body: OLD_INDEX }
      await gate.promise
      return { status: 500 }
    })
    await kit.fetch(DOCUMENT)
    await kit.clock.advance(3 * MINUTE)
    isUp = false
    const asking = kit.fetch(DOCUMENT)
    asking.catch(() => {})
    await turns()
    await kit.purge()
    await kit.clock.advance(10_000)
    expect(await settled(asking)).toBe(false)
    gate.resolve()
    await expect(inTime(kit.clock, asking)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
  })
})

it('a «no» is asked for again after a purge', async () => {
  let answer: MemoryAnswer = { status: 404 }
  const kit = kitOf(async () => answer)
  await expect(kit.fetch(PLAN)).rejects.toMatchObject({ code: 'UPSTREAM_ABSENT' })
  answer = { body: NEW }
  await expect(kit.fetch(PLAN)).rejects.toMatchObject({ code: 'UPSTREAM_ABSENT' })
  await kit.purge()
  expect((await read(await kit.get(PLAN))).equals(NEW)).toBe(true)
})
