import type { FreeSpace } from './free-space.ts'

/** Share of the quota from which on something should be evicted, so that nothing has to wait for it. */
const HIGH_WATER = 0.95

/** Share of it from which on the store counts as full: few blobs are so small that they still fit. */
const FULL = 0.99

/** Why nothing more is stored. */
export type Shortage = 'disk' | 'quota'

/** What was not stored since start, counted each time that it came. */
export interface TurnedAway {
  readonly blobs: number
  readonly bytes: number
}

export interface RoomComponents {
  readonly space: FreeSpace
  /** Bytes of all blobs, those on their way included. */
  taken(): number
}

/** Whether blobs may take more of the disk: above `store.minFree` and within `store.quota`. */
export class Room {
  readonly #components: RoomComponents
  /** Bytes that all blobs may take; undefined while there is no bound. */
  quota: number | undefined
  /** Whether room is being made, so that what does not fit yet may fit by the time its bytes are here. */
  yields = false
  /** Called again and again while the quota is nearly reached, with the bytes of what may not fit. */
  onShort: (wanted: number) => void = () => {}
  #turnedAway: TurnedAway = { blobs: 0, bytes: 0 }

  constructor(components: RoomComponents) {
    this.#components = components
  }

  /** Bytes that blobs take beyond a share of the quota; negative while there is room. */
  over(share: number): number {
    return this.quota === undefined ? Number.NEGATIVE_INFINITY : this.#components.taken() - this.quota * share
  }

  get shortage(): Shortage | undefined {
    if (!this.#components.space.allows(0)) return 'disk'
    return this.#fits(0) && this.over(FULL) <= 0 ? undefined : 'quota'
  }

  /** What is large may find no room where the store is not full yet. */
  get turnedAway(): TurnedAway {
    return this.#turnedAway
  }

  /** Whether a blob of `size` bytes may begin to be stored; one that may not counts as turned away. */
  mayBegin(size: number): boolean {
    if (this.#admits(size)) return true
    const { blobs, bytes } = this.#turnedAway
    this.#turnedAway = { blobs: blobs + 1, bytes: bytes + size }
    return false
  }

  #admits(size: number): boolean {
    const fits = this.#fits(size)
    if (!this.#components.space.allows(size)) return false
    return fits || (this.yields && size < (this.quota ?? 0) && this.#fits(0))
  }

  /** Whether `bytes` of a blob, which count as taken already, may go to the disk now. */
  mayGrow(bytes: number): boolean {
    return this.#fits(0) && this.#components.space.allows(bytes)
  }

  #fits(size: number): boolean {
    if (this.quota === undefined) return true
    const taken = this.#components.taken() + size
    if (taken > this.quota * HIGH_WATER) this.onShort(size)
    return taken <= this.quota
  }
}
