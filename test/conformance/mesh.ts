import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { Algorithm, Digest } from '../../node/digest.ts'
import type { BlobSource, Mesh } from '../../node/mesh/mesh.ts'
import { eventually } from '../harness/wait.ts'

/** An implementation of `Mesh`, as the member that looks at the others. */
export interface MeshUnderTest {
  readonly mesh: Mesh
  stop(): Promise<void>
}

/** One that others can join. */
export interface PopulatedMeshUnderTest extends MeshUnderTest {
  /** Brings a member that holds these blobs, and waits until the others can know. */
  join(init: { id: string; kind?: 'peer' | 'seed'; blobs?: readonly Buffer[] }): Promise<Neighbour>
  /** Gives blobs to the member under test itself. */
  hold(blobs: readonly Buffer[]): void
}

interface Neighbour {
  readonly id: string
  readonly mesh: Mesh
  /** Bodies that it is sending. */
  readonly sending: number
}

export const ALGORITHMS: readonly Algorithm[] = ['sha256', 'sha512']

export function digestOf(bytes: Buffer, algorithm: Algorithm = 'sha256'): Digest {
  return { algorithm, hex: createHash(algorithm).update(bytes).digest('hex') }
}

const NEVER = new AbortController().signal
const BYTES = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7) % 251))
const OTHER = Buffer.from('another blob')
/** More than all buffers on its way can take. */
const LARGE = Buffer.alloc(64 << 20, 'large')

/** What every mesh promises, also one in which nobody else is. */
export function meshConformance(name: string, start: () => Promise<MeshUnderTest>): void {
  describe(`${name} keeps the promises of a mesh`, () => {
    const use = starting(start)

    it('is not populated while nobody else is known, and finds nobody', async () => {
      const { mesh } = await use()
      expect(mesh.populated).toBe(false)
      expect(await found(mesh, digestOf(BYTES))).toEqual([])
    })

    it('gives peers a head start of some milliseconds or none', async () => {
      const { mesh } = await use()
      for (const metered of [false, true]) {
        expect(mesh.headStart([digestOf(BYTES)], { metered })).toBeGreaterThanOrEqual(0)
        expect(mesh.headStart([digestOf(BYTES)], { metered })).toBeLessThan(10_000)
      }
    })

    it('takes announcements of any number, also of the same again', async () => {
      const { mesh } = await use()
      mesh.announce([])
      mesh.announce(ALGORITHMS.map((algorithm) => digestOf(BYTES, algorithm)))
      mesh.announce([digestOf(BYTES), digestOf(OTHER)])
      expect(await found(mesh, digestOf(BYTES))).toEqual([])
    })

    it('closes, takes a second close, and finds nobody after', async () => {
      const { mesh } = await use()
      await mesh.close()
      await mesh.close()
      expect(mesh.populated).toBe(false)
      expect(await found(mesh, digestOf(BYTES))).toEqual([])
    })
  })
}

/** What a mesh promises of its other members. */
export function populatedMeshConformance(name: string, start: () => Promise<PopulatedMeshUnderTest>): void {
  describe(`${name} keeps the promises of a mesh with members`, () => {
    const use = starting(start)

    /** The mesh, and the source that its only neighbour is. */
    async function withSource(bytes = BYTES): Promise<{ mesh: Mesh; neighbour: Neighbour; source: BlobSource }> {
      const { mesh, join } = await use()
      const neighbour = await join({ id: 'a', blobs: [bytes] })
      const [source] = await sources(mesh, digestOf(bytes))
      if (!source) throw new Error('the neighbour was not found')
      return { mesh, neighbour, source }
    }

    it('is populated as long as another member is there', async () => {
      const { mesh, join } = await use()
      const neighbour = await join({ id: 'a' })
      expect(mesh.populated).toBe(true)
      await neighbour.mesh.close()
      await eventually('the mesh has noticed', () => !mesh.populated)
    })

    it('finds all who hold a blob, no one else, and never itself', async () => {
      const { mesh, join, hold } = await use()
      hold([BYTES, OTHER])
      const a = await join({ id: 'a', blobs: [BYTES] })
      await join({ id: 'b', blobs: [OTHER] })
      const c = await join({ id: 'c', blobs: [OTHER, BYTES] })
      expect((await found(mesh, digestOf(BYTES))).sort()).toEqual([a.id, c.id].sort())
      expect(await found(mesh, digestOf(Buffer.from('held by nobody')))).toEqual([])
    })

    it.each(ALGORITHMS)('finds a blob by its %s', async (algorithm) => {
      const { mesh, join } = await use()
      const { id } = await join({ id: 'a', blobs: [BYTES] })
      expect(await found(mesh, digestOf(BYTES, algorithm))).toEqual([id])
    })

    it('tells seeds from peers', async () => {
      const { mesh, join } = await use()
      const a = await join({ id: 'a', kind: 'peer', blobs: [BYTES] })
      const b = await join({ id: 'b', kind: 'seed', blobs: [BYTES] })
      const kinds = new Map((await sources(mesh, digestOf(BYTES))).map(({ id, kind }) => [id, kind]))
      expect([kinds.size, kinds.get(a.id), kinds.get(b.id)]).toEqual([2, 'peer', 'seed'])
    })

    it('does not find who has left', async () => {
      const { mesh, join } = await use()
      const leaving = await join({ id: 'a', blobs: [BYTES] })
      const { id } = await join({ id: 'b', blobs: [BYTES] })
      await leaving.mesh.close()
      await eventually('it is not found any more', async () => !(await found(mesh, digestOf(BYTES))).includes(leaving.id))
      expect(await found(mesh, digestOf(BYTES))).toEqual([id])
    })

    it('can be asked for the first source only', async () => {
      const { mesh, join } = await use()
      const both = [await join({ id: 'a', blobs: [BYTES] }), await join({ id: 'b', blobs: [BYTES] })]
      for await (const { id } of mesh.find(digestOf(BYTES), NEVER)) {
        expect(both.map((one) => one.id)).toContain(id)
        break
      }
      expect((await found(mesh, digestOf(BYTES))).length).toBe(2)
    })

    it.each([0, 1, 65_536, 199_999, 200_000])('opens a blob at byte %i and says how long the whole is', async (at) => {
      const { source } = await withSource()
      const { size, body } = await source.open(at, NEVER)
      expect(size).toBe(BYTES.length)
      expect(Buffer.concat(await Array.fromAsync(body)).equals(BYTES.subarray(at))).toBe(true)
    })

    it('sends several bodies of one source at a time, each from its own place', async () => {
      const { source } = await withSource()
      const opened = await Promise.all([0, 100_000, 0].map((at) => source.open(at, NEVER)))
      const all = await Promise.all(opened.map(async ({ body }) => Buffer.concat(await Array.fromAsync(body))))
      expect(all.map((bytes) => bytes.equals(BYTES.subarray(BYTES.length - bytes.length)))).toEqual([true, true, true])
      expect(all.map(({ length }) => length)).toEqual([200_000, 100_000, 200_000])
    })

    it('opens nothing with an aborted signal, and looks for nothing', async () => {
      const { mesh, source } = await withSource()
      await expect(source.open(0, AbortSignal.abort('too late'))).rejects.toBe('too late')
      await expect(sources(mesh, digestOf(BYTES), AbortSignal.abort('too late'))).rejects.toBe('too late')
    })

    it('stops looking with the reason of the abort', async () => {
      const { mesh, join } = await use()
      await join({ id: 'a', blobs: [BYTES] })
      await join({ id: 'b', blobs: [BYTES] })
      const stop = new AbortController()
      const looking = async () => {
        for await (const _ of mesh.find(digestOf(BYTES), stop.signal)) stop.abort('found enough')
      }
      await expect(looking()).rejects.toBe('found enough')
    })

    it('breaks a body off with the reason of the abort, and lets the sender go', async () => {
      const { neighbour, source } = await withSource(LARGE)
      const stop = new AbortController()
      const { body } = await source.open(0, stop.signal)
      let received = 0
      const reading = async () => {
        for await (const bytes of body) {
          received += bytes.length
          stop.abort('enough')
        }
      }
      await expect(reading()).rejects.toBe('enough')
      expect(received).toBeLessThan(LARGE.length)
      await eventually('the sender is free', () => neighbour.sending === 0)
    })

    it('lets the sender go when the reader leaves its loop, and when a body is aborted that nobody began to read', async () => {
      const { neighbour, source } = await withSource(LARGE)
      const { body } = await source.open(0, NEVER)
      for await (const bytes of body) {
        expect([bytes.length > 0, neighbour.sending]).toEqual([true, 1])
        break
      }
      await eventually('the sender is free', () => neighbour.sending === 0)
      const stop = new AbortController()
      await source.open(0, stop.signal)
      stop.abort('never mind')
      await eventually('the sender is free', () => neighbour.sending === 0)
    })

    it('does not find whom it blamed again; others still do', async () => {
      const { mesh, join } = await use()
      const a = await join({ id: 'a', blobs: [BYTES, OTHER] })
      const third = await join({ id: 'b', blobs: [BYTES, OTHER] })
      const liar = (await sources(mesh, digestOf(BYTES))).find(({ id }) => id === a.id)
      liar?.blame('sent something else')
      liar?.blame('and again')
      expect(await found(mesh, digestOf(BYTES))).toEqual([third.id])
      expect(await found(mesh, digestOf(OTHER))).toEqual([third.id])
      expect(await found(third.mesh, digestOf(BYTES))).toEqual([a.id])
    })

    it('finds nobody after it was closed', async () => {
      const { mesh } = await withSource()
      await mesh.close()
      expect([mesh.populated, await found(mesh, digestOf(BYTES))]).toEqual([false, []])
    })
  })
}

/** Starts one for each test, and stops it after. */
function starting<Under extends MeshUnderTest>(start: () => Promise<Under>): () => Promise<Under> {
  const started: Under[] = []
  afterEach(async () => {
    for (const one of started.splice(0)) await one.stop()
  })
  return async () => {
    const one = await start()
    started.push(one)
    return one
  }
}

function sources(mesh: Mesh, digest: Digest, signal: AbortSignal = NEVER): Promise<BlobSource[]> {
  return Array.fromAsync(mesh.find(digest, signal))
}

async function found(mesh: Mesh, digest: Digest): Promise<string[]> {
  return (await sources(mesh, digest)).map(({ id }) => id)
}
