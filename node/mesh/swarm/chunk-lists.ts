import { LRUCache } from 'lru-cache'
import type { Body } from '../../body.ts'
import type { Clock } from '../../clock.ts'
import { type Digest, formatDigest } from '../../digest.ts'
import { WarrenError } from '../../errors.ts'
import type { Shelf } from '../shelf.ts'
import { chunkHash } from './chunk-hash.ts'
import type { ChunkPage } from './chunk-page.ts'
import {
  CHUNK_BYTES,
  GROWING_LISTS,
  HASH_BYTES,
  LARGE_BYTES,
  LISTED_BYTES,
  LISTS_AT_ONCE,
  LISTS_BYTES,
  PAGE_HASHES,
  PAGE_PATIENCE,
} from './constants.ts'

export interface ChunkListsComponents {
  readonly shelf: Pick<Shelf, 'open' | 'partial' | 'chunks' | 'keepChunks'>
  readonly clock: Clock
}

/**
 * The chunk lists that a seed hands out. A list is made when it is first asked for, from the bytes that the store or a flight has: a
 * blob that no crowd wants costs nothing (making it takes 0.6 s of the thread pool for each GiB, and 0.1 s of the event loop).
 */
export class ChunkLists {
  readonly #components: ChunkListsComponents
  readonly #made = new LRUCache<string, Listing>({ maxSize: LISTS_BYTES, sizeCalculation: ({ bytes }) => bytes + 512 })
  readonly #making = new Map<string, Listing>()

  constructor(components: ChunkListsComponents) {
    this.#components = components
  }

  /**
   * The hashes from chunk `from` on; with `waits`, waits for one a few seconds while there are none yet. Rejects with
   * UPSTREAM_ABSENT when it is not here or not large, UPSTREAM_BUSY when too many lists are being made.
   */
  async page(digest: Digest, from: number, waits: boolean, signal: AbortSignal): Promise<ChunkPage> {
    const listing = await this.#listing(digest)
    if (waits && from >= listing.count && !listing.over) await this.#wait(listing, from, signal)
    if (listing.failure !== undefined) throw absent(digest)
    return { size: listing.size, sure: listing.sure, hashes: listing.from(from) }
  }

  async #listing(digest: Digest): Promise<Listing> {
    const name = formatDigest(digest)
    const known = this.#made.get(name) ?? this.#making.get(name)
    if (known) return known
    const { shelf } = this.#components
    const body = await shelf.open(digest)
    const partial = body ? undefined : shelf.partial(digest)
    const size = body?.size ?? partial?.size
    // Another one may have begun meanwhile.
    const other = this.#making.get(name)
    if (other || size === undefined || size <= LARGE_BYTES || size > LISTED_BYTES) {
      body?.close()
      if (other) return other
      throw absent(digest)
    }
    const kept = body && shelf.chunks(digest)
    if (kept?.length === Math.ceil(size / CHUNK_BYTES) * HASH_BYTES) {
      body?.close()
      return this.#keep(name, Listing.kept(size, kept))
    }
    const grows = body === undefined
    const alike = this.#making.values().filter((one) => one.grows === grows)
    if (alike.toArray().length >= (grows ? GROWING_LISTS : LISTS_AT_ONCE)) {
      body?.close()
      throw new WarrenError('UPSTREAM_BUSY', 'this node is making other chunk lists')
    }
    const listing = new Listing(size, grows)
    this.#making.set(name, listing)
    void this.#make(digest, listing, body ?? (partial as NonNullable<typeof partial>).open())
    return listing
  }

  #keep(name: string, listing: Listing): Listing {
    this.#made.set(name, listing)
    return listing
  }

  async #make(digest: Digest, listing: Listing, body: Body): Promise<void> {
    const name = formatDigest(digest)
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, listing.size))
    try {
      for (let at = 0; at < listing.size; at += CHUNK_BYTES) {
        const bytes = chunk.subarray(0, Math.min(CHUNK_BYTES, listing.size - at))
        await fill(bytes, body, at)
        listing.add(await chunkHash(bytes))
      }
      // A flight gives its last bytes away only after the whole was verified; a stored blob was verified long before.
      listing.finish()
      this.#keep(name, listing)
      await this.#components.shelf.keepChunks(digest, listing.from(0, Number.POSITIVE_INFINITY)).catch(() => {})
    } catch (error) {
      listing.fail(error)
    } finally {
      body.close()
      this.#making.delete(name)
    }
  }

  async #wait(listing: Listing, from: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const enough = this.#components.clock.sleep(PAGE_PATIENCE, AbortSignal.any([signal, over.signal])).then(
      () => true,
      () => true,
    )
    try {
      while (from >= listing.count && !listing.over) if (await Promise.race([listing.grown(), enough])) return
    } finally {
      over.abort()
    }
  }
}

/** One list as it grows. */
class Listing {
  readonly size: number
  /** Whether it is of a blob that is being fetched. */
  readonly grows: boolean
  readonly #hashes: Buffer
  #growth: PromiseWithResolvers<void> | undefined
  count = 0
  sure = false
  failure: unknown

  constructor(size: number, grows: boolean) {
    this.size = size
    this.grows = grows
    this.#hashes = Buffer.allocUnsafe(Math.ceil(size / CHUNK_BYTES) * HASH_BYTES)
  }

  static kept(size: number, hashes: Buffer): Listing {
    const listing = new Listing(size, false)
    hashes.copy(listing.#hashes)
    listing.count = hashes.length / HASH_BYTES
    listing.sure = true
    return listing
  }

  get bytes(): number {
    return this.#hashes.length
  }

  get over(): boolean {
    return this.sure || this.failure !== undefined
  }

  from(index: number, most = PAGE_HASHES): Buffer {
    const end = Math.min(this.count, index + most)
    return this.#hashes.subarray(index * HASH_BYTES, Math.max(index, end) * HASH_BYTES)
  }

  /** Resolves when there is more, or will not be. */
  grown(): Promise<void> {
    this.#growth ??= Promise.withResolvers()
    return this.#growth.promise
  }

  add(hash: Buffer): void {
    hash.copy(this.#hashes, this.count++ * HASH_BYTES)
    this.#grow()
  }

  finish(): void {
    this.sure = true
    this.#grow()
  }

  fail(failure: unknown): void {
    this.failure = failure ?? new Error('it cannot be read')
    this.#grow()
  }

  #grow(): void {
    this.#growth?.resolve()
    this.#growth = undefined
  }
}

async function fill(buffer: Buffer, body: Body, start: number): Promise<void> {
  for (let filled = 0; filled < buffer.length; ) {
    const place = buffer.subarray(filled)
    const bytes = await body.read(start + filled, place.length, (size) => place.subarray(0, size))
    if (bytes.length === 0) throw new Error(`the blob ends at byte ${start + filled}`)
    if (bytes.buffer !== place.buffer || bytes.byteOffset !== place.byteOffset) bytes.copy(place)
    filled += bytes.length
  }
}

function absent(digest: Digest): WarrenError {
  return new WarrenError('UPSTREAM_ABSENT', `there is no chunk list of ${formatDigest(digest)} here`)
}
