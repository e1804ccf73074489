import type { Clock } from '../clock.ts'
import type { Digest } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { BlobSource, Mesh } from '../mesh/mesh.ts'
import { MEMBER_IDLE, MEMBER_LIES, MEMBER_PATIENCE } from './constants.ts'
import type { From, OpenBody } from './sources.ts'

/** Gets an artifact's bytes from members of the mesh, and keeps watch over each while it sends. One for each flight. */
export class Members {
  readonly #mesh: Mesh
  readonly #clock: Clock
  /** Ids of those that broke off, failed or lied: none takes part in a flight twice. */
  readonly #spent = new Set<string>()
  #lies = 0

  constructor(components: { mesh: Mesh; clock: Clock }) {
    this.#mesh = components.mesh
    this.#clock = components.clock
  }

  /** Whether it makes sense to ask. After some lies it does not: liars may be many, and each costs the client time. */
  get promising(): boolean {
    return this.#mesh.populated && this.#lies < MEMBER_LIES
  }

  /** The first member that answers. Rejects with UPSTREAM_ABSENT when nobody does. */
  async open(
    digests: readonly Digest[],
    from: From,
    accept: (source: BlobSource) => boolean,
    signal: AbortSignal,
  ): Promise<OpenBody> {
    for (const digest of digests) {
      for await (const source of this.#mesh.find(digest, signal)) {
        signal.throwIfAborted()
        if (!this.promising) break
        if (this.#spent.has(source.id) || !accept(source)) continue
        try {
          return await this.#open(source, from, signal)
        } catch (error) {
          if (signal.aborted) throw error
          this.#spent.add(source.id)
        }
      }
    }
    throw new WarrenError('UPSTREAM_ABSENT', 'no member of the mesh has it')
  }

  async #open(source: BlobSource, from: From, signal: AbortSignal): Promise<OpenBody> {
    const stop = new AbortController()
    const patience = new AbortController()
    const life = AbortSignal.any([signal, stop.signal])
    const blame = (reason: string) => {
      this.#lies++
      source.blame(reason)
    }
    this.#clock.sleep(MEMBER_PATIENCE, AbortSignal.any([life, patience.signal])).then(
      () => stop.abort(silence(source)),
      () => {},
    )
    try {
      const { size, body } = await source.open(from.start, life)
      life.throwIfAborted()
      if (size < from.start || size !== (from.size ?? size)) {
        if (from.size !== undefined) blame(`says that the blob has ${size} bytes instead of ${from.size}`)
        throw new WarrenError('UPSTREAM_CORRUPT', `member ${source.id} has something else`)
      }
      const watched = this.#watch(source, { body, left: size - from.start }, blame, stop)
      const trusted = source.kind === 'seed'
      const destroy = () => stop.abort(silence(source))
      return { kind: source.kind, trusted, start: from.start, size, headers: {}, body: watched, destroy, blame }
    } catch (error) {
      stop.abort(error)
      throw error
    } finally {
      patience.abort()
    }
  }

  /** Passes bytes on as long as they come, neither fewer nor more than promised. */
  async *#watch(
    source: BlobSource,
    sent: { readonly body: AsyncIterable<Buffer>; left: number },
    blame: (reason: string) => void,
    stop: AbortController,
  ): AsyncGenerator<Buffer, void> {
    this.#spent.add(source.id)
    const pulse = { beats: 0, waiting: true }
    void this.#expire(source, pulse, stop)
    try {
      for await (const bytes of sent.body) {
        pulse.waiting = false
        pulse.beats++
        sent.left -= bytes.length
        if (sent.left < 0) break
        yield bytes
        pulse.waiting = true
      }
      if (sent.left === 0) return
      blame(sent.left < 0 ? 'sends more than the blob has' : `ended ${sent.left} bytes early`)
      throw new WarrenError('UPSTREAM_CUT', `member ${source.id} did not send what it promised`)
    } catch (error) {
      throw isWarrenError(error)
        ? error
        : new WarrenError('UPSTREAM_CUT', `member ${source.id} broke off: ${reasonOf(error)}`, { cause: error })
    } finally {
      stop.abort(silence(source))
    }
  }

  /** One timer at a time for a whole body. That its reader is slow is not the member's fault. */
  async #expire(
    source: BlobSource,
    pulse: { readonly beats: number; readonly waiting: boolean },
    stop: AbortController,
  ): Promise<void> {
    try {
      for (;;) {
        const { beats } = pulse
        await this.#clock.sleep(MEMBER_IDLE, stop.signal)
        if (pulse.waiting && pulse.beats === beats) stop.abort(silence(source))
      }
    } catch {
      // It ended before its time was up.
    }
  }
}

function silence(source: BlobSource): WarrenError {
  return new WarrenError('UPSTREAM_TIMEOUT', `member ${source.id} went silent`)
}
