import { setImmediate } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Planned, Rendition } from '../../protocols/protocol.ts'
import { type Body, bufferBody, readAll } from '../body.ts'
import { DocumentTurns } from '../cache/document-turns.ts'
import type { Found, Source } from '../cache/found.ts'
import type { ParsedDocument, Plan } from '../cache/plan.ts'
import { type Clock, systemClock } from '../clock.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { Withholder, Withholding } from '../policy/withholding.ts'
import { beside, JobThreads } from '../threads/job-threads.ts'
import { type Composed, compose } from './compose.ts'
import type { ComposeOrder, ComposeResult } from './compose-worker.ts'
import { Flights } from './flights.ts'
import { isDocument, Renderings } from './renderings.ts'

/** Documents up to this size are made into others in the main thread: handing them to a worker costs more. */
const INLINE_BYTES = 128 << 10

/** Bytes of documents that are made into another one; more would take several times that in memory. */
const MOST_BYTES = 64 << 20

/** Bytes of composed documents that are kept, together: of small ones, and of those that would push all small ones out. */
const KEPT = { small: 32 << 20, large: 64 << 20, largeFrom: 2 << 20 }

/** From the least to the most recent word about what upstream has. */
const SOURCES: readonly Source[] = ['local', 'stale', 'flight', 'peer', 'seed', 'upstream']

/**
 * Stands for the caller's base URL in documents that are made into others, so that the result is made, and held in memory, once for
 * all of them: a client may call this node by any port. The same for ever and everywhere, as the names of results are made of it.
 */
const STAND_IN = 'http://base-url.warren.invalid/'

/** What a composed document is made of must not be told of it. */
const OF_THE_ORIGINAL = ['last-modified', 'content-disposition', 'content-language']

/** A composed document as it is served. */
interface Kept {
  readonly bytes: Buffer
  readonly digest: string
  /** One object for all answers: renderings are kept by it. */
  readonly document: ParsedDocument
}

interface Task {
  readonly route: Planned
  readonly founds: readonly Found[]
  readonly withholding: Withholding | undefined
  /** Undefined where no document names its registry. */
  readonly standIn: string | undefined
}

/**
 * Makes other forms of documents when they are served: without what a policy withholds, in another type, merged with others. Once
 * for all who ask at the same time, large ones in a worker thread.
 */
export class Composer {
  readonly #withholder: Withholder
  readonly #renderings = new Renderings()
  readonly #small = keeping(KEPT.small)
  readonly #large = keeping(KEPT.large)
  readonly #flights = new Flights<Kept>()
  readonly #turns = new DocumentTurns()
  readonly #threads: JobThreads<ComposeOrder, ComposeResult>

  constructor({ withholder, clock = systemClock }: { withholder: Withholder; clock?: Clock }) {
    this.#withholder = withholder
    this.#threads = new JobThreads({ clock }, { worker: beside(import.meta.url, 'compose-worker') })
  }

  /** Whether what is found for a route goes out in another form than it is kept. */
  concerns(route: Planned): boolean {
    return route.rendition !== undefined || this.#withholding(route) !== undefined
  }

  /**
   * Takes `founds` over, in the order of their plans, and closes them. Throws UPSTREAM_CORRUPT for what cannot be read or is larger
   * than 64 MiB, POLICY_DENIED where everything is withheld; the reason of `signal` as soon as that is aborted.
   */
  async compose(route: Planned, founds: readonly Found[], signal?: AbortSignal): Promise<Found> {
    const close = () => {
      for (const { body } of founds) body.close()
    }
    const standIn = founds.some((found) => isDocument(found) && found.document.spans.length > 0) ? STAND_IN : undefined
    const task: Task = { route, founds, withholding: this.#withholding(route), standIn }
    const name = this.#nameOf(task)
    const known = name === undefined ? undefined : (this.#small.get(name) ?? this.#large.get(name))
    if (known) close()
    const made = known ?? (await this.#flights.join(name, { signal, close }, (signal) => this.#make(task, name, signal)))
    return found(made, founds, route.rendition)
  }

  /** Idempotent. Who still waits gets DRAINING. */
  async close(): Promise<void> {
    await this.#threads.close()
  }

  #nameOf({ route: { offers, rendition }, founds, withholding }: Task): string | undefined {
    const names = founds.map((found) => (isDocument(found) ? this.#renderings.of(found, () => STAND_IN).id : found.digest))
    // Bytes without a name are not recognised again.
    if (founds.some(({ digest }) => digest === undefined)) return undefined
    return JSON.stringify([names, offers?.id, withholding?.id, rendition?.id])
  }

  async #make(task: Task, name: string | undefined, signal: AbortSignal): Promise<Kept> {
    try {
      const bodies = task.founds.map((found) => this.#bodyOf(found))
      const size = sizeOf(bodies)
      const made =
        size !== undefined && size <= INLINE_BYTES
          ? compose(ingredients(task, await Promise.all(bodies.map(readAll))))
          : await this.#turns.run(task.route.plans[0].ecosystem, signal, () => this.#makeLarge(task, bodies))
      const document = { spans: made.spans, facts: undefined }
      const kept = { bytes: made.bytes, digest: made.digest, document }
      if (name !== undefined) (made.bytes.length < KEPT.largeFrom ? this.#small : this.#large).set(name, kept)
      return kept
    } catch (error) {
      if (isWarrenError(error) || signal.aborted) throw error
      throw new WarrenError('UPSTREAM_CORRUPT', `the document cannot be given in this form: ${reasonOf(error)}`, {
        cause: error,
      })
    }
  }

  async #makeLarge(task: Task, bodies: readonly Body[]): Promise<Composed> {
    checkSize(sizeOf(bodies))
    const documents = await Promise.all(bodies.map(readAll))
    const size = documents.reduce((sum, { length }) => sum + length, 0)
    checkSize(size)
    const order = orderOf(task, documents)
    if (!order) {
      // Those who wait for something small go first.
      await setImmediate()
      return compose(ingredients(task, documents))
    }
    const kind = (order.rendition ?? order.offers)?.module ?? ''
    const { bytes, ...made } = await this.#threads.run({ kind, size, order })
    return { ...made, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) }
  }

  #withholding({ offers, plans }: Planned): Withholding | undefined {
    const { subject }: Plan = plans[0]
    return offers && subject && this.#withholder.of(subject)
  }

  #bodyOf(found: Found): Body {
    return isDocument(found) ? this.#renderings.of(found, () => STAND_IN).body(found.body) : found.body
  }
}

function keeping(maxSize: number) {
  return new LRUCache<string, Kept>({
    maxSize,
    // Some of them have ten thousand places.
    sizeCalculation: ({ bytes, document }) => bytes.length + 64 * document.spans.length + 512,
  })
}

function ingredients({ route: { offers, rendition }, withholding, standIn }: Task, documents: readonly Buffer[]) {
  return {
    documents,
    offers,
    verdicts: withholding?.verdicts(),
    rendition,
    standIn,
  }
}

/** Undefined where a part of it cannot be found by another thread. */
function orderOf({ route, withholding, standIn }: Task, documents: readonly Buffer[]): ComposeOrder | undefined {
  const { rendition } = route
  const offers = withholding && route.offers
  if ((offers && !(offers.from && withholding.grounds)) || (rendition && !rendition.from)) return undefined
  return {
    documents,
    offers: offers?.from,
    grounds: withholding?.grounds,
    rendition: rendition?.from,
    standIn,
  }
}

/** Undefined while one of them is not known. */
function sizeOf(bodies: readonly Body[]): number | undefined {
  return bodies.reduce<number | undefined>(
    (sum, { size }) => (sum === undefined || size === undefined ? undefined : sum + size),
    0,
  )
}

function checkSize(size: number | undefined): void {
  if (size === undefined || size <= MOST_BYTES) return
  throw new WarrenError(
    'UPSTREAM_CORRUPT',
    `a document of ${size} bytes is too large to be given in another form than upstream's: ${MOST_BYTES} at most`,
  )
}

function found({ bytes, digest, document }: Kept, founds: readonly Found[], rendition: Rendition | undefined): Found {
  const headers = { ...founds[0]?.headers }
  for (const header of OF_THE_ORIGINAL) delete headers[header]
  const ages = founds.flatMap(({ age }) => age ?? [])
  return {
    source: founds.reduce<Source>((least, { source }) => (rank(source) > rank(least) ? source : least), 'local'),
    headers: { ...headers, ...rendition?.headers },
    body: bufferBody(bytes),
    digest,
    ...(ages.length > 0 ? { age: Math.max(...ages) } : {}),
    document,
  }
}

function rank(source: Source): number {
  return SOURCES.indexOf(source)
}
