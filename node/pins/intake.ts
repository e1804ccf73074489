import type { Clock } from '../clock.ts'
import { type Digest, isCollisionFree, parseDigest, parseDigests, type Sha256 } from '../digest.ts'
import { reasonOf, WarrenError } from '../errors.ts'
import type { Seeds } from '../mesh/seeds.ts'
import { fetchedIn } from '../store/purged.ts'
import type { Store } from '../store/store.ts'
import { CLOCK_SLACK, COMING_PATIENCE, COMING_RATE, FETCHES, LONGEST_COMING, MAX_COMING, PATIENCE } from './constants.ts'
import { fetchPin } from './fetch-pin.ts'
import type { Holding, Outcome } from './messages.ts'
import { baseOf, isPublic, type Pin, standsFor } from './pin.ts'

export interface IntakeComponents {
  readonly store: Pick<Store, 'blobs' | 'records' | 'purged'>
  readonly seeds: Pick<Seeds, 'open'>
  readonly clock: Clock
  /** Whether this node asks an upstream with a login of its own. */
  isPrivate(base: string): boolean
  /** Tells the mesh of digests that this node can serve from now on. */
  announce(digests: readonly Digest[]): void
}

interface Coming {
  /** Who sent it. */
  readonly peer: string
  readonly blob: Sha256
  /** Since when, in ms since the epoch, and for how many ms nobody else may bring it. */
  readonly since: number
  readonly patience: number
  readonly done: Promise<Outcome>
  /** Set once it is known. */
  outcome: Outcome | undefined
}

/** Characters of what goes to the sender as the reason of a failure. */
const MAX_REASON = 300

const HELD: Outcome = { state: 'held' }

/** What one seed has this one do. */
interface Lane {
  /** Pins that are coming from it. */
  coming: number
  fetches: number
  readonly waiting: (() => void)[]
}

/**
 * Takes in pins that other seeds send: a record is believed, since a seed vouches for it, and its bytes are fetched and checked. What one
 * sends slowly, or never, keeps no other from sending.
 */
export class Intake {
  readonly #components: IntakeComponents
  readonly #signal: AbortSignal
  readonly #coming = new Map<string, Coming>()
  /** One fetch of a blob from a seed, however many keys name it. */
  readonly #blobs = new Map<string, Promise<void>>()
  /** By peer id. */
  readonly #lanes = new Map<string, Lane>()

  /** @param init.signal ends what is under way */
  constructor(components: IntakeComponents, init: { readonly signal: AbortSignal }) {
    this.#components = components
    this.#signal = init.signal
  }

  /** Whether what is kept under a key now is what a seed sent. */
  brings({ key, record }: Pin): boolean {
    return this.#coming.get(key)?.blob === record.blob
  }

  /** What is held under keys, in their order; `coming` is what is on its way, as long as `peer` need not bring it itself. */
  holds(peer: string, keys: readonly string[]): Holding[] {
    return keys.map((key) => this.#held(key) ?? (this.#isComing(key, peer) ? 'coming' : null))
  }

  /** Takes what a seed sends. Answers in the order of the pins, after a while also for what is still coming. Never rejects. */
  async take(peer: string, pins: readonly Pin[]): Promise<Outcome[]> {
    const taken = pins.map((pin) => this.#take(peer, pin))
    const over = new AbortController()
    const all = Promise.all(taken.map((one) => ('done' in one ? one.done : one)))
    await Promise.race([all, this.#components.clock.sleep(PATIENCE, AbortSignal.any([this.#signal, over.signal]))]).catch(
      () => {},
    )
    over.abort()
    return taken.map((one) => ('done' in one ? (one.outcome ?? { state: 'coming' }) : one))
  }

  #take(peer: string, sent: Pin): Outcome | Coming {
    const { key } = sent
    const pin = { key, record: this.#dated(sent.record) }
    const settled = this.#settled(pin)
    if (settled) return settled
    const { blob, size } = pin.record
    const known = this.#isComing(key, peer) && this.#coming.get(key)
    if (known) return known.blob === blob ? known : { state: 'busy' }
    const lane = this.#laneOf(peer)
    if (lane.coming >= MAX_COMING) return { state: 'busy' }
    lane.coming++
    const patience = Math.min(COMING_PATIENCE + (size / COMING_RATE) * 1_000, LONGEST_COMING)
    const done = this.#bring(peer, pin)
    const coming: Coming = { peer, blob, since: this.#components.clock.now(), patience, done, outcome: undefined }
    this.#coming.set(key, coming)
    void coming.done.then((outcome) => {
      coming.outcome = outcome
      lane.coming--
      // Another seed may have been quicker.
      if (this.#coming.get(key) === coming) this.#coming.delete(key)
    })
    return coming
  }

  /** Whether a pin is on its way, and `peer` need not bring it. */
  #isComing(key: string, peer: string): boolean {
    const coming = this.#coming.get(key)
    if (!coming) return false
    return coming.peer === peer || Math.abs(this.#components.clock.now() - coming.since) < coming.patience
  }

  /** What becomes of a pin without anything being fetched. */
  #settled({ key, record }: Pin): Outcome | undefined {
    const { store, isPrivate } = this.#components
    const base = baseOf(key)
    const own = store.records.get(key)
    // What this node is given by a login of its own is another answer, and not to be replaced by that of everybody.
    if (own?.private || (base !== undefined && isPrivate(base)))
      return { state: 'failed', reason: 'this seed asks that upstream with a login of its own' }
    const held = this.#held(key)
    return held && standsFor(held, record) ? HELD : undefined
  }

  #held(key: string): { blob: Sha256; checkedAt: number } | undefined {
    const { blobs, records } = this.#components.store
    const record = records.get(key)
    if (!record || !isPublic(record)) return undefined
    const { blob, checkedAt } = record
    return blobs.find({ algorithm: 'sha256', hex: blob }) === undefined ? undefined : { blob, checkedAt }
  }

  /**
   * As this node would write it down that begins to fetch it now. A clock that goes ahead must not make a document fresh for as long, nor
   * the last one for ever.
   */
  #dated(record: Pin['record']): Pin['record'] {
    const now = this.#components.clock.now()
    const dated = (time: number) => (time > now + CLOCK_SLACK ? now : time)
    const times = { fetchedAt: dated(record.fetchedAt), checkedAt: dated(record.checkedAt) }
    return { ...record, ...times, ...fetchedIn(this.#components.store.purged.generation) }
  }

  async #bring(peer: string, pin: Pin): Promise<Outcome> {
    const { store, announce } = this.#components
    const { key, record } = pin
    try {
      await this.#turn(peer)
      try {
        this.#signal.throwIfAborted()
        await this.#blob(peer, pin)
        // The bytes may have come for another key, or have been here before.
        const settled = this.#settled(pin)
        if (settled && settled !== HELD) return settled
        if (!settled) await store.records.put(key, record)
        if (!this.#held(key)) throw new WarrenError('NODE_BUSY', 'it was purged at this seed meanwhile')
      } finally {
        this.#nextTurn(peer)
      }
      announce(parseDigests(record.verified).filter(isCollisionFree))
      return HELD
    } catch (error) {
      const reason = error instanceof WarrenError ? error.message : `this seed failed to take it: ${reasonOf(error)}`
      return { state: 'failed', reason: reason.slice(0, MAX_REASON) }
    }
  }

  async #blob(peer: string, pin: Pin): Promise<void> {
    const { seeds, store, clock } = this.#components
    const { blobs } = store
    const fetched = `${peer} ${pin.record.blob}`
    while (this.#blobs.has(fetched)) await this.#blobs.get(fetched)?.catch(() => {})
    if (this.#isHere(pin)) return
    const fetching = fetchPin({ seeds, blobs, clock, isWanted: (one) => !this.#settled(one) }, pin, peer, this.#signal)
    this.#blobs.set(fetched, fetching)
    try {
      await fetching
    } finally {
      this.#blobs.delete(fetched)
    }
  }

  /**
   * Whether the bytes are here already, with all the digests that the record promises. Not where they came with a login: to name them is no
   * proof that the other seed has them, and with its record everybody could ask for them.
   */
  #isHere({ record: { blob, verified } }: Pin): boolean {
    const { blobs } = this.#components.store
    if (blobs.isPrivate(blob) || blobs.find({ algorithm: 'sha256', hex: blob }) === undefined) return false
    return verified.every((text) => {
      const digest = parseDigest(text)
      return !digest || blobs.find(digest) === blob
    })
  }

  async #turn(peer: string): Promise<void> {
    const lane = this.#laneOf(peer)
    if (lane.fetches >= FETCHES) await new Promise<void>((resolve) => lane.waiting.push(resolve))
    else lane.fetches++
  }

  #nextTurn(peer: string): void {
    const lane = this.#laneOf(peer)
    const next = lane.waiting.shift()
    if (next) next()
    else lane.fetches--
  }

  #laneOf(peer: string): Lane {
    const known = this.#lanes.get(peer)
    if (known) return known
    const lane: Lane = { coming: 0, fetches: 0, waiting: [] }
    this.#lanes.set(peer, lane)
    return lane
  }
}
