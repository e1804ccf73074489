import type { Digest } from '../digest.ts'
import type { Asking } from './swarm/asking.ts'
import type { ChunkPage } from './swarm/chunk-page.ts'

/** Somewhere in the mesh that says it has a blob. Its bytes are never trusted before they are verified. */
export interface BlobSource {
  /** Peer id of the member. */
  readonly id: string
  readonly kind: 'peer' | 'seed'
  /**
   * Opens the blob at byte `start`; `size` is the length of the whole blob in bytes. Rejects with Busy where a large one is to be had
   * from others as well.
   */
  open(start: number, signal: AbortSignal, asking?: Asking): Promise<{ size: number; body: AsyncIterable<Buffer> }>
  /** Another member that this one named, for the same blob; undefined while it is not connected, or is not to be asked. */
  named(peer: string): BlobSource | undefined
  /** Tells the mesh that this source sent wrong or too few bytes, so that it is not asked again. */
  blame(reason: string): void
  /** Tells the mesh that this source began to send and did not get on with it, so that others are asked for a while. */
  stalled(): void
}

/** A small blob that a member sent in one piece. */
export interface SmallBlob {
  /** Nobody's word, as long as they were not seen to have the digest. */
  readonly bytes: Buffer
  readonly kind: 'peer' | 'seed'
  /** As `BlobSource` has it. */
  blame(reason: string): void
}

/** What a seed is asked for: an artifact or document by its cache key. It plans from its own configuration, so nothing says where. */
export interface SeedQuestion {
  /** By POST it is only told that somebody has it, for it to be kept: an empty answer comes at once. */
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly key: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
}

export interface SeedAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Ends cleanly only when it is complete. */
  readonly body: AsyncIterable<Buffer>
  /** Frees the connection without reading the rest; idempotent. */
  destroy(): void
  /** Nobody wants the body: what is short is read to its end, so that the connection can be used again. */
  discard(): void
  /** Tells the mesh that the bytes are not what they have to be, so that this seed is not asked again. */
  blame(reason: string): void
}

/** A member that fetches for others, and whose word about names counts. */
export interface Seed {
  /** Peer id. */
  readonly id: string
  /** Whether its certificate says so; with `names: members` others fetch as well, whose bytes are those of any member. */
  readonly isSeed: boolean
  /** Whether it says that it is in another zone than this node. */
  readonly isFar: boolean
  /**
   * Resolves once the seed has an answer; it may take its time, as long as it says at once that it is at it. Rejects with the signal's
   * reason, or with why it cannot be had from this one.
   */
  ask(question: SeedQuestion, signal: AbortSignal): Promise<SeedAnswer>
}

/** A certified seed, which may have the chunk list of a blob. */
export interface ChunkSource {
  /** Peer id of the seed. */
  readonly id: string
  /** Hashes of the chunks from `from` on; with `waits`, the seed waits some seconds for one. Rejects where there is no list. */
  page(from: number, waits: boolean, signal: AbortSignal): Promise<ChunkPage>
  /** Its list of a whole blob is not that of the blob. */
  blame(reason: string): void
}

/** The other members, as the cache sees them. */
export interface Mesh {
  /** False while no other member is known; nothing is looked up then. */
  readonly populated: boolean
  /**
   * Ms that peers get before upstream is asked as well for what has these digests: none where it is known that nobody has it, more
   * of them before an upstream that is `metered`, to which each request counts.
   */
  headStart(digests: readonly Digest[], upstream: { readonly metered: boolean }): number
  /** Sources in the order in which they should be tried; ends when nobody else is known. */
  find(digest: Digest, signal: AbortSignal): AsyncIterable<BlobSource>
  /**
   * What has one of these digests, if it is small, from a member that lists it; undefined, be it later, where it has to be looked for in
   * the usual way. Never rejects, and takes a moment at most.
   */
  small(digests: readonly Digest[]): Promise<SmallBlob | undefined> | undefined
  /** One member as the source of a blob; undefined while it is not connected, or is not to be asked. */
  source(peer: string, digest: Digest): BlobSource | undefined
  /** Whether seeds are to fetch for this node, and to keep what it had to fetch itself. */
  readonly relies: boolean
  /**
   * Those to be asked for a key before upstream is, the likeliest to have it first; none where this node is to fetch it itself.
   * `connected`: also those that failed a moment ago, each with all the time that it takes.
   */
  seeds(key: string, which?: 'promising' | 'connected'): readonly Seed[]
  /** Seeds that may have the chunk list of a large blob. */
  chunkSources(digest: Digest): readonly ChunkSource[]
  /** Tells the mesh that this node can serve a verified, public blob. */
  announce(digests: readonly Digest[]): void
  /** Tells the mesh that it serves them no more; what it still has it goes on to serve. */
  withdraw(digests: readonly Digest[]): void
  close(): Promise<void>
}
