import type { Clock } from '../../clock.ts'
import type { Digest } from '../../digest.ts'
import type { Shelf } from '../shelf.ts'
import { BATCH, CALM_BATCH, FIRST_BATCH, FRAME_KEYS, LOG_KEYS, LONGEST_BATCH, MAX_KEYS } from './constants.ts'
import { fingerprintsOf } from './fingerprint.ts'
import { FingerprintSet } from './fingerprint-set.ts'
import type { Ask, Frame } from './frames.ts'

const MINUTE = 60_000
/** Ms between two looks at all that is kept: what came or went and was not told of. */
const RECOUNT = 60 * MINUTE
/** Holdings that are looked at before others get their turn, and ms that these get. */
const SLICE = 500
const REST = 5
const NONE = new Uint32Array()

export interface OwnInventoryComponents {
  readonly shelf: Pick<Shelf, 'has' | 'holdings'>
  readonly clock: Clock
  readonly random?: () => number
  /** Whether seeds fetch for all, so that nobody asks upstream for what a neighbour has had for a moment. */
  isCalm?(): boolean
}

/** Changes that neighbours are told of together. */
interface Batch {
  readonly sequence: number
  /** Keys in all after it. */
  readonly keys: number
  readonly added: Uint32Array
  readonly removed: Uint32Array
}

/**
 * The keys by which members may ask this node for a blob, and what has changed of them lately. It is not kept on the disk but counted
 * after each start, beside the work: half a million records took 4 s of CPU time, and what a file says of a node that did not stop
 * well would have to be counted again in any case.
 */
export class OwnInventory {
  readonly #components: Required<OwnInventoryComponents>
  #set = new FingerprintSet()
  /** Whether all has been counted once. */
  #counted = false
  #offered = true
  /** Tells one inventory from another, so that a neighbour never takes the changes of this one for those of that. */
  #generation: number
  #sequence = 0
  /** When neighbours were told last, in ms since the epoch. */
  #toldAt = Number.NEGATIVE_INFINITY
  /** Ms after that in which further changes are gathered: twice as long each time as long as they come in a row. */
  #gap = BATCH
  #log: Batch[] = []
  #logged = 0
  /** Key → whether it is there now: what the next batch is made of. */
  #pending = new Map<number, boolean>()
  #hurry = new AbortController()
  /** Keys that changed while all was counted: what is counted of them may be out of date. */
  #touched: Set<number> | undefined = new Set()
  #news = Promise.withResolvers<void>()
  readonly #stop = new AbortController()

  constructor(components: OwnInventoryComponents) {
    this.#components = { random: Math.random, isCalm: () => false, ...components }
    this.#generation = this.#newGeneration()
  }

  /** Keys that it has; undefined as long as they are being counted. */
  get keys(): number | undefined {
    return this.#counted ? this.#set.size : undefined
  }

  /** Whether anybody could fetch here: what nobody can is offered to nobody. */
  set offered(offered: boolean) {
    if (offered === this.#offered) return
    this.#offered = offered
    this.#begin()
  }

  start(): void {
    this.#count().catch(() => {})
  }

  stop(): void {
    this.#stop.abort(new Error('stopping'))
  }

  /** Seeds may have gone: what waited because they led others to it is told now. */
  hurry(): void {
    if (this.#pending.size > 0 && !this.#components.isCalm()) this.#hurry.abort(new Error('seeds are gone'))
  }

  add(digests: readonly Digest[]): void {
    for (const key of fingerprintsOf(digests)) this.#change(key, true)
  }

  /** They are kept no more; what still is stays. */
  remove(digests: readonly Digest[]): void {
    for (const key of fingerprintsOf(digests.filter((digest) => !this.#components.shelf.has(digest)))) this.#change(key, false)
  }

  /** What somebody with a copy is told; undefined when there is nothing new for it. */
  answer(ask: Ask): Frame | undefined {
    if (!this.#isReady) return undefined
    const isCurrent = ask.generation === this.#generation
    if (!isCurrent || ask.after !== undefined) return this.#all(isCurrent ? (ask.after ?? -1) : -1)
    if (ask.sequence === this.#sequence) return undefined
    // Changes that are remembered no more, or never were.
    const first = this.#log[0]
    const isKnown = first !== undefined && ask.sequence + 1 >= first.sequence && ask.sequence < this.#sequence
    return isKnown ? this.#changes(ask.sequence) : this.#all(-1)
  }

  /** That there is nothing new. */
  same(): Frame {
    const generation = this.#generation
    const kind = this.#isReady ? 'same' : 'wait'
    const keys = this.#isReady && this.#offered ? this.#keysTold : 0
    return { kind, generation, sequence: this.#sequence, keys, added: NONE, removed: NONE }
  }

  /** Resolves when there is something new. */
  get changed(): Promise<void> {
    return this.#news.promise
  }

  /** One that has more than neighbours take is found by the DHT. */
  get #isReady(): boolean {
    return this.#counted && this.#set.size <= MAX_KEYS
  }

  get #keysTold(): number {
    return this.#log.at(-1)?.keys ?? this.#set.size
  }

  /** The next part of all keys. What changes meanwhile is told as a change from `sequence` on. */
  #all(after: number): Frame {
    const head = { generation: this.#generation, sequence: this.#sequence, keys: this.#set.size, removed: NONE }
    if (!this.#offered) return { ...head, kind: 'end', keys: 0, added: NONE }
    const added = this.#set.next(after, FRAME_KEYS)
    return { ...head, kind: added.length < FRAME_KEYS ? 'end' : 'part', added }
  }

  #changes(since: number): Frame {
    const net = new Map<number, boolean>()
    let last: Batch | undefined
    for (const batch of this.#log) {
      if (batch.sequence <= since) continue
      if (net.size + batch.added.length + batch.removed.length > FRAME_KEYS) break
      for (const key of batch.added) net.set(key, true)
      for (const key of batch.removed) net.set(key, false)
      last = batch
    }
    const { sequence = since, keys = 0 } = last ?? {}
    return { kind: 'delta', generation: this.#generation, sequence, keys, ...listsOf(net) }
  }

  #change(key: number, isThere: boolean): void {
    this.#touched?.add(key)
    if (!(isThere ? this.#set.add(key) : this.#set.delete(key))) return
    // Nobody has a copy yet that would have to be told.
    if (!this.#counted || !this.#offered) return
    if (this.#pending.size === 0) void this.#sealSoon()
    this.#pending.set(key, isThere)
  }

  async #sealSoon(): Promise<void> {
    const { clock, isCalm } = this.#components
    const gap = isCalm() ? CALM_BATCH : this.#gap
    // A wall clock may be set back.
    const rest = Math.min(gap, this.#toldAt + gap - clock.now())
    this.#gap = rest > 0 ? Math.min(2 * this.#gap, LONGEST_BATCH) : BATCH
    const gathering = AbortSignal.any([this.#stop.signal, this.#hurry.signal])
    await clock.sleep(Math.max(FIRST_BATCH, rest), gathering).catch(() => {})
    if (this.#stop.signal.aborted) return
    this.#hurry = new AbortController()
    this.#toldAt = clock.now()
    const changes = [...this.#pending]
    this.#pending = new Map()
    for (let at = 0; at < changes.length; at += FRAME_KEYS) this.#seal(new Map(changes.slice(at, at + FRAME_KEYS)))
    this.#tell()
  }

  #seal(changes: ReadonlyMap<number, boolean>): void {
    const batch = { sequence: ++this.#sequence, keys: this.#set.size, ...listsOf(changes) }
    this.#log.push(batch)
    this.#logged += changes.size
    while (this.#logged > LOG_KEYS) {
      const gone = this.#log.shift()
      this.#logged -= (gone?.added.length ?? 0) + (gone?.removed.length ?? 0)
    }
  }

  async #count(): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stop
    for (;;) {
      await this.#countOnce(signal)
      await clock.sleep(RECOUNT, signal)
    }
  }

  async #countOnce(signal: AbortSignal): Promise<void> {
    const { shelf, clock } = this.#components
    this.#touched ??= new Set()
    const touched = this.#touched
    const lists: Uint32Array[] = []
    let slice: Digest[] = []
    for await (const digest of shelf.holdings()) {
      signal.throwIfAborted()
      if (slice.push(digest) < SLICE) continue
      lists.push(Uint32Array.from(fingerprintsOf(slice)))
      slice = []
      await clock.sleep(REST, signal)
    }
    this.#touched = undefined
    this.#take(FingerprintSet.of([...lists, Uint32Array.from(fingerprintsOf(slice))]), touched)
  }

  /** What was counted is how it is, but for what changed meanwhile. */
  #take(counted: FingerprintSet, touched: ReadonlySet<number>): void {
    if (!this.#counted) {
      for (const key of touched) {
        if (this.#set.has(key)) counted.add(key)
        else counted.delete(key)
      }
      this.#set = counted
      this.#counted = true
      this.#begin()
      return
    }
    for (const key of difference(counted, this.#set)) if (!touched.has(key)) this.#change(key, true)
    for (const key of difference(this.#set, counted)) if (!touched.has(key)) this.#change(key, false)
  }

  /** What neighbours have is of no use any more. */
  #begin(): void {
    this.#generation = this.#newGeneration()
    this.#log = []
    this.#logged = 0
    this.#pending = new Map()
    this.#tell()
  }

  #tell(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }

  #newGeneration(): number {
    return 1 + Math.floor(this.#components.random() * 0xffffffff)
  }
}

function listsOf(changes: ReadonlyMap<number, boolean>): { added: Uint32Array; removed: Uint32Array } {
  const of = (wanted: boolean) => [...changes].flatMap(([key, isThere]) => (isThere === wanted ? [key] : []))
  return { added: Uint32Array.from(of(true)).sort(), removed: Uint32Array.from(of(false)).sort() }
}

/** What the one holds and the other does not. */
function difference(one: FingerprintSet, other: FingerprintSet): number[] {
  const found: number[] = []
  for (let after = -1; ; ) {
    const part = one.next(after, FRAME_KEYS)
    for (const key of part) if (!other.has(key)) found.push(key)
    if (part.length < FRAME_KEYS) return found
    after = part.at(-1) ?? after
  }
}
