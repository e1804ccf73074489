import type { Clock } from '../clock.ts'
import type { Digest, Sha256 } from '../digest.ts'
import { reasonOf } from '../errors.ts'
import type { ColdBlob, ColdBlobs, ColdKind } from '../store/cold-blobs.ts'
import type { Room } from '../store/room.ts'
import {
  CHOSEN_AT_ONCE,
  EVICTED_AT_ONCE,
  EVICTION_RETRY,
  LONGEST_EVICTION_RETRY,
  LOW_WATER,
  MAX_ASKED,
  QUESTION_PACE,
} from './constants.ts'

export interface EvictorComponents {
  readonly cold: Pick<ColdBlobs, 'coldest' | 'evict'>
  readonly room: Room
  /** As `heldBySeeds` has it. */
  confirmed(blobs: readonly Sha256[], signal: AbortSignal): Promise<ReadonlySet<Sha256> | undefined>
  readonly clock: Clock
  /** Hears of everything by which members may have asked for what is gone. */
  onEvicted(digests: readonly Digest[]): void
  trouble(what: string): void
}

/** Why a member cannot get below its quota: no seed answers, or none holds what would have to go. */
export type Obstacle = 'no seed' | 'nothing confirmed'

export interface EvictionStatus {
  /** Since start. */
  readonly blobs: number
  readonly bytes: number
  /** Null while there is none. */
  readonly obstacle: Obstacle | null
}

/** Documents go last: they stand in for an upstream in trouble, and a seed's copy is no answer to who asks by name. */
const KINDS: readonly ColdKind[] = ['artifact', 'document']

/**
 * Keeps a member's store within its quota: evicts what was used least recently, and only what a seed said a moment ago that it holds.
 * What came with credentials is never evicted, since no seed may have it. A pass frees down to the low-water mark, or ends when
 * nothing more may go; the next one comes when room is short again.
 *
 * Invariant: between a seed's yes and the eviction there is no wait but for the store itself.
 */
export class Evictor {
  readonly #components: EvictorComponents
  #short = Promise.withResolvers<void>()
  /** Bytes of the largest blob that did not fit since the last pass. */
  #wanted = 0
  #blobs = 0
  #bytes = 0
  #obstacle: Obstacle | undefined
  #stop: AbortController | undefined
  #running: Promise<void> | undefined

  constructor(components: EvictorComponents) {
    this.#components = components
  }

  get status(): EvictionStatus {
    const isShort = this.#components.room.over(LOW_WATER) > 0
    return { blobs: this.#blobs, bytes: this.#bytes, obstacle: (isShort && this.#obstacle) || null }
  }

  /** Idempotent. */
  start(): void {
    if (this.#stop) return
    const { room } = this.#components
    this.#stop = new AbortController()
    const { signal } = this.#stop
    room.yields = true
    room.onShort = (wanted) => {
      this.#wanted = Math.max(this.#wanted, wanted)
      this.#short.resolve()
    }
    this.#running = this.#run(signal).catch(() => {})
  }

  /** Resolves once nothing is evicted any more. Idempotent. */
  async stop(): Promise<void> {
    const { room } = this.#components
    room.onShort = () => {}
    room.yields = false
    this.#stop?.abort(new Error('nothing is evicted any more'))
    this.#stop = undefined
    this.#short.resolve()
    await this.#running
    this.#obstacle = undefined
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { room, clock, trouble } = this.#components
    let pause = EVICTION_RETRY
    for (;;) {
      await this.#short.promise
      signal.throwIfAborted()
      this.#short = Promise.withResolvers()
      const isDone = await this.#pass(signal).catch((error: unknown) => {
        signal.throwIfAborted()
        trouble(`blobs could not be evicted: ${reasonOf(error)}`)
        return false
      })
      this.#wanted = 0
      room.yields = isDone
      if (isDone) this.#obstacle = undefined
      // Also the seeds that were asked want to rest.
      await clock.sleep(isDone ? QUESTION_PACE : pause, signal)
      pause = isDone ? EVICTION_RETRY : Math.min(pause * 2, LONGEST_EVICTION_RETRY)
    }
  }

  /** Whether enough could be freed. */
  async #pass(signal: AbortSignal): Promise<boolean> {
    for (const kind of KINDS) {
      for (let after: ColdBlob | undefined; this.#needed > 0; ) {
        const chosen = await this.#components.cold.coldest(kind, CHOSEN_AT_ONCE, after, signal)
        if (chosen.length === 0) break
        after = chosen.at(-1)
        if (!(await this.#evict(chosen, signal))) return false
      }
    }
    if (this.#needed <= 0) return true
    this.#obstacle = 'nothing confirmed'
    return false
  }

  /** False when no seed answers. */
  async #evict(chosen: readonly ColdBlob[], signal: AbortSignal): Promise<boolean> {
    const { confirmed, clock } = this.#components
    for (let at = 0; at < chosen.length && this.#needed > 0; ) {
      if (at > 0) await clock.sleep(QUESTION_PACE, signal)
      const asked = enough(chosen.slice(at, at + MAX_ASKED), this.#needed)
      at += asked.length
      const held = await confirmed(
        asked.map(({ sha256 }) => sha256),
        signal,
      )
      if (!held) {
        this.#obstacle = 'no seed'
        return false
      }
      await this.#remove(
        asked.filter(({ sha256 }) => held.has(sha256)),
        signal,
      )
    }
    return true
  }

  async #remove(blobs: readonly ColdBlob[], signal: AbortSignal): Promise<void> {
    const { cold, onEvicted } = this.#components
    for (let at = 0; at < blobs.length && this.#needed > 0; at += EVICTED_AT_ONCE) {
      signal.throwIfAborted()
      const { digests, ...gone } = await cold.evict(enough(blobs.slice(at, at + EVICTED_AT_ONCE), this.#needed))
      this.#blobs += gone.blobs
      this.#bytes += gone.bytes
      onEvicted(digests)
    }
  }

  /** Bytes that are to be freed. */
  get #needed(): number {
    const { room } = this.#components
    const { quota = Number.POSITIVE_INFINITY } = room
    // What is larger than all of it never fits.
    const wanted = this.#wanted < quota ? this.#wanted : 0
    return Math.max(room.over(LOW_WATER), wanted + room.over(1))
  }
}

/** The first of some blobs, as many as it takes to free `needed` bytes. */
function enough(blobs: readonly ColdBlob[], needed: number): readonly ColdBlob[] {
  let freed = 0
  const end = blobs.findIndex(({ size }) => {
    freed += size
    return freed >= needed
  })
  return end < 0 ? blobs : blobs.slice(0, end + 1)
}
