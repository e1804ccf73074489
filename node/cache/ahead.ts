import type { Body, Scratch } from '../body.ts'
import { WarrenError } from '../errors.ts'
import type { Upstream, UpstreamResponse } from '../upstream/upstream.ts'
import { atUpstream, type Plan } from './plan.ts'

/** What is known of an artifact that upstream is sending. */
export interface Origin {
  readonly url: string
  /** Upstream's strong validator. */
  readonly validator: string | undefined
  /** Bytes of the whole. */
  readonly size: number
}

/** Places that are limited in number, each of which is also one of those above. */
export class Places {
  readonly #most: number
  readonly #above: Places | undefined
  #taken = 0

  constructor(most: number, above?: Places) {
    this.#most = most
    this.#above = above
  }

  /** Gives the way to give a place back (idempotent); undefined where all are taken. */
  take(): (() => void) | undefined {
    if (this.#taken >= this.#most) return undefined
    const above = this.#above?.take()
    if (this.#above && !above) return undefined
    this.#taken++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#taken--
      above?.()
    }
  }
}

export interface AheadComponents {
  readonly upstream: Upstream
  /** One is held from the question until the body is closed. */
  readonly places: Places
}

/**
 * Bytes [start, end] of an artifact straight from upstream, beside the flight that brings all of it: installers read the end of a
 * large archive first. Nothing of it is kept. Undefined where there is no place left, or upstream has no ranges, another artifact
 * by now, or trouble. Close it; it ends with `signal` in any case.
 */
export async function openAhead(
  { upstream, places }: AheadComponents,
  plan: Plan,
  { url, validator, size }: Origin,
  { start, end }: { readonly start: number; readonly end: number },
  signal: AbortSignal,
): Promise<Body | undefined> {
  const leave = places.take()
  if (!leave) return undefined
  const range = { start, end, ...(validator === undefined ? {} : { ifRange: validator }) }
  const headers = { ...plan.headers, 'accept-encoding': 'identity' }
  try {
    const response = await upstream.fetch({ method: 'GET', url, headers, range, ...atUpstream(plan) }, signal)
    if (response.status === 206 && response.headers['content-range'] === `bytes ${start}-${end}/${size}`)
      return new AheadBody({ response, leave }, { start, end, size })
    response.destroy()
  } catch {
    // It comes with the rest.
  }
  leave()
  return undefined
}

/**
 * Bytes that are taken in as fast as upstream sends them: a client that does not read must not hold one of the few places there, or
 * a handful of such clients would stop everybody else.
 */
class AheadBody implements Body {
  readonly size: number
  readonly #response: UpstreamResponse
  readonly #leave: () => void
  readonly #start: number
  readonly #bytes: Buffer
  #filled = 0
  #failure: { readonly reason: unknown } | undefined
  #growth: PromiseWithResolvers<void> | undefined

  constructor(
    { response, leave }: { response: UpstreamResponse; leave(): void },
    { start, end, size }: { start: number; end: number; size: number },
  ) {
    this.size = size
    this.#response = response
    this.#leave = leave
    this.#start = start
    this.#bytes = Buffer.allocUnsafe(end - start + 1)
    void this.#fill()
  }

  async read(position: number, max: number, _scratch: Scratch): Promise<Buffer> {
    const at = position - this.#start
    if (at < 0) throw new Error(`bytes from ${position} on were asked for, which are before ${this.#start}`)
    while (at >= this.#filled && at < this.#bytes.length) {
      if (this.#failure) throw this.#failure.reason
      this.#growth ??= Promise.withResolvers()
      await this.#growth.promise
    }
    return this.#bytes.subarray(at, Math.min(at + max, this.#filled))
  }

  close(): void {
    this.#response.destroy()
    this.#fail(new Error('read of a closed body'))
    this.#leave()
  }

  async #fill(): Promise<void> {
    const { length } = this.#bytes
    try {
      for await (const chunk of this.#response.body) {
        this.#filled += chunk.copy(this.#bytes, this.#filled)
        this.#grow()
        if (this.#filled === length) break
      }
      if (this.#filled < length) throw new WarrenError('UPSTREAM_CUT', `the range ended at byte ${this.#start + this.#filled}`)
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#response.destroy()
    }
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason }
    this.#grow()
  }

  #grow(): void {
    this.#growth?.resolve()
    this.#growth = undefined
  }
}
