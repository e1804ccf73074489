import { describe, expect, it } from 'vitest'
import { Expecting } from '../../../node/cache/expecting.ts'
import type { Lookup, Plan } from '../../../node/cache/plan.ts'
import type { Digest } from '../../../node/digest.ts'
import { bytesOf, NEVER, settled, turns, useCacheTests } from './fixture.ts'
import { artifact, digestOf, document } from './plans.ts'
import { UNREACHABLE } from './registry.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const RIGHT = digestOf(BYTES)
const WRONG = digestOf('something else')
const NOWHERE: Lookup = { cached: async () => undefined, fetch: () => new Promise(() => {}) }

const learning = (expect: NonNullable<Plan['expect']>): Plan => artifact('a', undefined, { expect })

describe('what a seed is asked for that may tell', () => {
  /** A plan that asks for a document, and how often it was asked for. */
  function waiting(more: Partial<Plan> = {}) {
    let asked = 0
    const lookup: Lookup = {
      cached: async () => undefined,
      fetch: async () => {
        asked++
        return undefined
      },
    }
    const plan = learning(async ({ fetch }, signal) => {
      await fetch(document('index'), signal)
      return { digests: [WRONG] }
    })
    const one = new Expecting({ ...plan, ...more }, lookup, NEVER, { asksSeed: true })
    return { one, asked: () => asked }
  }

  it('is what that seed tells, and no document is asked for', async () => {
    const { one, asked } = waiting()
    await one.early
    expect([one.awaitsSeed, await settled(one.settled), asked()]).toEqual([true, false, 0])
    one.told({ by: 's', digests: [RIGHT] })
    expect([one.awaitsSeed, await one.settled, one.known]).toEqual([false, { digests: [RIGHT] }, { digests: [RIGHT] }])
    one.told({ by: 't', digests: [WRONG] })
    await turns()
    expect([one.known, one.teller, asked()]).toEqual([{ digests: [RIGHT] }, 's', 0])
    one.end()
    await turns()
    expect([one.known, asked()]).toEqual([{ digests: [RIGHT] }, 0])
  })

  it('is what documents tell once they were asked whether they agree, if they tell it soon', async () => {
    const soon = new Promise<void>(() => {})
    const told = (digests: readonly Digest[]) => {
      const kit = waiting()
      kit.one.told({ by: 's', digests })
      return kit
    }
    const other = told([RIGHT])
    other.one.need()
    await turns()
    // What others were asked for by it must not become something else meanwhile.
    expect([other.one.known, other.one.teller, other.asked()]).toEqual([{ digests: [RIGHT] }, 's', 1])
    expect([await other.one.review(soon), other.one.known, other.one.teller]).toEqual([true, { digests: [WRONG] }, undefined])
    const same = told([WRONG])
    expect([await same.one.review(soon), same.one.known, same.one.teller]).toEqual([false, { digests: [WRONG] }, undefined])
    const slow = told([RIGHT])
    expect([await slow.one.review(Promise.resolve()), slow.one.known, slow.one.teller]).toEqual([
      false,
      { digests: [RIGHT] },
      's',
    ])
    const untold = waiting().one
    expect([await untold.review(soon), await untold.settled]).toEqual([false, { digests: [WRONG] }])
  })

  it.each([
    ['nothing', async () => undefined],
    ['that they cannot be had', () => Promise.reject(UNREACHABLE)],
  ])('stays what the seed told where documents tell %s', async (_, answer) => {
    const { one } = waiting({
      expect: async ({ fetch }, signal) => {
        await fetch(document('index'), signal)
        return answer()
      },
    })
    one.told({ by: 's', digests: [RIGHT] })
    expect([await one.review(new Promise<void>(() => {})), await one.settled, one.teller]).toEqual([
      false,
      { digests: [RIGHT] },
      's',
    ])
    one.doubt()
    expect([await one.settled, one.known, one.teller]).toEqual([undefined, undefined, undefined])
  })

  it('is told by digests that documents could tell as well', async () => {
    const [md5, h1] = [digestOf(BYTES, 'md5'), { algorithm: 'h1', hex: RIGHT.hex.slice(64) } as const]
    const told = (digests: readonly Digest[], more: Partial<Plan> = {}) => {
      const { one } = waiting(more)
      one.told({ by: 's', digests })
      return [one.known?.digests, one.awaitsSeed]
    }
    expect(told([md5])).toEqual([undefined, false])
    expect(told([h1])).toEqual([undefined, false])
    expect(told([])).toEqual([undefined, false])
    expect(told([md5, h1, RIGHT])).toEqual([[RIGHT], false])
    expect(told([md5], { algorithms: ['md5'] })).toEqual([[md5], false])
  })

  it('is not told any more once documents are known to tell nothing', async () => {
    const one = new Expecting(
      learning(async () => undefined),
      NOWHERE,
      NEVER,
      { asksSeed: true },
    )
    await one.early
    one.told({ by: 's', digests: [RIGHT] })
    expect([one.awaitsSeed, one.known, await one.settled]).toEqual([false, undefined, undefined])
  })

  it.each([
    ['the seed does not know', (one: Expecting) => one.need()],
    ['it does not have it', (one: Expecting) => one.miss(UNREACHABLE)],
    ['what came is wrong', (one: Expecting) => one.doubt()],
  ])('is what the document tells once %s', async (_, happen) => {
    const { one, asked } = waiting()
    await one.early
    happen(one)
    expect([one.awaitsSeed, await one.settled, one.known, asked()]).toEqual([
      false,
      { digests: [WRONG] },
      { digests: [WRONG] },
      1,
    ])
    one.told({ by: 's', digests: [RIGHT] })
    expect(one.known).toEqual({ digests: [WRONG] })
  })

  it('is what the document tells once what the seed told turned out wrong', async () => {
    const { one, asked } = waiting()
    one.told({ by: 's', digests: [RIGHT] })
    expect(await one.settled).toEqual({ digests: [RIGHT] })
    one.doubt()
    expect([one.known, await one.settled, one.known, asked()]).toEqual([
      undefined,
      { digests: [WRONG] },
      { digests: [WRONG] },
      1,
    ])
    one.doubt()
    expect(one.known).toEqual({ digests: [WRONG] })
  })

  it('is not known when the node stops before anybody told it', async () => {
    const { one, asked } = waiting()
    await one.early
    one.end()
    expect([await one.settled, asked()]).toEqual([undefined, 0])
  })

  it('is what is here already, whatever the seed says', async () => {
    const one = new Expecting(
      learning(async () => ({ digests: [RIGHT] })),
      NOWHERE,
      NEVER,
      { asksSeed: true },
    )
    await one.early
    one.told({ by: 't', digests: [WRONG] })
    expect([one.awaitsSeed, one.known]).toEqual([false, { digests: [RIGHT] }])
  })

  it.each([
    ['the request tells it', { digests: [RIGHT] }, { digests: [RIGHT] }],
    ['only the document tells where it is', { placed: true }, { digests: [WRONG] }],
  ] as const)('is not waited for where %s', async (_, more, known) => {
    const { one, asked } = waiting(more)
    expect([one.awaitsSeed, await one.settled, asked()]).toEqual([false, expect.objectContaining(known), 1])
  })
})
