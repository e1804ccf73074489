import { describe, expect, it } from 'vitest'
import { SeededUpstream } from '../../../node/cache/seeded-upstream.ts'
import { WarrenError } from '../../../node/errors.ts'
import { MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import type { SeedAnswer } from '../../../node/mesh/mesh.ts'
import { MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { MINUTE, makeCache, read, useCacheTests } from './fixture.ts'
import { artifact, document, indexBytes } from './plans.ts'

useCacheTests()

const BYTES = indexBytes({})
const HOUR = 3_600
const OUTDATED = {
  'x-warren-source': 'stale',
  age: String(2 * HOUR),
  'cache-control': 'max-age=300',
  etag: '"own"',
  'x-warren-etag': '"1"',
}
const CURRENT = { ...OUTDATED, 'x-warren-source': 'local', age: '200' }

/** A member whose seed answers one question after the other so, the last way for good. Its own way to upstream is cut. */
function member(...answers: (Partial<SeedAnswer> & Pick<SeedAnswer, 'headers'>)[]) {
  const network = new MemoryNetwork()
  const clock = new VirtualClock()
  network.join({ id: 's', kind: 'seed' }).answers = async () => {
    async function* sent() {
      yield BYTES
    }
    const [first] = answers
    if (!first) throw new Error('it has nothing to say')
    if (answers.length > 1) answers.shift()
    return { status: 200, body: sent(), destroy() {}, discard() {}, blame() {}, ...first }
  }
  const mesh = network.join({ id: 'self' })
  const upstream = new MemoryUpstream(() => {
    throw new WarrenError('UPSTREAM_UNREACHABLE', 'the way to it is cut')
  })
  return makeCache({ mesh, clock, upstream: new SeededUpstream({ upstream, mesh, clock }) })
}

describe('a document that a seed has an old copy of', () => {
  it('is given to clients as what it is, with the age that it has', async () => {
    const { get } = member({ headers: OUTDATED })
    const found = await get(document('index'))
    expect([found.source, found.age, (await read(found)).equals(BYTES)]).toEqual(['stale', 2 * HOUR, true])
  })

  it('has its true age also when it is asked for again', async () => {
    const { fetch, get, clock } = member({ headers: OUTDATED })
    await fetch(document('index'))
    await clock.advance(5_000)
    const found = await get(document('index'))
    expect([found.source, found.age]).toEqual(['local', 2 * HOUR + 5])
  })
})

describe('a document that a seed has', () => {
  it('is as old as it is there, and fresh for a while from now on', async () => {
    const { fetch, get, clock } = member({ headers: CURRENT }, { status: 304, headers: { ...CURRENT, age: '1' } })
    await fetch(document('index'))
    await clock.advance(49_000)
    const found = await get(document('index'))
    expect([found.source, found.age]).toEqual(['local', 249])
    await clock.advance(2 * MINUTE)
    const renewed = await get(document('index'))
    expect([renewed.source, renewed.age]).toEqual(['seed', 1])
  })

  it('is confirmed by the seed and not by upstream, also where it goes out while it comes', async () => {
    const plan = artifact('tool.tar', undefined, { kind: 'mutable', streamed: true, lifetime: { floor: MINUTE, cap: MINUTE } })
    for (const [source, headers] of Object.entries({ seed: CURRENT, stale: OUTDATED })) {
      const { fetch, get, clock } = member({ headers: CURRENT }, { status: 304, headers })
      await fetch(plan)
      await clock.advance(5 * MINUTE)
      const found = await get(plan)
      expect([found.source, found.age]).toEqual([source, Number(headers.age)])
    }
  })
})
