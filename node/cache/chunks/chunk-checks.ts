import { createHash } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Digest } from '../../digest.ts'
import { WarrenError } from '../../errors.ts'
import type { BlobSource, Mesh } from '../../mesh/mesh.ts'
import { chunkHash } from '../../mesh/swarm/chunk-hash.ts'
import { CHUNK_BYTES } from '../../mesh/swarm/constants.ts'
import { StagedBytes } from '../../store/staged-bytes.ts'
import type { Staging } from '../../store/store.ts'
import { ChunkList } from './chunk-list.ts'

/** How often a flight looks for a chunk list, each time at a few seeds. */
const SEARCHES = 3

/** A chunk that was not what a seed says that it is, or a length: one of the two is wrong. */
type Accusation = { readonly source: BlobSource; readonly list: ChunkList } & (
  | { readonly chunk: number; readonly hash: Buffer }
  | { readonly size: number }
)

/**
 * Checks what peers send of one large blob, chunk by chunk, against the list of a certified seed: what passes may go out at once, and
 * what does not shows exactly who lied, once the whole was seen to be right. Not before: by a list that lies, a seed could have everybody
 * blame whoever hands on what is right. One for each flight.
 */
export class ChunkChecks {
  readonly #components: { readonly mesh: Mesh; readonly clock: Clock }
  readonly #accusations: Accusation[] = []
  #list: ChunkList | undefined
  #searches = 0
  /** The seed that is asked for the list first: one that is known to have the blob. */
  likeliest: string | undefined

  constructor(components: { readonly mesh: Mesh; readonly clock: Clock }) {
    this.#components = components
  }

  /** The list of the blob; undefined while none is known. */
  get list(): ChunkList | undefined {
    return this.#list
  }

  /** The list, which is looked for now if need be. */
  async find(digests: readonly Digest[], signal: AbortSignal): Promise<ChunkList | undefined> {
    for (const digest of digests) {
      if (this.#list || this.#searches >= SEARCHES) break
      this.#searches++
      this.#list = await ChunkList.find(this.#components, digest, this.likeliest, signal)
    }
    return this.#list
  }

  /** A list that came to nothing is not asked again. */
  forget(): void {
    this.#list = undefined
  }

  /** The blob is another one than that of the list. */
  anew(): void {
    this.forget()
    this.#accusations.length = 0
  }

  /** Passes on what a peer sends from byte `start` on, with which a chunk begins, as each chunk is seen to be right. */
  async *check(
    source: BlobSource,
    sent: { readonly body: AsyncIterable<Buffer>; readonly list: ChunkList; readonly start: number },
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void> {
    const { list } = sent
    let chunk = sent.start / CHUNK_BYTES
    let bytes = list.buffer(chunk)
    let filled = 0
    for await (const piece of sent.body) {
      for (let at = 0; at < piece.length && bytes.length > 0; ) {
        const taken = piece.copy(bytes, filled, at)
        at += taken
        filled += taken
        if (filled < bytes.length) continue
        const hash = await chunkHash(bytes)
        if (!hash.equals(await this.#expected(list, chunk, signal))) {
          this.#accusations.push({ source, list, chunk, hash })
          throw new WarrenError('UPSTREAM_CUT', `member ${source.id} ${wrong(chunk)}`)
        }
        yield bytes
        bytes = list.buffer(++chunk)
        filled = 0
      }
    }
  }

  /** A peer says that the blob has another length than in the list. */
  miscounted(source: BlobSource, size: number, list: ChunkList): void {
    this.#accusations.push({ source, list, size })
  }

  /** The whole was seen to be right: now it is known who was wrong. */
  async settle(right: Staging): Promise<void> {
    /** Each is wrong once, however many it contradicts. */
    const lists = new Map<ChunkList, string>()
    for (const accusation of this.#accusations.splice(0)) {
      const { source, list } = accusation
      if ('size' in accusation) {
        const { size } = accusation
        if (size !== right.written) source.blame(`says that the blob has ${size} bytes, which are ${right.written}`)
        else lists.set(list, `says that a blob has ${list.size} bytes, which are ${size}`)
        continue
      }
      if (!right.storing) continue
      const { chunk, hash } = accusation
      if ((await hashOf(right, chunk)).equals(hash)) lists.set(list, `has a chunk list in which chunk ${chunk} is wrong`)
      else source.blame(wrong(chunk))
    }
    for (const [list, reason] of lists) list.blame(reason)
  }

  async #expected(list: ChunkList, chunk: number, signal: AbortSignal): Promise<Buffer> {
    try {
      return await list.hash(chunk, signal)
    } catch (error) {
      if (this.#list === list) this.forget()
      throw error
    }
  }
}

async function hashOf(staging: Staging, chunk: number): Promise<Buffer> {
  const sum = createHash('sha256')
  const start = chunk * CHUNK_BYTES
  const bytes = new StagedBytes(staging, { what: 'chunk' })
  for await (const piece of bytes.pieces(start, Math.min(bytes.size, start + CHUNK_BYTES))) sum.update(piece)
  return sum.digest()
}

function wrong(chunk: number): string {
  return `sent a wrong chunk ${chunk}, bytes ${chunk * CHUNK_BYTES} and on`
}
