import type { Body, Scratch } from '../body.ts'
import { WarrenError } from '../errors.ts'
import type { Upstream, UpstreamResponse } from '../upstream/upstream.ts'
import { atUpstream, type Plan } from './plan.ts'

const EMPTY = Buffer.alloc(0)

/** What is known of an artifact that upstream is sending. */
export interface Origin {
  readonly url: string
  /** Upstream's strong validator. */
  readonly validator: string | undefined
  /** Bytes of the whole. */
  readonly size: number
}

/**
 * Bytes [start, end] of an artifact straight from upstream, beside the flight that brings all of it: installers read the end of a
 * large archive first. Nothing of it is kept. Undefined where upstream has no ranges or another artifact by now.
 */
export async function openAhead(
  upstream: Upstream,
  plan: Plan,
  { url, validator, size }: Origin,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<Body | undefined> {
  const over = new AbortController()
  const range = { start, end, ...(validator === undefined ? {} : { ifRange: validator }) }
  const headers = { ...plan.headers, 'accept-encoding': 'identity' }
  const response = await upstream.fetch({ method: 'GET', url, headers, range, ...atUpstream(plan) }, over.signal)
  if (response.status === 206 && response.headers['content-range'] === `bytes ${start}-${end}/${size}`)
    return new PassingBody(response, start, size)
  response.destroy()
  return undefined
}

/** Bytes that pass by once, for one reader that asks for one after the other. */
class PassingBody implements Body {
  readonly #response: UpstreamResponse
  readonly #chunks: AsyncIterator<Buffer>
  readonly size: number
  #position: number
  #rest: Buffer = EMPTY

  constructor(response: UpstreamResponse, start: number, size: number) {
    this.#response = response
    this.#chunks = response.body[Symbol.asyncIterator]()
    this.#position = start
    this.size = size
  }

  async read(position: number, max: number, _scratch: Scratch): Promise<Buffer> {
    if (position !== this.#position)
      throw new Error(`bytes from ${position} on were asked for after those before ${this.#position}`)
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next()
      if (next.done) throw new WarrenError('UPSTREAM_CUT', `the range ended at byte ${position}`)
      this.#rest = next.value
    }
    const bytes = this.#rest.subarray(0, max)
    this.#rest = this.#rest.subarray(bytes.length)
    this.#position += bytes.length
    return bytes
  }

  close(): void {
    this.#response.destroy()
  }
}
