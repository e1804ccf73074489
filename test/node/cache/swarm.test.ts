import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { bytesOf, serve, useCacheTests } from './fixture.ts'
import { artifact, digestOf } from './plans.ts'
import { LARGE, Swarm, type SwarmMember } from './swarm.ts'

// Time that stands still must not go on while a thread hashes.
vi.mock('../../../node/mesh/swarm/chunk-hash.ts', () => ({
  chunkHash: async (bytes: Buffer) => createHash('sha256').update(bytes).digest(),
}))

useCacheTests()

const BYTES = bytesOf(LARGE)
const DIGEST = digestOf(BYTES)
const PLAN = artifact('large', [DIGEST])
const MIB = 1 << 20

/** A seed that fetches it from an upstream that sends ten MiB a second, and how often it did. */
function homeOf(swarm: Swarm): { home: SwarmMember; fetches(): number } {
  const home = swarm.join('home', 'seed', (request) => ({ ...serve(request, BYTES), chunk: MIB }))
  const { upstream } = home.kit
  const fetch = upstream.fetch.bind(upstream)
  upstream.fetch = async (...asked) => {
    const response = await fetch(...asked)
    return { ...response, body: slowly(response.body) }
  }
  async function* slowly(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const bytes of body) {
      yield bytes
      await swarm.clock.sleep(100)
    }
  }
  return { home, fetches: () => home.kit.upstream.requests.length }
}

function expectRight(results: readonly PromiseSettledResult<Buffer>[]): void {
  const outcome = results.map((one) => (one.status === 'fulfilled' ? one.value.equals(BYTES) : String(one.reason)))
  expect(outcome).toEqual(results.map(() => true))
}

describe('a crowd that wants one large blob', () => {
  it('gets it from each other while a seed fetches it, which costs upstream and seed a copy each', async () => {
    const swarm = new Swarm({ seeds: 2, peers: 20 })
    const { home, fetches } = homeOf(swarm)
    expectRight(await swarm.fetchAll([home, ...swarm.peers], PLAN))
    expect(fetches()).toBe(1)
    expect(swarm.peers.flatMap(({ kit }) => kit.upstream.requests)).toEqual([])
    expect(swarm.seedShare()).toBeLessThanOrEqual(0.1)
  })

  it('gets it from each other when a seed holds it', async () => {
    const swarm = new Swarm({ seeds: 1, peers: 20 })
    const { home } = homeOf(swarm)
    expectRight(await swarm.fetchAll([home], PLAN))
    expectRight(await swarm.fetchAll(swarm.peers, PLAN))
    expect(swarm.seedShare()).toBeLessThanOrEqual(0.1)
  })

  it('blames who lies late in it, and nobody who handed on what was right', async () => {
    const swarm = new Swarm({ seeds: 0, peers: 16 })
    const { home } = homeOf(swarm)
    const liars = swarm.peers.filter((_, at) => at % 5 === 1)
    for (const [at, { mesh }] of liars.entries()) mesh.fault = { flipAt: (5 + 2 * at) * MIB + 7 }
    expectRight(await swarm.fetchAll([home, ...swarm.peers], PLAN))
    const blamed = new Set(swarm.members.flatMap(({ mesh }) => mesh.blamed))
    expect([...blamed].filter((id) => !liars.some((liar) => liar.id === id))).toEqual([])
    expect(blamed.size).toBeGreaterThan(0)
    expect(swarm.peers.flatMap(({ kit }) => kit.upstream.requests)).toEqual([])
    expect(swarm.seedShare()).toBeLessThanOrEqual(0.4)
  })

  it('goes on when members of it leave', async () => {
    const swarm = new Swarm({ seeds: 0, peers: 16 })
    const { home } = homeOf(swarm)
    for (const { mesh } of swarm.peers.slice(2, 5)) mesh.fault = { cutAfter: 3 * MIB }
    expectRight(await swarm.fetchAll([home, ...swarm.peers], PLAN))
    expect(swarm.members.flatMap(({ mesh }) => mesh.blamed)).toEqual([])
  })

  it('leaves a member behind that stalls while others get on', async () => {
    const swarm = new Swarm({ seeds: 0, peers: 8 })
    const { home } = homeOf(swarm)
    const stalling = swarm.peers[2] as SwarmMember
    const { pass } = stalling.mesh.serving as NonNullable<SwarmMember['mesh']['serving']>
    let stalled = 0
    const stall = async (to: string, bytes: number, signal: AbortSignal) => {
      if (stalling.sent < 4 * MIB) return pass(to, bytes, signal)
      stalled++
      return swarm.clock.sleep(10 * 60_000, signal)
    }
    Object.assign(stalling.mesh.serving as object, { pass: stall })
    const began = swarm.clock.now()
    expectRight(await swarm.fetchAll([home, ...swarm.peers], PLAN))
    expect(stalled).toBeGreaterThan(0)
    // Sooner than a member is given up where nothing tells that others have more.
    expect(swarm.clock.now() - began).toBeLessThan(5_000)
    expect(swarm.members.flatMap(({ mesh }) => mesh.blamed)).toEqual([])
    expect(swarm.peers.flatMap(({ kit }) => kit.upstream.requests)).toEqual([])
  })
})
