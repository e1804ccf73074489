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

/** A chunk that was not what a seed says that it is, while that seed had not seen the whole yet. */
interface Accusation {
  readonly source: BlobSource
  readonly chunk: number
  readonly hash: Buffer
}

/**
 * Checks what peers send of one large blob, chunk by chunk, against the list of a certified seed: what passes may go out at once, and
 * what does not shows exactly who lied. One for each flight.
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
        if (!hash.equals(await this.#expected(list, chunk, signal))) this.#accuse({ source, chunk, hash }, list)
        yield bytes
        bytes = list.buffer(++chunk)
        filled = 0
      }
    }
  }

  /** The whole was seen to be right: now it is known who was wrong. */
  async settle(right: Staging): Promise<void> {
    for (const { source, chunk, hash } of this.#accusations.splice(0)) {
      if (!right.storing) return
      const sum = createHash('sha256')
      const start = chunk * CHUNK_BYTES
      const bytes = new StagedBytes(right, { what: 'chunk' })
      for await (const piece of bytes.pieces(start, Math.min(bytes.size, start + CHUNK_BYTES))) sum.update(piece)
      if (!sum.digest().equals(hash)) source.blame(wrong(chunk))
    }
  }

  async #expected(list: ChunkList, chunk: number, signal: AbortSignal): Promise<Buffer> {
    try {
      return await list.hash(chunk, signal)
    } catch (error) {
      if (this.#list === list) this.forget()
      throw error
    }
  }

  #accuse(accusation: Accusation, list: ChunkList): never {
    const { source, chunk } = accusation
    if (list.sure) source.blame(wrong(chunk))
    else this.#accusations.push(accusation)
    throw new WarrenError('UPSTREAM_CUT', `member ${source.id} ${wrong(chunk)}`)
  }
}

function wrong(chunk: number): string {
  return `sent a wrong chunk ${chunk}, bytes ${chunk * CHUNK_BYTES} and on`
}
