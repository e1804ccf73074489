import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { CacheEvents } from './cache/cache.ts'
import type { Plan } from './cache/plan.ts'
import type { Clock } from './clock.ts'
import { MAX_MIRRORS } from './config/constants.ts'
import type { WarrenError } from './errors.ts'
import type { Asked, DoorEvents } from './http/door.ts'
import { requestIdOf } from './request-id.ts'
import type { AnswerSource, StatsCounter } from './stats.ts'

/** Ms after which a trouble that lasts is told of again: an installation asks for hundreds of documents. */
const PAUSE = 60_000

/** One method for each thing worth counting or telling: the number and the log line are made in one place. */
export class Events implements DoorEvents, CacheEvents {
  readonly #log: Logger
  readonly #stats: StatsCounter
  readonly #clock: Clock
  /** When an outage was last told of, by mirror. */
  readonly #toldStale = new LRUCache<string, number>({ max: MAX_MIRRORS })
  /** When an upstream's refusal was last told of, by mirror: credentials may have ended, and clients ask again and again. */
  readonly #toldDenied = new LRUCache<string, number>({ max: MAX_MIRRORS })

  constructor(components: { log: Logger; stats: StatsCounter; clock: Clock }) {
    this.#log = components.log
    this.#clock = components.clock
    this.#stats = components.stats
  }

  served(mirror: string, protocol: string, source: AnswerSource, bytes: number, ms: number, asked: Asked): void {
    this.#stats.served(protocol, source, bytes, ms)
    if (!this.#log.isLevelEnabled('debug')) return
    const fields = typeof asked === 'string' ? { path: asked } : { path: asked.url ?? '/', request: requestIdOf(asked) }
    this.#log.debug({ mirror, source, bytes, ...fields, path: shown(fields.path) }, 'served')
  }

  refused(mirror: string, protocol: string | undefined, error: WarrenError, path: string): void {
    this.#stats.refused(protocol, error)
    const isTold = error.status >= 500 || (error.code === 'UPSTREAM_DENIED' && this.#isNews(this.#toldDenied, mirror))
    const fields = { mirror, code: error.code, path: shown(path) }
    if (isTold) this.#log.warn(fields, shown(error.message))
    else this.#log.debug(fields, shown(error.message))
  }

  left(protocol: string | undefined): void {
    this.#stats.left(protocol)
  }

  bug(error: unknown, path: string): void {
    this.#log.error({ err: error, path: shown(path) }, 'a request met an error that nothing expected')
  }

  corrupt(plan: Plan, source: string, reason: string): void {
    this.#log.warn({ mirror: plan.mirror, url: shown(plan.url), source }, shown(`not kept: ${reason}`))
  }

  unverified(plan: Plan, reason: string): void {
    this.#log.warn(
      { mirror: plan.mirror, url: shown(plan.url) },
      shown(`served unverified and not kept, since its metadata could not be had: ${reason}`),
    )
  }

  refreshFailed(plan: Plan, reason: string): void {
    const { mirror } = plan
    const fields = { mirror, url: shown(plan.url) }
    if (this.#isNews(this.#toldStale, mirror))
      this.#log.warn(fields, shown(`serving stale copies while upstream is in trouble: ${reason}`))
    else this.#log.debug(fields, shown(`serving the stale copy: ${reason}`))
  }

  storeTrouble(what: string): void {
    this.#log.error(what)
  }

  renderTrouble(error: unknown): void {
    this.#log.warn({ err: error }, 'a document could not be compressed')
  }

  #isNews(told: LRUCache<string, number>, mirror: string): boolean {
    const now = this.#clock.now()
    // A clock that was set back must not keep it silent for hours.
    if (Math.abs(now - (told.get(mirror) ?? Number.NEGATIVE_INFINITY)) < PAUSE) return false
    told.set(mirror, now)
    return true
  }
}

/** A path, a URL, or a text with some in it, without their queries: clients bring URLs that are signed, or have a token in them. */
function shown(text: string): string {
  return text.replace(/((?:^|https?:\/)\/[^\s?»]*\?)[^\s»]+/g, '$1…')
}
