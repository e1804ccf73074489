import { describe, expect, it } from 'vitest'
import { Members } from '../../../node/cache/members.ts'
import type { BlobSource, Mesh } from '../../../node/mesh/mesh.ts'
import { Busy } from '../../../node/mesh/swarm/referral.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { bytesOf, codeOf, inTime, type Kit, makeCache, NEVER, read, serve, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { artifact, digestOf } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const DIGEST = digestOf(BYTES)
const PLAN = artifact('a', [DIGEST])

describe('a member that is slow', () => {
  it('may take two seconds to answer', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    member(kit, 'slow', BYTES, { fault: { silent: true } })
    const good = member(kit, 'good', BYTES)
    const fetching = kit.fetch(PLAN)
    await kit.clock.advance(1_999)
    expect(good.asked).toBe(0)
    await kit.clock.advance(1)
    expect((await fetching).equals(BYTES)).toBe(true)
  })

  it('is given up after five to ten seconds of silence', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    member(kit, 'slow', BYTES, { fault: { stallAfter: 100_000 } })
    const good = member(kit, 'good', BYTES)
    const fetching = kit.fetch(PLAN)
    await kit.clock.advance(4_900)
    expect(good.asked).toBe(0)
    await kit.clock.advance(5_200)
    expect((await fetching).equals(BYTES)).toBe(true)
    // So that it does not cost the next fetch as much.
    expect([kit.mesh.stalled, kit.mesh.blamed]).toEqual([['slow'], []])
  })

  /** Members that send ten bytes every four seconds, or more. Returns at which bytes they were asked to begin. */
  function addDripping(kit: Kit, kind: 'peer' | 'seed', count: number, drips = { bytes: BYTES, piece: 10 }): number[] {
    const { bytes } = drips
    const starts: number[] = []
    const ids = Array.from({ length: count }, (_, at) => member(kit, `${kind}${at}`, bytes, { kind }).id)
    const drip = async function* (start: number, signal: AbortSignal) {
      for (let at = start; at < bytes.length; ) {
        await kit.clock.sleep(4_000, signal)
        const end = at + drips.piece
        yield bytes.subarray(at, end)
        at = end
      }
    }
    const find = kit.mesh.find.bind(kit.mesh)
    kit.mesh.find = async function* (digest, signal) {
      for await (const source of find(digest, signal)) {
        const open: BlobSource['open'] = async (start, opened) => {
          starts.push(start)
          return { size: bytes.length, body: drip(start, opened) }
        }
        yield ids.includes(source.id) ? { ...source, open } : source
      }
    }
    return starts
  }

  const LARGE = bytesOf(3 << 20, 5)
  const LARGE_PLAN = artifact('large', [digestOf(LARGE)])
  /** Enough not to be silent. */
  const DRIP = { bytes: LARGE, piece: 100_000 }

  it.each([1, 20])('hands over to upstream, however many such peers there are: %i', async (count) => {
    const kit = makeCache({ script: (request) => serve(request, LARGE) })
    const starts = addDripping(kit, 'peer', count, DRIP)
    const began = kit.clock.now()
    expect((await inTime(kit.clock, kit.fetch(LARGE_PLAN), 500)).equals(LARGE)).toBe(true)
    expect(kit.clock.now() - began).toBeLessThan(10_000)
    expect([kit.upstream.requests.map(({ range }) => range?.start), starts, kit.mesh.blamed]).toEqual([[100_000], [0], []])
    expect(kit.mesh.stalled).toEqual(['peer0'])
  })

  it('hands over to a faster one when upstream is away, before it is asked again', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    const starts = addDripping(kit, 'peer', 2, DRIP)
    const fast = member(kit, 'fast', LARGE)
    expect((await inTime(kit.clock, kit.fetch(LARGE_PLAN), 500)).equals(LARGE)).toBe(true)
    expect([starts, fast.asked]).toEqual([[0, 100_000], 1])
  })

  it('delivers the whole when upstream is away and nobody is faster', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    const starts = addDripping(kit, 'peer', 1, DRIP)
    expect((await inTime(kit.clock, kit.fetch(LARGE_PLAN), 500)).equals(LARGE)).toBe(true)
    expect([starts, kit.upstream.requests.length, kit.mesh.stalled]).toEqual([[0, 100_000], 1, []])
  })

  it('is given up when it slows down to a few bytes after that', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    const drip = { ...DRIP }
    const starts = addDripping(kit, 'peer', 1, drip)
    const fetching = codeOf(kit.fetch(LARGE_PLAN))
    await kit.clock.advance(20_000)
    drip.piece = 10
    expect(await inTime(kit.clock, fetching, 500)).toBe('UPSTREAM_FAILED')
    expect(starts).toEqual([0, 100_000])
  })

  it('keeps nobody from upstream for long by saying as a seed that it is busy, late each time', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    const { id } = member(kit, 'busy', BYTES, { kind: 'seed' })
    const find = kit.mesh.find.bind(kit.mesh)
    let asked = 0
    kit.mesh.find = async function* (digest, signal) {
      for await (const source of find(digest, signal)) {
        const open: BlobSource['open'] = async (_, opened) => {
          asked++
          await kit.clock.sleep(asked === 1 ? 10 : 1_900, opened)
          throw new Busy('others are getting this from here', [])
        }
        yield source.id === id ? { ...source, open } : source
      }
    }
    const began = kit.clock.now()
    expect((await inTime(kit.clock, kit.fetch(PLAN), 100)).equals(BYTES)).toBe(true)
    expect(asked).toBeGreaterThan(2)
    expect(kit.clock.now() - began).toBeLessThan(15_000)
  })

  it('is not to blame for a slow reader', async () => {
    const clock = new VirtualClock()
    const piece = Buffer.alloc(256 << 10)
    const count = 50
    const send = async function* (signal: AbortSignal) {
      for (let sent = 0; sent < count; sent++) {
        await clock.sleep(200, signal)
        yield piece
      }
    }
    const size = piece.length * count
    const open: BlobSource['open'] = async (_, signal) => ({ size, body: send(signal) })
    const mesh: Mesh = {
      populated: true,
      relies: false,
      headStart: () => 0,
      withdraw: () => {},
      announce() {},
      seeds: () => [],
      small: () => undefined,
      source: () => undefined,
      chunkSources: () => [],
      async close() {},
      async *find() {
        yield { id: 'p', kind: 'peer', open, blame() {}, stalled() {}, named: () => undefined }
      },
    }
    const members = new Members({ mesh, clock })
    const from = { start: 0, early: false, doubtful: false, untold: false, peers: 'first' } as const
    const { body } = await members.open([DIGEST], from, () => true, NEVER)
    let got = 0
    const reading = (async () => {
      for await (const bytes of body) {
        got += bytes.length
        // So that the member is judged in each phase of this, also when it just was asked for more.
        await clock.sleep(4_450, NEVER)
      }
    })()
    await inTime(clock, reading)
    expect([got, members.unlucky]).toEqual([size, false])
  })

  it('is given up when it sends a few bytes now and then, however many such peers there are', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    addDripping(kit, 'peer', 20)
    const start = kit.clock.now()
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    expect(kit.clock.now() - start).toBeLessThan(30_000)
    expect(kit.mesh.blamed).toEqual([])
  })

  it('may be slow as a seed, whose bytes go out while they come', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    addDripping(kit, 'seed', 1)
    const found = await inTime(kit.clock, kit.get(PLAN))
    await kit.clock.advance(60_000)
    expect([found.source, kit.upstream.requests.length]).toEqual(['seed', 0])
    found.body.close()
  })

  it('is not to blame for a slow reader while the disk takes nothing', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    kit.memory.storing = false
    const large = Buffer.alloc(20 << 20, 'large')
    const seed = member(kit, 's', large, { kind: 'seed' })
    const found = await kit.get(artifact('large', [digestOf(large)]))
    // The window fills up, and the reader sets the pace.
    await kit.clock.advance(600_000)
    expect(seed.sending).toBe(1)
    expect((await read(found)).equals(large)).toBe(true)
    expect(seed.asked).toBe(1)
  })
})
