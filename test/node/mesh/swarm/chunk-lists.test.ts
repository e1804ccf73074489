import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, bufferBody } from '../../../../node/body.ts'
import { formatDigest } from '../../../../node/digest.ts'
import type { PartialBlob } from '../../../../node/mesh/shelf.ts'
import { ChunkLists } from '../../../../node/mesh/swarm/chunk-lists.ts'
import { CHUNK_BYTES, GROWING_LISTS, LARGE_BYTES, PAGE_PATIENCE } from '../../../../node/mesh/swarm/constants.ts'
import { digestOf } from '../../../conformance/mesh.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { Random } from '../../../harness/random.ts'
import { eventually } from '../../../harness/wait.ts'
import { codeOf } from '../../cache/fixture.ts'

const NEVER = new AbortController().signal
const BYTES = new Random(3).bytes(LARGE_BYTES + CHUNK_BYTES + 77)
const DIGEST = digestOf(BYTES)
const HASHES = hashesOf(BYTES)

function hashesOf(bytes: Buffer): Buffer {
  const hashes: Buffer[] = []
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    hashes.push(
      createHash('sha256')
        .update(bytes.subarray(at, at + CHUNK_BYTES))
        .digest(),
    )
  }
  return Buffer.concat(hashes)
}

let clock: VirtualClock
let made: number
let open: number
const kept = new Map<string, Buffer>()
beforeEach(() => {
  clock = new VirtualClock()
  made = 0
  open = 0
  kept.clear()
})

/** A body that counts those who hold it open. */
function counted(body: Body): Body {
  open++
  return { size: body.size, read: (...asked) => body.read(...asked), close: () => void open-- }
}

/** @param read in the place of what reads the bytes */
function listsOf(parts: { bytes?: Buffer; partial?: PartialBlob }, read?: Body['read']): ChunkLists {
  const shelf = {
    open: () => parts.bytes && counted({ ...bufferBody(parts.bytes), ...(read && { read }) }),
    partial: () => parts.partial,
    chunks: (digest: typeof DIGEST) => kept.get(formatDigest(digest)),
    keepChunks: async (digest: typeof DIGEST, hashes: Buffer) => {
      made++
      kept.set(formatDigest(digest), hashes)
    },
  }
  return new ChunkLists({ shelf, clock })
}

/** A blob of which a test says how much is there. */
class Growing implements PartialBlob {
  readonly size = BYTES.length
  readonly source = 'upstream'
  verified = 0
  #growth = Promise.withResolvers<boolean>()
  #failure: Error | undefined

  grow(verified: number): void {
    this.verified = verified
    this.#wake(true)
  }

  fail(): void {
    this.#failure = new Error('upstream lied')
    this.#wake(false)
  }

  grown(): Promise<boolean> {
    return this.#growth.promise
  }

  open(): Body {
    const read = async (position: number, max: number): Promise<Buffer> => {
      while (position >= this.verified && !this.#failure) await this.grown()
      if (this.#failure) throw this.#failure
      return BYTES.subarray(position, Math.min(position + max, this.verified))
    }
    return counted({ size: this.size, read, close() {} })
  }

  #wake(more: boolean): void {
    this.#growth.resolve(more)
    this.#growth = Promise.withResolvers()
  }
}

/** The whole list, as a reader puts it together. */
async function whole(lists: ChunkLists): Promise<{ hashes: Buffer; sure: boolean }> {
  const hashes: Buffer[] = []
  for (let from = 0; ; ) {
    const page = await lists.page(DIGEST, from, true, NEVER)
    hashes.push(Buffer.from(page.hashes))
    from += page.hashes.length / 32
    if (page.sure || page.hashes.length === 0) return { hashes: Buffer.concat(hashes), sure: page.sure }
  }
}

/** What becomes of questions for the lists of so many blobs. */
function outcomes(lists: ChunkLists, count: number, first = 1): Promise<string[]> {
  const digests = Array.from({ length: count }, (_, at) => String(first + at).padStart(64, '0'))
  const asked = digests.map((hex) => lists.page({ algorithm: 'sha256', hex }, 0, false, NEVER))
  return Promise.all(
    asked.map((page) =>
      page.then(
        () => 'given',
        () => codeOf(page),
      ),
    ),
  )
}

describe('the chunk list of a blob', () => {
  it('is made once, when it is first asked for, and kept with the blob', async () => {
    const lists = listsOf({ bytes: BYTES })
    const both = await Promise.all([whole(lists), whole(lists)])
    for (const { hashes } of both) expect(hashes.equals(HASHES)).toBe(true)
    expect([made, open]).toEqual([1, 0])
    expect(kept.get(formatDigest(DIGEST))?.equals(HASHES)).toBe(true)
    const later = listsOf({ bytes: BYTES })
    expect(await later.page(DIGEST, 0, false, NEVER)).toEqual({ size: BYTES.length, sure: true, hashes: HASHES })
    expect((await later.page(DIGEST, 9, false, NEVER)).hashes.equals(HASHES.subarray(9 * 32))).toBe(true)
    expect((await later.page(DIGEST, 1_000, true, NEVER)).hashes.length).toBe(0)
  })

  it('grows with a blob that is being fetched, and is sure only at its end', async () => {
    const partial = new Growing()
    const lists = listsOf({ partial })
    expect(await lists.page(DIGEST, 0, false, NEVER)).toEqual({ size: BYTES.length, sure: false, hashes: Buffer.alloc(0) })
    const waiting = lists.page(DIGEST, 0, true, NEVER)
    partial.grow(2 * CHUNK_BYTES + 5)
    expect((await waiting).hashes.equals(HASHES.subarray(0, (await waiting).hashes.length))).toBe(true)
    await eventually('both are there', async () => (await lists.page(DIGEST, 0, false, NEVER)).hashes.length === 64)
    partial.grow(BYTES.length)
    const all = await whole(lists)
    expect([all.hashes.equals(HASHES), all.sure, open]).toEqual([true, true, 0])
  })

  it('does not keep who asks for longer than some seconds', async () => {
    const lists = listsOf({ partial: new Growing() })
    const waiting = lists.page(DIGEST, 0, true, NEVER)
    await clock.advance(PAGE_PATIENCE)
    expect((await waiting).hashes.length).toBe(0)
    expect(clock.sleeping).toBe(0)
  })

  it('ends with a fetch that fails', async () => {
    const partial = new Growing()
    const lists = listsOf({ partial })
    const waiting = lists.page(DIGEST, 0, true, NEVER)
    partial.fail()
    expect(await codeOf(waiting)).toBe('UPSTREAM_ABSENT')
    expect(open).toBe(0)
  })

  it('is none of what is not here or small, and one of too many is for later', async () => {
    expect(await codeOf(listsOf({}).page(DIGEST, 0, true, NEVER))).toBe('UPSTREAM_ABSENT')
    const small = listsOf({ bytes: BYTES.subarray(0, LARGE_BYTES) })
    expect(await codeOf(small.page(DIGEST, 0, true, NEVER))).toBe('UPSTREAM_ABSENT')
    expect(open).toBe(0)
    const busy = listsOf({ partial: new Growing() })
    expect(await outcomes(busy, GROWING_LISTS + 1)).toEqual([...Array(GROWING_LISTS).fill('given'), 'UPSTREAM_BUSY'])
  })

  it('grows also while all that are made of kept blobs are being made', async () => {
    const parts: { bytes?: Buffer; partial: PartialBlob } = { bytes: BYTES, partial: new Growing() }
    const read = Promise.withResolvers<Buffer>()
    const lists = listsOf(parts, () => read.promise)
    expect(await outcomes(lists, 3)).toEqual(['given', 'given', 'UPSTREAM_BUSY'])
    delete parts.bytes
    expect(await outcomes(lists, 3, 10)).toEqual(['given', 'given', 'given'])
    read.reject(new Error('over'))
  })
})
