import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type MemoryScript, MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import type { Upstream } from '../../../node/upstream/upstream.ts'
import { bytesOf, useCacheTests } from '../cache/fixture.ts'
import { artifact, document, indexBytes } from '../cache/plans.ts'
import { fetchingSeed } from './fetching-seed.ts'
import { until } from './fixture.ts'

useCacheTests()

const MIB = 1 << 20
const BYTES = bytesOf(MIB)
const LARGE = artifact('large')
const LATER = artifact('later')
const INDEX = document('index')
const DOCUMENT = indexBytes({ 'x.tgz': { bytes: bytesOf(10) } })

const PLANS = [LARGE, LATER, INDEX, ...Array.from({ length: 20 }, (_, at) => artifact(`file-${at}`))]

/** A seed that brings so many bytes a day for a member. */
const seed = (script: MemoryScript = () => ({ body: BYTES }), bytes = MIB, upstream?: Upstream) =>
  fetchingSeed({ script, ...(upstream ? { upstream } : {}) }, PLANS, bytes)

describe('what a seed brings for a member counts', () => {
  it('though it is sent whole to somebody who then may have no more', async () => {
    const { ask, errorOf } = await seed()
    expect((await ask(LARGE)).rest.length).toBeGreaterThan(0)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
    // It is here now.
    expect((await ask(LARGE)).status).toBe(200)
  })

  it('though the member is only told of it', async () => {
    const { ask, errorOf, kept } = await seed()
    expect((await ask(LARGE, 'POST')).status).toBe(202)
    await kept(LARGE)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
  })

  it('though the member leaves before it has all', async () => {
    const rest = Promise.withResolvers<void>()
    const { open, errorOf, kept } = await seed(undefined, MIB, halfAndRest(rest.promise))
    const member = await open(LARGE)
    await member.until((received) => received.includes('200 OK'))
    member.leave('rst')
    rest.resolve()
    await kept(LARGE)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
  })

  it('though only its head is asked for', async () => {
    const { ask, errorOf } = await seed(() => ({ body: DOCUMENT }), DOCUMENT.length)
    expect((await ask(INDEX, 'HEAD')).status).toBe(200)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
  })

  it('though it is what a document names, fetched ahead', async () => {
    const naming = document('naming', { prefetch: () => [INDEX] })
    const { ask, errorOf, kept } = await fetchingSeed(
      { script: () => ({ body: DOCUMENT }) },
      [...PLANS, naming],
      2 * DOCUMENT.length,
    )
    expect((await ask(naming)).status).toBe(200)
    await kept(INDEX)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
  })

  it('though the member says that it holds just that', async () => {
    const { ask, errorOf } = await seed(() => ({ body: DOCUMENT }), DOCUMENT.length)
    const held = createHash('sha256').update(DOCUMENT).digest('hex')
    expect((await ask(INDEX, 'GET', `x-warren-held: ${held}\r\n`)).status).toBe(304)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
  })
})

describe('a question to upstream counts', () => {
  it('though a copy is here, where that is outdated', async () => {
    const { ask, upstream, clock } = await fetchingSeed({ script: () => ({ body: DOCUMENT }) }, PLANS, MIB, 3)
    for (let at = 0; at < 3; at++) {
      expect((await ask(INDEX)).status).toBe(200)
      // It is good for a minute.
      expect((await ask(INDEX)).status).toBe(200)
      expect(upstream.requests.length).toBe(at + 1)
      await clock.advance(90_000)
    }
    expect((await ask(INDEX)).headers.get('x-warren-error')).toBe('BUDGET_SPENT')
  })
})

describe('what was asked for at the same time', () => {
  it('is not begun once the bytes of a day are spent', async () => {
    const { ask, errorOf, upstream, kept } = await seed(undefined, 2 * MIB)
    for (let at = 0; at < 20; at++) await ask(artifact(`file-${at}`), 'POST')
    await kept(artifact('file-1'))
    await until(() => upstream.requests.length > 1)
    await eventuallySpent(() => errorOf(LATER))
    const begun = upstream.requests.length
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
    // Two, and those that were under way then.
    expect([begun <= 6, upstream.requests.length]).toEqual([true, begun])
  })

  it('is given up once the bytes of a day are spent, so that nobody keeps it going', async () => {
    const rest = Promise.withResolvers<void>()
    const { open } = await seed(undefined, MIB / 2, halfAndRest(rest.promise))
    const member = await open(LARGE)
    await member.until((received) => received.includes('200 OK'))
    rest.resolve()
    expect((await member.rest()).length).toBeLessThan(MIB)
  })
})

async function eventuallySpent(errorOf: () => Promise<string | undefined>): Promise<void> {
  while ((await errorOf()) !== 'BUDGET_SPENT') await new Promise(setImmediate)
}

/** An upstream that sends a quarter of BYTES at once, and the rest later. */
function halfAndRest(later: Promise<void>): Upstream {
  const upstream = new MemoryUpstream(() => ({}))
  async function* body(): AsyncGenerator<Buffer, void> {
    yield BYTES.subarray(0, MIB / 4)
    await later
    for (let at = MIB / 4; at < MIB; at += MIB / 8) yield BYTES.subarray(at, at + MIB / 8)
  }
  const headers = { 'content-length': String(MIB) }
  upstream.fetch = async ({ url }) => ({ status: 200, headers, url, body: body(), destroy() {} })
  return upstream
}
