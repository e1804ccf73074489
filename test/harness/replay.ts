import type { IncomingHttpHeaders } from 'node:http'
import { type Clock, systemClock } from '../../node/clock.ts'
import { type Answer, answer, type Framing } from './answer.ts'
import { npmKind, npmVariant } from './npm-kinds.ts'
import type { Recordings } from './recording.ts'
import { ReplayedDocuments, type Validators } from './replayed.ts'
import type { LoggedRequest } from './tally.ts'
import { UpstreamServer } from './upstream-server.ts'

export interface ReplayInit {
  /** What a path stands for, for the counts. Default: npm. */
  readonly kindOf?: (path: string) => string
  /** Which variant of a path the request headers ask for. Default: npm. */
  readonly variantOf?: (headers: IncomingHttpHeaders) => string
  /** May record a path that is missing before it becomes a 404. */
  readonly missing?: (target: string, headers: IncomingHttpHeaders) => Promise<void>
  /** Requests that the log keeps. */
  readonly logged?: number
}

/**
 * An upstream that serves what was recorded: the same bytes under the same path, but that documents name this server
 * wherever they named the recorded one. Its knobs may be turned while it runs.
 */
export class ReplayUpstream extends UpstreamServer {
  readonly recordings: Recordings
  validators: Validators = 'both'
  framing: Framing = 'length'
  readonly #init: ReplayInit
  readonly #documents: ReplayedDocuments
  readonly #unrecorded = new Set<string>()

  constructor(recordings: Recordings, init: ReplayInit = {}, clock: Clock = systemClock) {
    super(clock, init.logged)
    this.recordings = recordings
    this.#documents = new ReplayedDocuments(recordings)
    this.#init = init
  }

  /** The registry's base URL, as a client would configure it. */
  get url(): string {
    return this.origin + new URL(this.recordings.base).pathname
  }

  /** Paths that were asked for and are not recorded, up to a thousand: usually what a test forgot. */
  get unrecorded(): ReadonlySet<string> {
    return this.#unrecorded
  }

  protected kindOf(path: string): string {
    return (this.#init.kindOf ?? ((at) => npmKind(at, new URL(this.recordings.base).pathname)))(path)
  }

  protected async find({ method, target, path, headers }: LoggedRequest): Promise<Answer> {
    const variant = (this.#init.variantOf ?? npmVariant)(headers)
    if (method !== 'GET' && method !== 'HEAD') return answer(405, '{"error":"only GET and HEAD are replayed"}')
    let recorded = this.recordings.find(path, variant)
    if (!recorded && this.#init.missing) {
      await this.#init.missing(target, headers)
      recorded = this.recordings.find(path, variant)
    }
    if (recorded) return this.#documents.answer(recorded, this.origin, this)
    if (this.#unrecorded.size < 1000) this.#unrecorded.add(path)
    return answer(404, '{"error":"Not found"}', { 'content-type': 'application/json' })
  }
}
