import { AbortScope } from '../abort-scope.ts'
import type { Clock } from '../clock.ts'
import type { Digest } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { BlobSource, Mesh } from '../mesh/mesh.ts'
import {
  HOLD_BACK_BYTES,
  MEMBER_CHANCES,
  MEMBER_IDLE,
  MEMBER_LIES,
  MEMBER_PATIENCE,
  OVER,
  PROGRESS_BYTES,
  STEADY_BYTES,
} from './constants.ts'
import type { From, OpenBody } from './sources.ts'

/** What is seen of a body while it comes. */
interface Pulse {
  readonly source: BlobSource
  bytes: number
  /** Ms that we waited for the reader of its bytes, not for the member. */
  busy: number
  /** Since when we wait for the reader; undefined while it is the member that we wait for. */
  busySince: number | undefined
}

/** Gets an artifact's bytes from members of the mesh, and keeps watch over each while it sends. One for each flight. */
export class Members {
  readonly #mesh: Mesh
  readonly #clock: Clock
  /** Ids of those that broke off, failed or lied: none takes part in a flight twice. */
  readonly #spent = new Set<string>()
  /** Ids of those that were given a second chance. */
  readonly #forgiven = new Set<string>()
  /** Ids of those that sent, but so slowly that whoever else can go on comes first. */
  readonly #slow = new Set<string>()
  /** Lies, and bodies that ended before they were of any use. */
  #failures = 0
  #asked = 0

  constructor(components: { mesh: Mesh; clock: Clock }) {
    this.#mesh = components.mesh
    this.#clock = components.clock
  }

  /** Whether it makes sense to ask. After many failures it does not: liars may be any number, and each costs the client time. */
  get promising(): boolean {
    return this.#mesh.populated && this.#failures < MEMBER_CHANCES
  }

  /** Whether an answer of a member that says it has the artifact is being waited for. */
  get asking(): boolean {
    return this.#asked > 0
  }

  /** Whether so many were of no use, or one so slow, that whoever else can go on comes first. */
  get unlucky(): boolean {
    return this.#failures >= MEMBER_LIES || this.#slow.size > 0
  }

  /**
   * The first member that answers; those that were slow come last. Rejects with UPSTREAM_ABSENT when nobody does, and with
   * UPSTREAM_CORRUPT when what is here is doubtful and does not fit the length of what a member has: either may be right.
   */
  async open(
    digests: readonly Digest[],
    from: From,
    accept: (source: BlobSource) => boolean,
    signal: AbortSignal,
  ): Promise<OpenBody> {
    let dispute: WarrenError | undefined
    for await (const source of this.#find(digests, signal)) {
      signal.throwIfAborted()
      if (!this.promising) break
      if (this.#spent.has(source.id) || !accept(source)) continue
      this.#asked++
      try {
        return await this.#open(source, from, signal)
      } catch (error) {
        if (signal.aborted) throw error
        // It may be the honest one, which then has to be asked for the whole.
        if (isWarrenError(error, 'UPSTREAM_CORRUPT') && from.doubtful) dispute = error
        else this.#spent.add(source.id)
      } finally {
        this.#asked--
      }
    }
    throw dispute ?? new WarrenError('UPSTREAM_ABSENT', 'no member of the mesh has it')
  }

  async *#find(digests: readonly Digest[], signal: AbortSignal): AsyncGenerator<BlobSource, void> {
    const slow: BlobSource[] = []
    for (const digest of digests) {
      for await (const source of this.#mesh.find(digest, signal)) {
        if (this.#slow.has(source.id)) slow.push(source)
        else yield source
      }
    }
    yield* slow
  }

  async #open(source: BlobSource, from: From, signal: AbortSignal): Promise<OpenBody> {
    const life = new AbortScope(signal)
    const patience = new AbortController()
    const blame = (reason: string) => {
      this.#failures++
      source.blame(reason)
    }
    const forgive = () => {
      this.#failures++
      if (!this.#forgiven.has(source.id)) this.#spent.delete(source.id)
      this.#forgiven.add(source.id)
    }
    this.#clock.sleep(MEMBER_PATIENCE, patience.signal).then(
      () => life.end(silence(source)),
      () => {},
    )
    try {
      const { size, body } = await source.open(from.start, life.signal)
      life.signal.throwIfAborted()
      // No lie for sure: it may be upstream that answered with a login page.
      if (!Number.isSafeInteger(size) || size < from.start || size !== (from.size ?? size)) {
        throw new WarrenError('UPSTREAM_CORRUPT', `member ${source.id} has something else`)
      }
      const watched = this.#watch(source, { body, left: size - from.start }, blame, life)
      // Where nothing may go out early in any case, a seed's word is worth no more than a peer's.
      const trusted = source.kind === 'seed' && from.early && size > HOLD_BACK_BYTES
      const destroy = () => life.end(OVER)
      // A peer that speaks of a petabyte must not make the store refuse what is to come from others.
      const known = trusted ? size : from.size
      const opened = { kind: source.kind, trusted, start: from.start, size: known, headers: {}, body: watched }
      return { ...opened, destroy, blame, forgive }
    } catch (error) {
      life.end(error)
      throw error
    } finally {
      patience.abort(OVER)
    }
  }

  /** Passes bytes on as long as they come, neither fewer nor more than promised. */
  async *#watch(
    source: BlobSource,
    sent: { readonly body: AsyncIterable<Buffer>; left: number },
    blame: (reason: string) => void,
    life: AbortScope,
  ): AsyncGenerator<Buffer, void> {
    this.#spent.add(source.id)
    const pulse: Pulse = { source, bytes: 0, busy: 0, busySince: undefined }
    void this.#expire(pulse, life)
    try {
      if (sent.left === 0) return
      for await (const bytes of sent.body) {
        pulse.bytes += bytes.length
        sent.left -= bytes.length
        if (sent.left < 0) break
        pulse.busySince = this.#clock.now()
        yield bytes
        pulse.busy += this.#clock.now() - pulse.busySince
        pulse.busySince = undefined
        // How it ends is of no interest: the digest judges what came.
        if (sent.left === 0) return
      }
      blame(sent.left < 0 ? 'sends more than the blob has' : `ended ${sent.left} bytes early`)
      throw new WarrenError('UPSTREAM_CUT', `member ${source.id} did not send what it promised`)
    } catch (error) {
      if (pulse.bytes < PROGRESS_BYTES) this.#failures++
      throw isWarrenError(error)
        ? error
        : new WarrenError('UPSTREAM_CUT', `member ${source.id} broke off: ${reasonOf(error)}`, { cause: error })
    } finally {
      life.end(OVER)
    }
  }

  /**
   * One timer at a time for a whole body. That its reader is slow is not the member's fault. A peer that sends a byte now and
   * then would keep the client from every byte, since none goes out before all are there; a seed's go out while they come.
   * A peer that is slow is given up once only: who is asked again after that is better than nobody.
   */
  async #expire(pulse: Pulse, life: AbortScope): Promise<void> {
    const { source } = pulse
    const least = source.kind === 'seed' ? 1 : PROGRESS_BYTES
    const steady = source.kind === 'seed' || this.#slow.has(source.id) ? least : STEADY_BYTES
    try {
      for (;;) {
        const { bytes, busy } = pulse
        await this.#clock.sleep(MEMBER_IDLE, life.signal)
        if (pulse.busySince !== undefined) continue
        const came = pulse.bytes - bytes
        const waited = Math.max(0, MEMBER_IDLE - (pulse.busy - busy)) / MEMBER_IDLE
        if (came < Math.round(least * waited)) life.end(silence(source))
        else if (came < Math.round(steady * waited)) {
          this.#slow.add(source.id)
          this.#spent.delete(source.id)
          life.end(new WarrenError('UPSTREAM_TIMEOUT', `member ${source.id} is slow`))
        }
      }
    } catch {
      // It ended before its time was up.
    }
  }
}

function silence(source: BlobSource): WarrenError {
  return new WarrenError('UPSTREAM_TIMEOUT', `member ${source.id} went silent`)
}
