import { describe, expect, it } from 'vitest'
import { type Fault, type MemoryMesh, MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import type { BlobSource } from '../../../node/mesh/mesh.ts'
import { ALGORITHMS, digestOf, meshConformance, populatedMeshConformance } from '../../conformance/mesh.ts'

const NEVER = new AbortController().signal

function holdAll(member: MemoryMesh, blobs: readonly Buffer[]): void {
  for (const bytes of blobs) for (const algorithm of ALGORITHMS) member.hold(digestOf(bytes, algorithm), bytes)
}

async function start() {
  const network = new MemoryNetwork()
  const mesh = network.join({ id: 'self' })
  return {
    mesh,
    join: async ({ blobs = [], ...init }: { id: string; kind?: 'peer' | 'seed'; blobs?: readonly Buffer[] }) => {
      const member = network.join(init)
      holdAll(member, blobs)
      return {
        id: member.id,
        mesh: member,
        get sending() {
          return member.sending
        },
      }
    },
    hold: (blobs: readonly Buffer[]) => holdAll(mesh, blobs),
    stop: () => mesh.close(),
  }
}

meshConformance('MemoryMesh', start)
populatedMeshConformance('MemoryMesh', start)

describe('the faults of a member of a memory mesh', () => {
  const BYTES = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7) % 251))

  /** The source that a member with this fault is. */
  async function faulty(fault: Fault): Promise<BlobSource> {
    const network = new MemoryNetwork()
    const member = network.join({ id: 'a' })
    member.fault = fault
    holdAll(member, [BYTES])
    const [source] = await Array.fromAsync(network.join({ id: 'self' }).find(digestOf(BYTES), NEVER))
    if (!source) throw new Error('it was not found')
    return source
  }

  async function receive(fault: Fault, at = 0, signal = NEVER): Promise<{ size: number; bytes: Buffer; error?: unknown }> {
    const { size, body } = await (await faulty(fault)).open(at, signal)
    const parts: Buffer[] = []
    try {
      for await (const part of body) parts.push(Buffer.from(part))
      return { size, bytes: Buffer.concat(parts) }
    } catch (error) {
      return { size, bytes: Buffer.concat(parts), error }
    }
  }

  it('refuses to open', async () => {
    await expect((await faulty({ refuse: true })).open(0, NEVER)).rejects.toThrow('does not have it')
  })

  it('never answers, until the asker gives up', async () => {
    const stop = new AbortController()
    const opening = (await faulty({ silent: true })).open(0, stop.signal)
    stop.abort('enough')
    await expect(opening).rejects.toBe('enough')
  })

  it('says another length', async () => {
    const { size, bytes } = await receive({ size: 7 })
    expect([size, bytes.equals(BYTES)]).toEqual([7, true])
  })

  it.each([0, 1, 70_000])('breaks off after %i bytes of what it sends', async (cutAfter) => {
    const { bytes, error } = await receive({ cutAfter }, 100_000)
    expect([bytes.equals(BYTES.subarray(100_000, 100_000 + cutAfter)), String(error)]).toEqual([true, 'Error: a went away'])
  })

  it('ends early as if that were all', async () => {
    const { size, bytes, error } = await receive({ shortAfter: 70_000 })
    expect([size, bytes.length, error]).toEqual([200_000, 70_000, undefined])
  })

  it('goes silent, until the reader gives up', async () => {
    const stop = new AbortController()
    const { body } = await (await faulty({ stallAfter: 10 })).open(0, stop.signal)
    const iterator = body[Symbol.asyncIterator]()
    expect((await iterator.next()).value?.length).toBe(10)
    const next = iterator.next()
    stop.abort('enough')
    await expect(next).rejects.toBe('enough')
  })

  it('sends more than there is', async () => {
    const { size, bytes } = await receive({ surplus: 5 })
    expect([size, bytes.length]).toEqual([200_000, 200_005])
  })

  it('sends a wrong byte, wherever it was asked to begin', async () => {
    const { bytes } = await receive({ flipAt: 150_000 }, 100_000)
    const wrong = [...bytes.keys()].filter((at) => bytes[at] !== BYTES[100_000 + at])
    expect(wrong).toEqual([50_000])
  })
})

describe('the head start of members in a memory mesh', () => {
  it('is longer before an upstream that counts, and none where it is known that nobody has it', () => {
    const network = new MemoryNetwork()
    const knowing = network.join({ id: 'knowing', knowsAll: true, headStart: 30 })
    const guessing = network.join({ id: 'guessing', headStart: 30 })
    const bytes = Buffer.from('held by one of them')
    const headStarts = () =>
      [knowing, guessing].flatMap((mesh) => [false, true].map((metered) => mesh.headStart([digestOf(bytes)], { metered })))
    expect(headStarts()).toEqual([0, 0, 30, 1_000])
    holdAll(guessing, [bytes])
    expect(headStarts()).toEqual([30, 1_000, 30, 1_000])
  })
})
