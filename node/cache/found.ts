import type { Body } from '../body.ts'
import type { ParsedDocument, Plan } from './plan.ts'

/** Where an answer came from, as `X-Warren-Source` says it. */
export type Source = 'local' | 'flight' | 'peer' | 'seed' | 'upstream' | 'stale'

/** An artifact or document that can be sent. Whoever gets it closes the body. */
export interface Found {
  readonly source: Source
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
  /** Names exactly these bytes, wherever they come from; undefined while that is not known. */
  readonly digest: string | undefined
  /** Seconds since a source confirmed it; undefined for what cannot change. */
  readonly age?: number
  readonly document?: ParsedDocument
  /** A way to bytes [start, end] past those that are still to come; undefined where there is none. Whoever gets it closes it. */
  ahead?(start: number, end: number): Promise<Body | undefined>
}

export interface GetOptions {
  /** Aborted when the asker leaves. Not touched on a hit, so that it may be made when it is first asked for. */
  readonly signal: AbortSignal
  /** By which the log names what is done for it. Not touched on a hit, either. */
  readonly requestId?: string
  /** The client asked not to be given anything unconfirmed (`Cache-Control: no-cache`). */
  readonly revalidate?: boolean
  /** The same, however lately upstream was asked. */
  readonly anew?: boolean
  /** Neither a copy nor what a document names may stand in for upstream, in whatever trouble that is. */
  readonly confirmed?: boolean
  /** Only the headers are wanted: a miss costs upstream no transfer. */
  readonly head?: boolean
}

/** What of a plan, and of its request, decides whether an answer is at hand. */
export interface Wanted extends Pick<Plan, 'key' | 'kind' | 'mirror' | 'document'> {
  /** Whether it is of use only together with what it names. */
  readonly needy: boolean
  /** Whether a policy may withhold some of it. */
  readonly offers: boolean
}

/** @param offers whether a policy may withhold some of it */
export function wantedOf({ key, kind, mirror, document, needs, pointsTo }: Plan, offers = false): Wanted {
  const needy = needs !== undefined || pointsTo !== undefined
  return { key, kind, mirror, needy, offers, ...(document ? { document } : {}) }
}

/** What is seen of the cache by those who serve from it. */
export interface Finder {
  get(plan: Plan, options: GetOptions): Found | Promise<Found>
  /**
   * What `get` would find, if that is small, neither outdated nor to be confirmed (`revalidate`), and can be had at once; nothing is
   * fetched for it. What is `needy` only while all that it names can be had.
   */
  atHand(wanted: Wanted, revalidate: boolean): Found | undefined
  /** Whether upstream's last word was that there is no such thing, and that is not too old to count while upstream is in trouble. */
  lacked(plan: Plan): boolean
  /** Whether there is a copy that could be served while upstream is in trouble. */
  holds(plan: Plan): boolean
  /** Whether there is one that upstream need not be asked about, unless somebody wants it confirmed. */
  isFresh(plan: Plan): boolean
}
