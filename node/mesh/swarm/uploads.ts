import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'
import type { Asking } from './asking.ts'
import { CROWDS, NEWCOMERS, RATE_WINDOW, SLOW_RATE } from './constants.ts'
import { Crowd } from './crowd.ts'
import { Busy } from './referral.ts'

export interface UploadsComponents {
  readonly clock: Clock
  /** Whether a member can be asked for blobs by others now. */
  usable(peer: string): boolean
}

export interface UploadsInit {
  /** Large blobs that go out at once. */
  readonly slots: number
  /** Copies of one blob that go out at once while others can hand it on. */
  fanOut(): number
}

export interface Asked {
  /** Peer id of who asks. */
  readonly peer: string
  /** Name of the blob. */
  readonly blob: string
  /** First byte that it wants. */
  readonly start: number
}

export interface UploadRequest extends Asked {
  readonly asking: Asking
  /** Whether there is a byte for it already. */
  readonly ready: boolean
}

/**
 * Who gets a large blob from this node, and who is sent to others that are getting it. Of each blob few copies go out at a time: the
 * others come from those who have its beginning, so that what a crowd costs this node does not grow with the crowd.
 */
export class Uploads {
  readonly #components: UploadsComponents
  readonly #init: UploadsInit
  readonly #crowds = new LRUCache<string, Crowd>({ max: CROWDS })
  readonly #running = new Set<Upload>()

  constructor(components: UploadsComponents, init: UploadsInit) {
    this.#components = components
    this.#init = init
  }

  /** Large blobs that are going out. */
  get running(): number {
    return this.#running.size
  }

  /** Throws Busy, with others that may have it. End what it gives. */
  begin({ asking, ready, ...asked }: UploadRequest): Upload {
    const { clock } = this.#components
    const { peer, blob, start } = asked
    const now = clock.now()
    // Whoever asks anew gave the copy up that it was getting.
    for (const upload of this.#running) if (upload.peer === peer && upload.blob === blob) upload.replaced()
    const copies = [...this.#running].filter((upload) => upload.blob === blob && upload.isBrisk(now)).length
    const isFull = this.#running.size >= this.#slotsFor(peer)
    const busy = this.refer(asked)
    // Before there is anything, one that waits for it is enough: the others could not be told who is ahead.
    const isDue = copies < this.#init.fanOut() || (ready && (asking === 'again' || busy.others.length === 0))
    if (isFull || !isDue) throw busy
    const crowd = this.#crowd(blob)
    crowd.follows(peer, SELF)
    const upload = new Upload(
      { peer, blob, start, now },
      (at) => crowd.heard(peer, at, clock.now()),
      () => {
        this.#running.delete(upload)
      },
    )
    this.#running.add(upload)
    return upload
  }

  /** A member wants it that gets nothing from here now. */
  refer({ peer, blob, start }: Asked): Busy {
    const { clock, usable } = this.#components
    const now = clock.now()
    const crowd = this.#crowd(blob)
    crowd.heard(peer, start, now)
    const others = crowd.othersFor(peer, start, now, usable)
    crowd.follows(peer, others[0]?.peer)
    return new Busy('others are getting this from here', others)
  }

  /** How many large blobs may be going out for a member to get another one. */
  #slotsFor(peer: string): number {
    const { slots } = this.#init
    const isServed = [...this.#running].some((upload) => upload.peer === peer)
    return isServed ? slots - Math.floor(slots * NEWCOMERS) : slots
  }

  #crowd(blob: string): Crowd {
    const known = this.#crowds.get(blob)
    if (known) return known
    const crowd = new Crowd()
    this.#crowds.set(blob, crowd)
    return crowd
  }
}

/** Stands for this node among the parents of a crowd; no peer id. */
const SELF = ''

/** One copy of a large blob on its way to a member. */
export class Upload {
  readonly peer: string
  readonly blob: string
  readonly #onMoved: (at: number) => void
  readonly #onEnd: () => void
  /** Offset and moment of the former look at how fast it goes, and of the last one. */
  #before: { readonly at: number; readonly when: number }
  #latest: { readonly at: number; readonly when: number }
  #at: number
  #isReplaced = false

  constructor(
    { peer, blob, start, now }: { peer: string; blob: string; start: number; now: number },
    onMoved: (at: number) => void,
    onEnd: () => void,
  ) {
    this.peer = peer
    this.blob = blob
    this.#at = start
    this.#before = { at: start, when: now }
    this.#latest = this.#before
    this.#onMoved = onMoved
    this.#onEnd = onEnd
  }

  /** It has all bytes below `at`. */
  moved(at: number): void {
    this.#at = at
    this.#onMoved(at)
  }

  /** Whether it goes fast enough for others to hand on what it brings. */
  isBrisk(now: number): boolean {
    if (this.#isReplaced) return false
    if (now - this.#latest.when >= RATE_WINDOW) {
      this.#before = this.#latest
      this.#latest = { at: this.#at, when: now }
    }
    const span = now - this.#before.when
    return span < RATE_WINDOW || (this.#at - this.#before.at) / span >= SLOW_RATE / 1_000
  }

  replaced(): void {
    this.#isReplaced = true
  }

  end(): void {
    this.#onEnd()
  }
}
