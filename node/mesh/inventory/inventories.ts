import type { Clock } from '../../clock.ts'
import type { Digest } from '../../digest.ts'
import { ClaimRecord } from './claim-record.ts'
import { DOUBTED_KEYS, FRESH, MAX_BYTES, MAX_KEYS, PARKED } from './constants.ts'
import { fingerprintOf } from './fingerprint.ts'
import { FingerprintSet } from './fingerprint-set.ts'
import type { Ask, Frame } from './frames.ts'

interface Copy {
  readonly set: FingerprintSet
  readonly generation: number
  sequence: number
  /** When the member was last heard of, in ms since the epoch. */
  heardAt: number
  /** Keys that it did not have when it was asked for them. */
  readonly doubted: Set<number>
}

/** A copy that is on its way. */
interface Arrival {
  readonly generation: number
  readonly sequence: number
  readonly parts: Uint32Array[]
  keys: number
  after: number
}

interface Neighbour {
  copy: Copy | undefined
  arrival: Arrival | undefined
  readonly record: ClaimRecord
}

/** What is shown of a member's inventory. */
export interface InventoryStatus {
  /** Digests that it says it can be asked for. */
  readonly keys: number
  /** `stale`: nothing was heard of it for a while. `ignored`: it proved false too often, or is too large. */
  readonly state: 'fresh' | 'stale' | 'ignored'
  /** Why it is ignored, and until when (ms since the epoch). */
  readonly ignored: { readonly until: number; readonly reason: string } | null
}

export interface InventoriesComponents {
  readonly clock: Clock
  isSeed(peer: string): boolean
}

/** Copies of what neighbours have. They are claims: each that proves false counts against whoever made it. */
export class Inventories {
  readonly #clock: Clock
  readonly #isSeed: (peer: string) => boolean
  readonly #maxBytes: number
  readonly #neighbours = new Map<string, Neighbour>()

  constructor(components: InventoriesComponents, init: { readonly maxBytes?: number } = {}) {
    this.#clock = components.clock
    this.#isSeed = components.isSeed
    this.#maxBytes = init.maxBytes ?? MAX_BYTES
  }

  /** Bytes that all copies take. */
  get bytes(): number {
    let sum = 0
    for (const { copy } of this.#neighbours.values()) sum += copy?.set.bytes ?? 0
    return sum
  }

  /** What to ask a member next. */
  askFor(peer: string): Ask {
    const { copy, arrival } = this.#of(peer)
    if (arrival) return { v: 1, generation: arrival.generation, sequence: arrival.sequence, after: arrival.after }
    return { v: 1, generation: copy?.generation ?? 0, sequence: copy?.sequence ?? 0 }
  }

  /** Takes what a member told. Throws Error for what does not follow from what it told before. */
  apply(peer: string, frame: Frame): void {
    const neighbour = this.#of(peer)
    if (frame.kind === 'part' || frame.kind === 'end') this.#arrive(neighbour, frame)
    else if (frame.kind === 'delta') this.#change(neighbour, frame)
    else if (frame.kind === 'same') this.#confirm(neighbour, frame)
    if (frame.kind !== 'part') this.#makeRoom()
  }

  /** Somebody has come, maybe back: what it had begun to tell it tells anew. */
  begin(peer: string): void {
    this.#of(peer).arrival = undefined
  }

  /** What it told is of no use: nothing is made of it for a while. */
  reject(peer: string, reason: string): void {
    const neighbour = this.#of(peer)
    neighbour.copy = undefined
    neighbour.arrival = undefined
    neighbour.record.ignore(reason, this.#clock.now())
  }

  /** Until when nothing is made of what a member tells, in ms since the epoch; undefined when it is believed. */
  ignoredUntil(peer: string): number | undefined {
    return this.#neighbours.get(peer)?.record.bad(this.#clock.now())?.until
  }

  /** Whether there is a copy that counts: a whole one that did not prove false. */
  knows(peer: string): boolean {
    const neighbour = this.#neighbours.get(peer)
    return neighbour?.copy !== undefined && !neighbour.record.bad(this.#clock.now())
  }

  /** Whether nothing more can come from asking a member for what it does not list: also one that is not believed any more. */
  isSettled(peer: string): boolean {
    const now = this.#clock.now()
    const neighbour = this.#neighbours.get(peer)
    if (!neighbour) return false
    return neighbour.record.bad(now) !== undefined || (neighbour.copy !== undefined && isFresh(neighbour.copy, now))
  }

  /** Whether a member lists it. */
  lists(peer: string, digest: Digest): boolean {
    const neighbour = this.#neighbours.get(peer)
    return neighbour !== undefined && isListed(neighbour, fingerprintOf(digest), this.#clock.now())
  }

  /** All members that list it, in no order. */
  listing(digest: Digest): string[] {
    const key = fingerprintOf(digest)
    const now = this.#clock.now()
    const listing: string[] = []
    for (const [peer, neighbour] of this.#neighbours) if (isListed(neighbour, key, now)) listing.push(peer)
    return listing
  }

  /** It had what it lists. */
  proved(peer: string): void {
    this.#neighbours.get(peer)?.record.right()
  }

  /** It does not have what it lists. */
  disproved(peer: string, digest: Digest): void {
    const neighbour = this.#neighbours.get(peer)
    const doubted = neighbour?.copy?.doubted
    if (doubted && doubted.size >= DOUBTED_KEYS) doubted.clear()
    doubted?.add(fingerprintOf(digest))
    neighbour?.record.wrong(this.#clock.now())
  }

  status(peer: string): InventoryStatus | null {
    const { copy, record } = this.#neighbours.get(peer) ?? {}
    const now = this.#clock.now()
    const bad = record?.bad(now)
    if (!copy && !bad) return null
    const state = bad ? 'ignored' : copy && isFresh(copy, now) ? 'fresh' : 'stale'
    return { keys: copy?.set.size ?? 0, state, ignored: bad ?? null }
  }

  /** Forgets the copies of those that are gone for long. What they did is kept as long as it counts. */
  prune(isConnected: (peer: string) => boolean): void {
    const now = this.#clock.now()
    for (const [peer, neighbour] of this.#neighbours) {
      if (isConnected(peer)) continue
      const { copy, record } = neighbour
      // A wall clock may be set back.
      if (copy && Math.abs(now - copy.heardAt) < PARKED) continue
      neighbour.copy = undefined
      neighbour.arrival = undefined
      if (record.isForgettable(now)) this.#neighbours.delete(peer)
    }
  }

  #arrive(neighbour: Neighbour, { kind, generation, sequence, added }: Frame): void {
    const known = neighbour.arrival
    const arrival = known?.generation === generation ? known : { generation, sequence, parts: [], keys: 0, after: -1 }
    const [first] = added
    if (first !== undefined && first <= arrival.after) throw new Error('it tells of keys again that it told of')
    if (kind === 'part' && added.length === 0) throw new Error('it tells of nothing and says that more follows')
    arrival.parts.push(added)
    arrival.keys += added.length
    arrival.after = added.at(-1) ?? arrival.after
    if (arrival.keys > MAX_KEYS) throw new Error(`it tells of more than ${MAX_KEYS} keys`)
    if (kind === 'part') {
      neighbour.arrival = arrival
      return
    }
    neighbour.arrival = undefined
    const set = FingerprintSet.of(arrival.parts)
    neighbour.copy = { set, generation, sequence: arrival.sequence, heardAt: this.#clock.now(), doubted: new Set() }
  }

  #change({ copy }: Neighbour, { generation, sequence, added, removed }: Frame): void {
    if (copy?.generation !== generation || sequence <= copy.sequence)
      throw new Error('it tells of changes to what it never told of')
    if (copy.set.size + added.length > MAX_KEYS) throw new Error(`it tells of more than ${MAX_KEYS} keys`)
    copy.set.change(added, removed)
    if (copy.doubted.size > 0) for (const key of added) copy.doubted.delete(key)
    copy.sequence = sequence
    copy.heardAt = this.#clock.now()
  }

  /** A copy that came to another number of keys than there are has missed something: it is asked for anew. */
  #confirm(neighbour: Neighbour, { generation, sequence, keys }: Frame): void {
    const { copy } = neighbour
    if (copy?.generation !== generation || copy.sequence !== sequence) throw new Error('it confirms what it never told of')
    copy.heardAt = this.#clock.now()
    if (copy.set.size !== keys) neighbour.copy = undefined
  }

  /** Of members before seeds, the one that takes most. */
  #makeRoom(): void {
    while (this.bytes > this.#maxBytes) {
      const bytesOf = (one: Neighbour) => one.copy?.set.bytes ?? 0
      const [[, largest] = []] = [...this.#neighbours]
        .filter(([, { copy }]) => copy)
        .sort(([one, a], [other, b]) => Number(this.#isSeed(one)) - Number(this.#isSeed(other)) || bytesOf(b) - bytesOf(a))
      if (!largest) return
      largest.copy = undefined
      largest.record.ignore('the list of what it has takes too much memory', this.#clock.now())
    }
  }

  #of(peer: string): Neighbour {
    const known = this.#neighbours.get(peer)
    if (known) return known
    const neighbour = { copy: undefined, arrival: undefined, record: new ClaimRecord() }
    this.#neighbours.set(peer, neighbour)
    return neighbour
  }
}

function isListed({ copy, record }: Neighbour, key: number, now: number): boolean {
  return copy?.set.has(key) === true && !copy.doubted.has(key) && !record.bad(now)
}

function isFresh({ heardAt }: Copy, now: number): boolean {
  return Math.abs(now - heardAt) <= FRESH
}
