import type { Clock } from '../clock.ts'
import { reasonOf, WarrenError } from '../errors.ts'
import type { Seeds } from '../mesh/seeds.ts'
import type { Store } from '../store/store.ts'
import {
  ANSWER_BYTES,
  BATCH_BYTES,
  BATCH_PINS,
  GATHER,
  LONGEST_COMING,
  MAX_FAILURES,
  MAX_QUEUED,
  POLL,
  RETRY,
} from './constants.ts'
import {
  HOLDS_PATH,
  type Holding,
  isSendableKey,
  isSendableRecord,
  RECORDS_PATH,
  readHoldsAnswer,
  readRecordsAnswer,
} from './messages.ts'
import { isPublic, type Pin, standsFor } from './pin.ts'

export interface CourierComponents {
  readonly store: Pick<Store, 'blobs' | 'records'>
  readonly seeds: Pick<Seeds, 'ask'>
  readonly clock: Clock
}

/** What became of a pin that was to be on a seed: `reason` is why it is not. */
export type Delivery = { readonly isThere: true } | { readonly isThere: false; readonly reason: string }

const THERE: Delivery = { isThere: true }

interface Waiting extends PromiseWithResolvers<Delivery> {
  /** When it was said to be coming, in ms since the epoch. */
  since: number
}

/** The seed takes nothing more at the moment. */
class BusyError extends Error {}

/**
 * Brings pins to one seed: asks which of them it lacks, sends the records of those, and asks again about what it then still fetches. It
 * remembers keys only: what goes out is what this node has by then.
 */
export class Courier {
  readonly peer: string
  readonly #components: CourierComponents
  readonly #stop = new AbortController()
  readonly #queued = new Map<string, Waiting>()
  readonly #coming = new Map<string, Waiting>()
  #running: Promise<void> | undefined
  #askedAt = 0
  #failures = 0

  constructor(components: CourierComponents, init: { readonly peer: string }) {
    this.#components = components
    this.peer = init.peer
  }

  /** Pins that are not yet known to be there. */
  get pending(): number {
    return this.#queued.size + this.#coming.size
  }

  /** Resolves once it is known whether the pin of a key is there; undefined where too many wait already. */
  deliver(key: string): Promise<Delivery> | undefined {
    const known = this.#queued.get(key)
    if (known) return known.promise
    if (!isSendableKey(key)) return Promise.resolve({ isThere: false, reason: 'its name is longer than others take' })
    if (this.pending >= MAX_QUEUED || this.#stop.signal.aborted) return undefined
    const waiting = { ...Promise.withResolvers<Delivery>(), since: 0 }
    this.#queued.set(key, waiting)
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return waiting.promise
  }

  /** Gives up what is under way. */
  async stop(reason: string): Promise<void> {
    this.#stop.abort(new Error(reason))
    this.#giveUp(reason)
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stop
    for (let isFirst = true; this.pending > 0; isFirst = false) {
      // What is kept meanwhile goes with it; and who fetches the same at this moment has it by then.
      if (isFirst || this.#queued.size < BATCH_PINS) await clock.sleep(GATHER, signal).catch(() => {})
      try {
        // A wall clock may be set back.
        if (Math.abs(clock.now() - this.#askedAt) >= POLL) await this.#follow()
        if (this.#queued.size > 0) await this.#send()
        this.#failures = 0
      } catch (error) {
        await this.#rest(error)
      }
    }
  }

  /** After trouble. Once there was too much of it, what waits is left to the next sweep. */
  async #rest(error: unknown): Promise<void> {
    const { clock } = this.#components
    const isBusy = error instanceof BusyError
    if (!isBusy && ++this.#failures >= MAX_FAILURES) this.#giveUp(reasonOf(error))
    const pause = isBusy ? POLL : RETRY * 2 ** Math.min(this.#failures, MAX_FAILURES)
    await clock.sleep(pause, this.#stop.signal).catch(() => {})
  }

  async #send(): Promise<void> {
    const keys = firstOf(this.#queued.keys())
    const held = await this.#holds(keys)
    const lacked = keys.flatMap((key, at) => this.#lacked(key, held[at] ?? null) ?? [])
    const pins = firstOf(lacked)
    if (pins.length === 0) return
    const body = Buffer.from(JSON.stringify({ v: 1, pins }))
    const outcomes = readRecordsAnswer(await this.#ask(RECORDS_PATH, body), pins.length)
    for (const [at, outcome] of outcomes.entries()) {
      const { key } = pins[at] as Pin
      if (outcome.state === 'held') this.#settle(this.#queued, key, THERE)
      else if (outcome.state === 'failed') this.#settle(this.#queued, key, { isThere: false, reason: outcome.reason })
      else if (outcome.state === 'coming') this.#follows(key)
      else moveBack(this.#queued, key)
    }
    if (outcomes.every(({ state }) => state === 'busy')) throw new BusyError('it takes nothing more at the moment')
  }

  /** What has become of pins that were coming. */
  async #follow(): Promise<void> {
    const now = this.#components.clock.now()
    this.#askedAt = now
    const keys = firstOf(this.#coming.keys())
    if (keys.length === 0) return
    const held = await this.#holds(keys)
    for (const [at, key] of keys.entries()) {
      const holding = held[at] ?? null
      const own = this.#components.store.records.get(key)
      if (holding === 'coming') {
        const { since = now } = this.#coming.get(key) ?? {}
        if (Math.abs(now - since) < LONGEST_COMING) moveBack(this.#coming, key)
        else this.#settle(this.#coming, key, { isThere: false, reason: 'it says that it is coming, and it does not come' })
      } else if (!own || (holding && standsFor(holding, own))) this.#settle(this.#coming, key, THERE)
      else this.#settle(this.#coming, key, { isThere: false, reason: 'it could not fetch what was to come' })
    }
  }

  /** A pin that has to go out. Settles it otherwise. */
  #lacked(key: string, holding: Holding): Pin | undefined {
    const { store } = this.#components
    const record = store.records.get(key)
    // Nothing that others may have any more.
    if (!record || !isPublic(record)) return this.#settle(this.#queued, key, THERE)
    if (holding === 'coming') return this.#follows(key)
    if (holding && standsFor(holding, record)) return this.#settle(this.#queued, key, THERE)
    if (store.blobs.find({ algorithm: 'sha256', hex: record.blob }) === undefined)
      return this.#settle(this.#queued, key, { isThere: false, reason: 'its bytes are gone here' })
    if (isSendableRecord(record)) return { key, record }
    return this.#settle(this.#queued, key, { isThere: false, reason: 'its headers are more or longer than others take' })
  }

  /** It is being fetched over there. */
  #follows(key: string): undefined {
    const waiting = this.#queued.get(key)
    if (!waiting) return
    this.#queued.delete(key)
    // An edition before it may still be coming.
    this.#coming.get(key)?.resolve(THERE)
    waiting.since = this.#components.clock.now()
    this.#coming.set(key, waiting)
  }

  #settle(where: Map<string, Waiting>, key: string, delivery: Delivery): undefined {
    where.get(key)?.resolve(delivery)
    where.delete(key)
  }

  async #holds(keys: readonly string[]): Promise<readonly Holding[]> {
    return readHoldsAnswer(await this.#ask(HOLDS_PATH, Buffer.from(JSON.stringify({ v: 1, keys }))), keys.length)
  }

  async #ask(path: string, body: Buffer): Promise<Buffer> {
    const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
    const asked = { method: 'POST', path, headers, body } as const
    const answer = await this.#components.seeds.ask(this.peer, asked, ANSWER_BYTES, this.#stop.signal)
    if (answer.status === 200) return answer.body
    throw new WarrenError('UPSTREAM_FAILED', `it answers ${answer.status}: ${answer.body.toString().slice(0, 200).trim()}`)
  }

  #giveUp(reason: string): void {
    for (const waiting of [this.#queued, this.#coming])
      for (const key of [...waiting.keys()]) this.#settle(waiting, key, { isThere: false, reason })
  }
}

/** Behind the others, of which there may be more than fit into one question. */
function moveBack(where: Map<string, Waiting>, key: string): void {
  const waiting = where.get(key)
  if (!waiting) return
  where.delete(key)
  where.set(key, waiting)
}

/** The first ones that fit into one question. */
function firstOf<T>(all: Iterable<T>): T[] {
  const first: T[] = []
  let bytes = 0
  for (const one of all) {
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1
    if (first.length === BATCH_PINS || (bytes > BATCH_BYTES && first.length > 0)) break
    first.push(one)
  }
  return first
}
