import type { Clock } from '../clock.ts'
import { type ErrorCode, isWarrenError, WarrenError } from '../errors.ts'
import type { Staging } from '../store/store.ts'
import { abortable } from '../upstream/abortable.ts'
import type { Origin } from './ahead.ts'
import { type Conditions, isTrouble } from './answer.ts'
import { PROGRESS_BYTES, RESUME_PAUSE, RESUMES_WITHOUT_PROGRESS } from './constants.ts'
import type { Expecting } from './expecting.ts'
import type { GrowingBlob } from './growing-blob.ts'
import { Overruled } from './overruled.ts'
import type { Plan } from './plan.ts'
import type { From, OpenBody, Sources } from './sources.ts'
import { isStrayPage } from './stray-page.ts'

export interface TransferComponents {
  readonly blob: GrowingBlob
  readonly sources: Sources
  readonly expecting: Expecting
  readonly clock: Clock
  /** Whether what a seed sends may go out while it comes. */
  readonly early: boolean
  /** Asks for it only if it is another one than what is held. */
  readonly conditions?: Conditions | undefined
  stage(size: number | undefined): Staging
  /** Resolves once it is known what it must be, or when that has taken too long. */
  learn(): Promise<void>
  /** Whether documents say something else than the seed did that began, if they say so soon. */
  review(): Promise<boolean>
  /** Called whenever upstream begins, or what it says is told by a seed. */
  onUpstream(headers: OpenBody['headers']): void
  /** Called whenever a source begins whose size and headers can be believed. */
  onTrusted(source: OpenBody): void
}

/** Trouble that may be over a moment later, or that another source does not have. */
const PASSING: readonly ErrorCode[] = [
  'UPSTREAM_CUT',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_FAILED',
  'UPSTREAM_BUSY',
]

/** What one source sent of a blob: bytes [start, end). */
export interface Part {
  readonly source: OpenBody
  readonly start: number
  end: number
}

/** Fills a blob once, from its first byte to its last, over as many sources as it takes. */
export class Transfer {
  readonly #components: TransferComponents
  readonly #plan: Plan
  readonly #signal: AbortSignal
  /** Where upstream was found to have it. */
  #url: string | undefined
  /** Upstream's strong validator, which shows that a later part is one of the same thing. */
  #validator: string | undefined
  /** Whether upstream told how long it is. */
  #sure = false
  /** Tries to go on since there was progress. */
  #tries = 0
  #parts: Part[] = []
  /** Who sends now; undefined while another source is looked for. */
  #source: OpenBody | undefined

  constructor(components: TransferComponents, plan: Plan, signal: AbortSignal) {
    this.#components = components
    this.#plan = plan
    this.#signal = signal
  }

  /** Who sent what, in the order of the bytes; the last one is also who said that this is the end. */
  get parts(): readonly Part[] {
    return this.#parts.filter(({ start, end }, at) => end > start || at === this.#parts.length - 1)
  }

  /** Who sends now: peer id of a member, or `upstream`. */
  get sender(): string | undefined {
    return this.#source?.member ?? this.#source?.kind
  }

  /** What upstream is sending, as long as all that came is from there. */
  get origin(): Origin | undefined {
    const { size } = this.#components.blob
    const isUpstreams = this.#sure && this.#parts.every(({ source }) => isOwn(source))
    if (!isUpstreams || this.#url === undefined || size === undefined) return undefined
    return { url: this.#url, validator: this.#validator, size }
  }

  /**
   * Resolves when all bytes are in the blob. Rejects with upstream's «no», with UPSTREAM_CORRUPT when what came cannot be one
   * thing, and with the last trouble when there is no way to go on.
   */
  async run(): Promise<void> {
    const { blob, early, stage, conditions, expecting } = this.#components
    const untold = expecting.awaitsSeed
    let source = await this.#open({ start: 0, conditions, size: blob.told, early, doubtful: false, untold, peers: 'first' })
    try {
      if ((source.size ?? 0) > this.#most) throw this.#tooLarge()
      await blob.begin(stage(source.size))
      for (;;) {
        const before = blob.written
        this.#source = source
        try {
          await this.#feed(source)
          return
        } catch (error) {
          this.#source = undefined
          source.destroy()
          // Cut after its last byte.
          if (blob.written > 0 && blob.written === blob.size) return
          if (blob.written - before >= PROGRESS_BYTES) this.#tries = 0
          source = await this.#goOn(error, source.kind)
        }
      }
    } finally {
      source.destroy()
    }
  }

  /** Appends a source's bytes, from where the blob ends. */
  async #feed(source: OpenBody): Promise<void> {
    const { blob, onTrusted, onUpstream } = this.#components
    const part = this.#beginPart(source)
    if (source.kind === 'upstream' || Object.keys(source.headers).length > 0) onUpstream(source.headers)
    const trusted = source.trusted && !(await this.#isPage(source))
    if (trusted) {
      this.#accept(source)
      onTrusted(source)
    }
    let position = source.start
    for await (const bytes of source.body) {
      const skip = Math.min(bytes.length, Math.max(0, blob.written - position))
      position += bytes.length
      if (source.kind !== 'local') this.#plan.brought?.(bytes.length)
      if (blob.size !== undefined && position > blob.size) {
        throw new WarrenError('UPSTREAM_CORRUPT', `more bytes came than the ${blob.size} that were promised`)
      }
      if (position > this.#most) throw this.#tooLarge()
      if (skip === bytes.length) continue
      const wait = blob.append(skip === 0 ? bytes : bytes.subarray(skip), trusted)
      part.end = blob.written
      if (!wait) continue
      // Unseen bytes pile up, since no reader can take them along.
      if (!blob.storing && !blob.trusted) throw new WarrenError('UPSTREAM_CUT', 'without a disk a peer cannot be checked')
      await abortable(wait, this.#signal)
    }
    const end = blob.size ?? source.size ?? blob.written
    if (position < end) throw new WarrenError('UPSTREAM_CUT', `the body ended after ${position} of ${end} bytes`)
  }

  /** Whether it is a web page, of which nothing goes out unless its digest is right. Throws UPSTREAM_CORRUPT where none is known. */
  async #isPage({ kind, headers }: OpenBody): Promise<boolean> {
    if (kind !== 'upstream' || !isStrayPage(this.#plan, headers)) return false
    await abortable(this.#components.expecting.settled, this.#signal)
    if (this.#judged) return true
    const { mirror, url } = this.#plan
    throw new WarrenError('UPSTREAM_CORRUPT', `${mirror}: ${url} brought a web page in place of an artifact`)
  }

  /** Upstream that goes on where it broke off is one and the same. */
  #beginPart(source: OpenBody): Part {
    const { written } = this.#components.blob
    const last = this.#parts.at(-1)
    if (isOwn(source) && last && isOwn(last.source)) return last
    const part = { source, start: written, end: written }
    this.#parts.push(part)
    return part
  }

  /** Throws UPSTREAM_CORRUPT for what cannot be the thing that readers were told of. */
  #accept(source: OpenBody): void {
    const { blob } = this.#components
    const { start, size } = source
    const { etag } = source.headers
    if (size !== undefined && (size !== (blob.size ?? size) || size < blob.written)) {
      throw new WarrenError('UPSTREAM_CORRUPT', `the artifact had ${blob.size ?? blob.written} bytes and now has ${size}`)
    }
    // A 206 to If-Range needs no ETag to say that nothing changed (RFC 9110 section 13.1.5).
    const same = etag === this.#validator || (start > 0 && etag === undefined)
    if (blob.written > 0 && this.#validator !== undefined && !same && !this.#judged) {
      throw new WarrenError('UPSTREAM_CORRUPT', `the artifact was ${this.#validator} and now is ${etag}`)
    }
    blob.size ??= size
    if (isOwn(source) && size !== undefined) this.#sure = true
    this.#validator ??= etag?.startsWith('W/') ? undefined : etag
  }

  /** Another source for what is missing, until that has failed too often in a row. */
  async #goOn(failure: unknown, failed: OpenBody['kind']): Promise<OpenBody> {
    const { blob, clock, expecting, review } = this.#components
    // Nothing further is asked for somebody who has left.
    this.#signal.throwIfAborted()
    // What others send must fit to what came, so that what it is has to be certain now.
    if (await review()) throw new Overruled()
    // A member takes part once, so that members come to an end by themselves, and whoever is next has not failed yet.
    let isFree = failed !== 'upstream'
    for (let error = failure; ; ) {
      this.#signal.throwIfAborted()
      if (!isWarrenError(error, ...PASSING) || (!isFree && this.#tries >= RESUMES_WITHOUT_PROGRESS)) throw error
      if (blob.written > 0 && this.#validator === undefined) {
        await abortable(expecting.settled, this.#signal)
        // Two halves of different things must not be joined: either a validator ties them together or a digest judges the whole.
        if (!this.#judged) throw error
      }
      if (!isFree && this.#tries > 0) await clock.sleep(RESUME_PAUSE * 2 ** (this.#tries - 1), this.#signal)
      if (!isFree) this.#tries++
      isFree = false
      try {
        return await this.#reopen()
      } catch (next) {
        error = next
      }
    }
  }

  async #reopen(): Promise<OpenBody> {
    const { blob, early, stage } = this.#components
    if (!blob.storing && (blob.written === 0 || !blob.trusted)) {
      await blob.begin(stage(blob.size))
      this.#parts = []
    }
    // A peer's lie would break what readers have begun to receive: then peers are asked only where it would break off anyway.
    const peers = blob.shown || !blob.storing ? 'last' : 'first'
    const isEarly = early && blob.trusted
    const { written: start, size } = blob
    const doubtful = !this.#sure && this.#parts.some(({ source, end }) => !isOwn(source) && end > 0)
    return this.#open({ start, ifRange: this.#validator, size, early: isEarly, doubtful, peers })
  }

  get #most(): number {
    return this.#plan.maxBytes ?? Number.POSITIVE_INFINITY
  }

  #tooLarge(): WarrenError {
    return new WarrenError('UPSTREAM_CORRUPT', `${this.#plan.mirror}: ${this.#plan.url} has more than ${this.#most} bytes`)
  }

  /** Whether a digest will tell if the bytes belong together. */
  get #judged(): boolean {
    return (this.#components.expecting.known?.digests.length ?? 0) > 0
  }

  /**
   * Where the metadata says it is, if that is known already, else the plan's own URL; then the other of the two: registries
   * hand on documents that name hosts which this node cannot reach, and keep files where no convention would look for them.
   */
  async #open({ untold, ...from }: From): Promise<OpenBody> {
    const { expecting } = this.#components
    const named = untold ? await this.#openByName(from) : undefined
    if (named) return named
    if (expecting.place) return this.#openAt(this.#url ?? expecting.known?.url ?? expecting.place, from)
    const url = this.#url ?? expecting.known?.url ?? this.#plan.url
    const blind = expecting.known === undefined
    try {
      return await this.#openAt(url, from)
    } catch (error) {
      expecting.miss(error)
      // Where it is only documents tell, and not a seed's word.
      if (expecting.teller !== undefined && (await abortable(expecting.review(), this.#signal))) throw new Overruled()
      const known = await abortable(expecting.settled, this.#signal)
      const other = url === this.#plan.url ? (known?.url ?? url) : this.#plan.url
      // With the digest that was not known before, members can be asked now.
      const mayHelp = other !== url || (blind && known !== undefined && known.digests.length > 0)
      if (!mayHelp) throw error
      try {
        return await this.#openAt(other, from)
      } catch (second) {
        // Trouble at either place means that nobody knows: only two «no»s are one. That what is here is wrong can be told by one alone.
        throw isTrouble(error) && !isWarrenError(second, 'UPSTREAM_CORRUPT') ? error : second
      }
    }
  }

  /** From a seed that says what it must be. Undefined where that does not work: then it is learnt, and asked for like everything else. */
  async #openByName(from: From): Promise<OpenBody | undefined> {
    const { expecting, learn } = this.#components
    try {
      return await this.#openAt(this.#plan.url, { ...from, untold: true })
    } catch {
      this.#signal.throwIfAborted()
      expecting.need()
      await learn()
      return undefined
    }
  }

  async #openAt(url: string | Promise<string>, from: From): Promise<OpenBody> {
    const { sources, expecting } = this.#components
    const asked = expecting.teller === undefined ? from : { ...from, isHearsay: true }
    const opened = await sources.open(url, expecting.known?.digests ?? [], asked, this.#signal)
    if (opened.named) expecting.told(opened.named)
    else expecting.need()
    if (opened.kind === 'upstream') this.#url = await url
    return opened
  }
}

/** Whether it is upstream itself that sends: what comes through a seed is the word of a member, which may lie. */
export function isOwn({ kind, through }: OpenBody): boolean {
  return kind === 'upstream' && !through
}
