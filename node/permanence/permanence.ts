import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { isCollisionFree } from '../digest.ts'
import type { Mesh } from '../mesh/mesh.ts'
import { digestsOf, type LostBlob } from '../store/custody.ts'
import type { DiskStore } from '../store/disk-store.ts'
import type { Room, Shortage, TurnedAway } from '../store/room.ts'
import { LOOK, MEMBER_QUOTA, TOLD_AGAIN } from './constants.ts'
import { type EvictionStatus, Evictor } from './evictor.ts'
import { Healer, type HealingStatus } from './healer.ts'
import { Scrubber, type ScrubStatus } from './scrubber.ts'
import { type AskedSeeds, heldBySeeds } from './seed-holdings.ts'
import { shortageText, turnedAwayText } from './shortage-text.ts'

/** The mesh that this node is in: its other seeds, and whether it is one itself. */
export interface JoinedMesh extends AskedSeeds {
  readonly isSeed: boolean
}

export interface PermanenceComponents {
  readonly store: DiskStore
  readonly mesh: Pick<Mesh, 'find' | 'announce' | 'withdraw'>
  readonly clock: Clock
  readonly log: Logger
}

export interface PermanenceInit {
  /** Bytes; `auto` for what the role of the node asks for. */
  readonly quota: number | 'none' | 'auto'
  /** Seeds on which each blob is to be. */
  readonly replicas: number
}

export interface PermanenceStatus {
  /** Bytes; null while there is no bound. */
  readonly quota: number | null
  /** Why nothing more is stored; null while something is. */
  readonly shortage: Shortage | null
  readonly turnedAway: TurnedAway
  readonly evicted: EvictionStatus
  readonly scrub: ScrubStatus & HealingStatus
}

/** What keeps the store of one node within its bounds, and whole: a member's eviction, and everybody's scrub with healing. */
export class Permanence {
  readonly #components: PermanenceComponents
  readonly #quota: PermanenceInit['quota']
  readonly #evictor: Evictor
  readonly #scrubber: Scrubber
  readonly #healer: Healer
  readonly #stopped = new AbortController()
  #joined: JoinedMesh | undefined
  #looking: Promise<void> | undefined
  #shortage: Shortage | undefined
  #toldAt = Number.NEGATIVE_INFINITY
  /** Blobs that were turned away when that was last told, and when that was. */
  #toldTurnedAway = { blobs: 0, at: Number.NEGATIVE_INFINITY }

  constructor(components: PermanenceComponents, init: PermanenceInit) {
    const { store, mesh, clock, log } = components
    const { cold, custody, room, blobs } = store
    const trouble = (what: string) => log.warn(what)
    this.#components = components
    this.#quota = init.quota
    this.#evictor = new Evictor({
      cold,
      room,
      clock,
      trouble,
      onEvicted: (digests) => mesh.withdraw(digests),
      // Asked each time: a member that has become a seed is believed by others from that moment on.
      confirmed: async (names, signal) =>
        this.#joined?.isSeed === false ? heldBySeeds(this.#joined, names, init.replicas, signal) : undefined,
    })
    this.#scrubber = new Scrubber({
      custody,
      clock,
      trouble,
      bytes: () => store.bytes,
      isSeed: () => this.#joined?.isSeed === true,
    })
    const onHealed = (blob: LostBlob) => mesh.announce(digestsOf(blob).filter(isCollisionFree))
    this.#healer = new Healer({ blobs, custody, mesh, clock, onHealed, trouble })
    custody.onLost = (blob) => {
      this.#scrubber.found()
      this.#healer.lost(blob)
      mesh.withdraw(digestsOf(blob))
    }
    custody.onUnused = (blob) => mesh.withdraw(digestsOf(blob))
  }

  /** Idempotent. */
  start(): void {
    if (this.#looking) return
    this.#look()
    this.#scrubber.start()
    this.#healer.start()
    this.#looking = this.#lookAgain(this.#stopped.signal).catch(() => {})
  }

  /** The node is in a mesh from now on. */
  joined(mesh: JoinedMesh): void {
    this.#joined = mesh
    this.#look()
  }

  /** It runs alone again. */
  async left(): Promise<void> {
    this.#joined = undefined
    this.#look()
    await this.#evictor.stop()
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('this node is stopping'))
    await Promise.all([this.#looking, this.#evictor.stop(), this.#scrubber.stop(), this.#healer.stop()])
  }

  status(): PermanenceStatus {
    const { room } = this.#components.store
    return {
      quota: room.quota ?? null,
      shortage: room.shortage ?? null,
      turnedAway: room.turnedAway,
      evicted: this.#evictor.status,
      scrub: { ...this.#scrubber.status, ...this.#healer.status },
    }
  }

  async #lookAgain(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#components.clock.sleep(LOOK, signal)
      this.#look()
    }
  }

  /** What this node is may have changed, and what its disk takes. */
  #look(): void {
    if (this.#stopped.signal.aborted) return
    const { room } = this.#components.store
    const isMember = this.#joined !== undefined && !this.#joined.isSeed
    const usual = isMember ? MEMBER_QUOTA : undefined
    room.quota = this.#quota === 'auto' ? usual : this.#quota === 'none' ? undefined : this.#quota
    // A seed keeps for good; who is alone has nobody who would.
    if (isMember && room.quota !== undefined) this.#evictor.start()
    else void this.#evictor.stop()
    this.#tell(room.shortage)
    this.#tellTurnedAway(room)
  }

  /** A store that is not full says nothing of what is too large for the rest of it. */
  #tellTurnedAway({ shortage, turnedAway: { blobs } }: Pick<Room, 'shortage' | 'turnedAway'>): void {
    const { clock, log } = this.#components
    if (blobs === this.#toldTurnedAway.blobs || Math.abs(clock.now() - this.#toldTurnedAway.at) < TOLD_AGAIN) return
    const more = blobs - this.#toldTurnedAway.blobs
    this.#toldTurnedAway = { blobs, at: clock.now() }
    if (shortage === undefined) log.warn(turnedAwayText(more))
  }

  /** Once for each time that it comes and goes. */
  #tell(shortage: Shortage | undefined): void {
    const { clock, log } = this.#components
    if (shortage === this.#shortage) return
    if (shortage === undefined) {
      this.#shortage = undefined
      log.info('the store takes blobs again')
      return
    }
    // What only flickers around the limit is told of now and then.
    if (Math.abs(clock.now() - this.#toldAt) < TOLD_AGAIN) return
    this.#toldAt = clock.now()
    this.#shortage = shortage
    const isSeed = this.#joined?.isSeed === true
    const text = shortageText(shortage, { isSeed, obstacle: this.#evictor.status.obstacle })
    if (isSeed) log.error(text)
    else log.warn(text)
  }
}
