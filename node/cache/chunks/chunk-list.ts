import type { Clock } from '../../clock.ts'
import type { Digest } from '../../digest.ts'
import { WarrenError } from '../../errors.ts'
import type { ChunkSource, Mesh } from '../../mesh/mesh.ts'
import type { ChunkPage } from '../../mesh/swarm/chunk-page.ts'
import { CHUNK_BYTES, HASH_BYTES } from '../../mesh/swarm/constants.ts'
import { MEMBER_PATIENCE, OVER } from '../constants.ts'

/** Seeds that are asked for a list, before a flight does without one. */
const SEEDS_ASKED = 4

/** Questions in a row that may bring no further hash, each of some seconds: then the seed does not get on with its own fetch. */
const EMPTY_PAGES = 3

/** Pages of which a list may consist, beyond what its hashes fill: one that grows brings few at a time. */
const PAGES = 1 << 20

/** Sha256 of each MiB of a large blob, as one seed says, also while that is still fetching it. */
export class ChunkList {
  /** Bytes of the whole blob. */
  readonly size: number
  readonly #source: ChunkSource
  readonly #hashes: Buffer
  #count = 0
  #pages = 0
  #sure = false
  #asking: Promise<void> | undefined

  private constructor(source: ChunkSource, size: number) {
    this.#source = source
    this.size = size
    this.#hashes = Buffer.allocUnsafe(this.chunks * HASH_BYTES)
  }

  /** The list of the first seed that has one; undefined when none has. `likeliest` is the seed that is asked first. */
  static async find(
    { mesh, clock }: { readonly mesh: Mesh; readonly clock: Clock },
    digest: Digest,
    likeliest: string | undefined,
    signal: AbortSignal,
  ): Promise<ChunkList | undefined> {
    const sources = [...mesh.chunkSources(digest)]
    sources.sort((one, other) => Number(other.id === likeliest) - Number(one.id === likeliest))
    for (const source of sources.slice(0, SEEDS_ASKED)) {
      const over = new AbortController()
      const asking = AbortSignal.any([signal, over.signal])
      clock.sleep(MEMBER_PATIENCE, asking).then(
        () => over.abort(OVER),
        () => {},
      )
      try {
        const page = await source.page(0, false, asking)
        const list = new ChunkList(source, page.size)
        list.#add(page)
        return list
      } catch {
        signal.throwIfAborted()
      } finally {
        over.abort(OVER)
      }
    }
    return undefined
  }

  get chunks(): number {
    return Math.ceil(this.size / CHUNK_BYTES)
  }

  /** Memory for a chunk of its length; none after the last one. */
  buffer(chunk: number): Buffer {
    return Buffer.allocUnsafe(Math.max(0, Math.min(CHUNK_BYTES, this.size - chunk * CHUNK_BYTES)))
  }

  /** Whether the seed has seen the whole to be right. Before that, a chunk that differs may be the right one. */
  get sure(): boolean {
    return this.#sure
  }

  /** Where the chunk begins that has byte `position`. */
  startOf(position: number): number {
    return position - (position % CHUNK_BYTES)
  }

  /** The hash of a chunk, once the seed has it. Rejects with UPSTREAM_UNREACHABLE when it does not come. */
  async hash(chunk: number, signal: AbortSignal): Promise<Buffer> {
    for (let empty = 0; chunk >= this.#count; ) {
      const before = this.#count
      if (empty >= EMPTY_PAGES || this.#sure) throw missing(this.#source.id)
      await this.#more(true, signal)
      if (this.#count === before) empty++
    }
    return this.#hashes.subarray(chunk * HASH_BYTES, (chunk + 1) * HASH_BYTES)
  }

  /** Whether the seed has the chunk of this byte. Rejects as `hash` when it does not answer. */
  async reaches(position: number, signal: AbortSignal): Promise<boolean> {
    const chunk = Math.min(this.chunks - 1, Math.floor(position / CHUNK_BYTES))
    if (chunk >= this.#count) await this.#more(false, signal)
    return chunk < this.#count
  }

  blame(reason: string): void {
    if (this.#sure) this.#source.blame(reason)
  }

  /** One question at a time. */
  async #more(waits: boolean, signal: AbortSignal): Promise<void> {
    this.#asking ??= this.#source
      .page(this.#count, waits, signal)
      .then((page) => this.#add(page))
      .catch((cause) => {
        signal.throwIfAborted()
        throw missing(this.#source.id, cause)
      })
      .finally(() => {
        this.#asking = undefined
      })
    await this.#asking
  }

  #add({ size, sure, hashes }: ChunkPage): void {
    const count = this.#count + hashes.length / HASH_BYTES
    if (size !== this.size || count > this.chunks || ++this.#pages > PAGES) throw missing(this.#source.id)
    hashes.copy(this.#hashes, this.#count * HASH_BYTES)
    this.#count = count
    // A last page may be followed by others.
    this.#sure = sure && count === this.chunks
  }
}

function missing(seed: string, cause?: unknown): WarrenError {
  return new WarrenError('UPSTREAM_UNREACHABLE', `seed ${seed} does not go on with its chunk list`, { cause })
}
