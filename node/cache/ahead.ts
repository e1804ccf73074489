import type { Body } from '../body.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { collect } from './document-body.ts'
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
  /** One is held from the question until the body is closed: each has its bytes in memory. */
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
    // Of upstream itself, since nothing of it is checked: without the key no seed is asked.
    const { key: _, ...place } = atUpstream(plan)
    const response = await upstream.fetch({ method: 'GET', url, headers, range, ...place }, signal)
    try {
      if (response.status === 206 && response.headers['content-range'] === `bytes ${start}-${end}/${size}`) {
        // At once: a client that does not read must not hold one of the few places at upstream, or a handful would stop all others.
        const bytes = await collect(response, end - start + 1, plan.brought)
        if (bytes.length === end - start + 1) return bodyFrom(start, bytes, size, leave)
      }
    } finally {
      response.destroy()
    }
  } catch {
    // It comes with the rest.
  }
  leave()
  return undefined
}

/** Bytes of an artifact from `start` on, in memory. Closing it is the last that is heard of them. */
function bodyFrom(start: number, bytes: Buffer, size: number, close: () => void): Body {
  return {
    size,
    read(position, max) {
      const at = position - start
      if (at < 0) throw new Error(`bytes from ${position} on were asked for, which are before ${start}`)
      return bytes.subarray(at, at + max)
    },
    close,
  }
}
