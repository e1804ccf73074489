import { type Body, readAll } from '../body.ts'
import { type Digest, formatDigest } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { PartialBlob } from '../mesh/shelf.ts'
import { fetchedIn } from '../store/purged.ts'
import type { NameRecord, Store } from '../store/store.ts'
import { openAhead, Places } from './ahead.ts'
import { type Conditions, digestHeaders, mayKeep, recordHeaders, validators } from './answer.ts'
import type { CacheEvents } from './cache-events.ts'
import {
  ABANDON_BYTES,
  ABANDON_GRACE,
  ABANDON_START,
  AHEAD_AT_ONCE,
  AHEAD_BYTES,
  AHEAD_MOST,
  OVER,
  PROGRESS_BYTES,
  WRONG_COPIES,
} from './constants.ts'
import type { Documents, Parsed } from './documents.ts'
import type { Expecting } from './expecting.ts'
import { freshFor } from './freshness.ts'
import { GrowingBlob } from './growing-blob.ts'
import { HandedOn } from './handed-on.ts'
import { Judge } from './judge.ts'
import { links } from './links.ts'
import { Overruled } from './overruled.ts'
import type { Permits } from './permits.ts'
import { algorithmsOf, type Child, childrenOf, type DocumentParser, type Plan } from './plan.ts'
import { type OpenBody, type SourceComponents, Sources } from './sources.ts'
import { refutes, Suspicions } from './suspicion.ts'
import { type Part, Transfer } from './transfer.ts'
import { nameOf } from './verify.ts'

/** What a reader of a flight needs before any byte. */
export interface FlightHead {
  readonly headers: Readonly<Record<string, string>>
  readonly kind: OpenBody['kind']
}

export interface FlightComponents extends SourceComponents {
  readonly store: Store
  readonly documents: Documents
  readonly expecting: Expecting
  readonly events: CacheEvents
  readonly permits: Permits
  /** What the whole node may ask of upstreams beside its flights. */
  readonly aheads: Places
  /** Whether upstream is asked with credentials. */
  readonly isPrivate: boolean
  /** Asks upstream only for another one than what is held; `head` rejects with NotModified where there is none. */
  readonly conditions: Conditions | undefined
}

/**
 * One fetch of one artifact. Bytes go to readers while they come; the fetch survives its readers, is resumed where a source
 * broke off, and ends in the store only if they are what upstream's metadata promised.
 */
export class Flight {
  /** Resolves once size and headers can be believed: of a peer's bytes not before they are verified. */
  readonly head: Promise<FlightHead>
  /** Resolves with the record when the artifact was kept, undefined when it was served only; never rejects. */
  readonly done: Promise<NameRecord | undefined>
  readonly #components: FlightComponents
  readonly #plan: Plan
  readonly #sources: Sources
  readonly #blob: GrowingBlob
  readonly #judge: Judge
  readonly #aheads: Places
  readonly #abort = new AbortController()
  /** Of purges, when it began. */
  readonly #generation: number
  #detached = false
  readonly #head = Promise.withResolvers<FlightHead>()
  /** Upstream's latest headers. */
  #headers: OpenBody['headers'] = {}
  readonly #suspicions = new Suspicions()
  #alone: AbortController | undefined
  #transferring: Transfer | undefined

  constructor(components: FlightComponents, plan: Plan) {
    this.#components = components
    this.#plan = plan
    this.#sources = new Sources(components, plan)
    this.#aheads = new Places(AHEAD_AT_ONCE, components.aheads)
    this.#generation = components.store.purged.generation
    this.#blob = new GrowingBlob({ onAlone: () => void this.#wait() })
    this.#judge = new Judge({ ...components, blob: this.#blob }, plan, this.#abort.signal)
    this.head = this.#head.promise
    this.head.catch(() => {})
    this.done = this.#run()
  }

  /** Whether whoever comes now can have the whole artifact from this flight. */
  get joinable(): boolean {
    return this.#blob.joinable && !this.#abort.signal.aborted && !this.#detached
  }

  /** Whether all of it has gone out, and is only being written down. */
  get landing(): boolean {
    return this.#blob.complete
  }

  /** Digest of the bytes, as `algorithm:hex`; undefined until they were seen to have it, since a client may join parts by it. */
  get digest(): string | undefined {
    return this.#blob.complete ? nameOf(this.#components.expecting.known?.digests ?? []) : undefined
  }

  /** Digests of which the bytes are to have one; undefined while that is not known. */
  get expected(): readonly Digest[] | undefined {
    return this.#components.expecting.known?.digests
  }

  /** Takes part in the flight until the body is closed. */
  attach(): Body {
    this.#alone?.abort(OVER)
    return this.#blob.attach()
  }

  /** What members may have of it while it comes, if it has this digest; undefined where none of it is for them. */
  partial(digest: Digest): PartialBlob | undefined {
    const { isPrivate } = this.#components
    const name = formatDigest(digest)
    if (isPrivate || this.#plan.document || !this.joinable) return undefined
    if (!this.expected?.some((known) => formatDigest(known) === name)) return undefined
    if (this.#blob.wrong) return undefined
    return new HandedOn(this.#blob, { attach: () => this.attach(), sender: () => this.#transferring?.sender })
  }

  /** Resolves once some of it may go out; rejects where nothing ever will. */
  async begun(): Promise<void> {
    await this.head
    await this.#blob.begun()
  }

  /**
   * Bytes [start, end] that will be long in coming, straight from upstream. Undefined where they are near, or cannot be had that
   * way: then they are waited for. Close it; it ends with `signal` in any case.
   */
  async ahead(start: number, end: number, signal: AbortSignal): Promise<Body | undefined> {
    const origin = this.#transferring?.origin
    // A long rest would pass twice: it is better waited for.
    const isFar = start - this.#blob.written >= AHEAD_BYTES && end - start < AHEAD_MOST && !this.#blob.complete
    if (!origin || !isFar || this.#plan.document || signal.aborted) return undefined
    const components = { upstream: this.#components.upstream, places: this.#aheads }
    return openAhead(components, this.#plan, origin, { start, end }, AbortSignal.any([signal, this.#abort.signal]))
  }

  /** A purge may be about what it brings: its readers get that, and nobody else does. */
  detach(): void {
    this.#detached = true
  }

  cancel(reason: unknown): void {
    this.#abort.abort(reason)
  }

  async #run(): Promise<NameRecord | undefined> {
    try {
      await this.#judge.learn()
      const { verified, kind } = await this.#fetch()
      if (!(await this.#blob.agrees())) {
        // What readers got is wrong. This copy is right all the same, for whoever asks next.
        const error = new WarrenError('UPSTREAM_CUT', 'wrong bytes of this went out before the whole could be checked')
        this.#head.reject(error)
        this.#blob.fail(error)
      }
      this.#blob.finish()
      const parsed = this.#plan.document && (await this.#parse(this.#plan.document))
      const facts = parsed?.document.facts
      if (parsed && this.#plan.isMeant?.(facts) === false) {
        throw new WarrenError(
          'UPSTREAM_CORRUPT',
          `${this.#plan.mirror}: ${this.#plan.url} brought another document than was asked for`,
        )
      }
      const headers = recordHeaders(this.#plan, this.#headers, facts)
      // Clients ask for what it names the moment they have it, which may be before that is written down.
      const children = childrenOf(this.#plan, facts)
      if (verified) for (const { plan } of children) this.#components.permits.confirm(plan.key)
      this.#head.resolve({ headers, kind })
      const kept = verified && mayKeep(this.#plan, this.#headers) ? verified : undefined
      const record = kept && (await this.#keep(headers, kept, children))
      if (record && parsed && this.#plan.document) {
        await this.#components.documents.keep(this.#plan.document, record.blob, parsed)
      }
      if (verified?.length) await this.#settle()
      return record
    } catch (error) {
      this.#head.reject(error)
      this.#blob.fail(error)
      return undefined
    } finally {
      this.#components.expecting.end()
      this.#alone?.abort(OVER)
      await this.#blob.close()
    }
  }

  /** Resolves once it is known what it must be, or when that has taken too long. */
  learnt(): Promise<void> {
    return this.#judge.learnt()
  }

  /**
   * Has all bytes brought and checked; once more from the start, as long as nobody was given a byte of a wrong copy, or only
   * bytes that may be right: then a right copy will tell.
   */
  async #fetch(): Promise<{ verified: readonly string[] | undefined; kind: OpenBody['kind'] }> {
    const { expecting, events } = this.#components
    for (let mayFail = true, early = true, wrong = 0; ; early = false) {
      // After a lie nobody is believed any more before all is there.
      const transfer = this.#transfer(early)
      this.#transferring = transfer
      let isWhole = false
      try {
        await transfer.run()
        expecting.begin()
        isWhole = true
        await this.#blob.staging.seal()
        return { verified: await this.#judge.check(transfer.parts), kind: kindOf(transfer.parts) }
      } catch (error) {
        if (!isWarrenError(error, 'UPSTREAM_CORRUPT')) throw error
        const { parts } = transfer
        const kind = kindOf(parts)
        if (error instanceof Overruled) {
          // Nothing of this copy may have come.
          if (parts.length > 0) this.#blob.giveUp()
          if (this.#mayGoOn) continue
          throw error
        }
        events.corrupt(this.#plan, kind, reasonOf(error))
        this.#suspicions.accuse(parts, isWhole, { expecting, giveUp: () => this.#blob.giveUp() })
        this.#blob.spoil()
        if (!this.#mayGoOn || (kind === 'upstream' && !mayFail)) throw error
        // A member that lied uses up nobody else's second chance.
        if (kind === 'upstream') mayFail = false
        // Nor are there such chances without end: whose fault they are may never be known while nobody has a right copy.
        else if (++wrong >= WRONG_COPIES) throw error
        if (refutes(parts, expecting.teller)) expecting.doubt()
        else await this.#judge.review()
        await this.#judge.learnAnew()
      }
    }
  }

  /** Whether a right copy can still be brought to all who read. */
  get #mayGoOn(): boolean {
    return !this.#blob.handedOut || this.#blob.inDoubt
  }

  /** The right copy shows who sent a wrong one. */
  async #settle(): Promise<void> {
    const { staging } = this.#blob
    const computed = Object.entries(await staging.seal()).map(([algorithm, hex]) => ({ algorithm, hex }) as Digest)
    const digests = [...(this.expected ?? []), ...computed]
    await this.#suspicions.settle(staging, digests)
    await this.#sources.settle(staging, digests)
  }

  #transfer(early: boolean): Transfer {
    const { store, expecting, clock, conditions } = this.#components
    const algorithms = algorithmsOf(this.#plan)
    const stage = (size: number | undefined) => store.blobs.stage({ size, algorithms })
    const learn = () => this.#judge.learn()
    const review = () => this.#judge.review()
    const onUpstream = (headers: OpenBody['headers']) => {
      expecting.begin()
      this.#headers = headers
    }
    const onTrusted = ({ headers, kind, through }: OpenBody) => {
      // Of a document nothing goes out before it was read.
      if (!this.#plan.document) this.#head.resolve({ headers: recordHeaders(this.#plan, headers), kind: through ?? kind })
    }
    return new Transfer(
      {
        blob: this.#blob,
        sources: this.#sources,
        expecting,
        clock,
        early,
        conditions,
        stage,
        learn,
        review,
        onUpstream,
        onTrusted,
      },
      this.#plan,
      this.#abort.signal,
    )
  }

  async #parse(parser: DocumentParser): Promise<Parsed> {
    const body = this.#blob.attach()
    try {
      return await this.#components.documents.parse(parser, await readAll(body))
    } finally {
      body.close()
    }
  }

  async #keep(
    headers: FlightHead['headers'],
    verified: readonly string[],
    children: readonly Child[],
  ): Promise<NameRecord | undefined> {
    const { staging, written } = this.#blob
    const { store, clock, isPrivate } = this.#components
    const now = clock.now()
    const digests = await staging.seal()
    const record: NameRecord = {
      v: 1,
      blob: digests.sha256,
      size: written,
      headers: { ...headers, ...digestHeaders(this.#plan, digests) },
      ...validators(this.#headers),
      fetchedAt: now,
      checkedAt: now,
      freshFor: this.#plan.kind === 'mutable' ? freshFor(this.#plan, this.#headers, now) : null,
      verified,
      ...(isPrivate ? { private: true } : {}),
      ...fetchedIn(this.#generation),
    }
    const named = links(children, { store, now, isPrivate, generation: this.#generation })
    return (await staging.commit(new Map([...named, [this.#plan.key, record]]))) ? record : undefined
  }

  /** Nobody reads any more. What is nearly here, or small, is worth finishing; a large rest is not, unless somebody returns. */
  async #wait(): Promise<void> {
    const alone = new AbortController()
    this.#alone = alone
    try {
      for (;;) {
        const { storing, written } = this.#blob
        // Whoever has a copy does not wait for a slow upstream, which is to bring a newer one all the same.
        const grace = this.#components.conditions && written === 0 ? ABANDON_START : ABANDON_GRACE
        if (storing) await this.#components.clock.sleep(grace, alone.signal)
        if (alone.signal.aborted) return
        // What only drips would hold its place at upstream for ever.
        if (storing && this.#nearlyDone && this.#blob.written - written >= PROGRESS_BYTES) continue
        this.cancel(new WarrenError('UPSTREAM_CUT', 'nobody was waiting for it any more'))
        return
      }
    } catch {
      // Somebody came, or it ended.
    }
  }

  get #nearlyDone(): boolean {
    const { size, written } = this.#blob
    return (size === undefined ? written : size - written) <= ABANDON_BYTES
  }
}

/** Where a blob came from, as clients are told: upstream only if no member had a part in it. */
function kindOf(parts: readonly Part[]): OpenBody['kind'] {
  return parts.map(({ source: { kind, through } }) => through ?? kind).find((kind) => kind !== 'upstream') ?? 'upstream'
}
