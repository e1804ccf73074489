import { bufferBody } from '../body.ts'
import { type Digest, formatDigest } from '../digest.ts'
import { isWarrenError } from '../errors.ts'
import type { NameRecord } from '../store/store.ts'
import type { Upstream, UpstreamResponse } from '../upstream/upstream.ts'
import { declaredSize, isTrouble, recordHeaders, refusal } from './answer.ts'
import type { Found } from './found.ts'
import { atUpstream, type Plan } from './plan.ts'

const EMPTY = Buffer.alloc(0)

/** Asks upstream about artifacts without having them sent. */
export class Heads {
  readonly #upstream: Upstream

  constructor(components: { upstream: Upstream }) {
    this.#upstream = components.upstream
  }

  /** Whether what a plan brings comes with credentials. */
  isPrivate(plan: Pick<Plan, 'base'>): boolean {
    return this.#upstream.isPrivate(plan.base)
  }

  /**
   * What upstream says of an artifact; undefined when only a GET can tell: some refuse every HEAD, and metadata may name another
   * place. Rejects with its «no», and with trouble as what it is.
   */
  async of(plan: Plan, signal: AbortSignal): Promise<Found | undefined> {
    const response = await this.ask(plan, signal)
    if (!response) return undefined
    if (response.status >= 300 && response.status < 400 && response.status !== 304) return this.#behind(plan, signal)
    const no = refusal(plan, response)
    if (no) {
      if (isTrouble(no) || no.code === 'UPSTREAM_DENIED' || (plan.expect && !plan.located)) return undefined
      throw no
    }
    return response.status === 200 ? told(plan, response.headers, declaredSize(response.headers)) : undefined
  }

  /** Its answer as it is, a redirect too; undefined where a server fails at HEAD: 501 is the status for that (RFC 9110 section 9.1). */
  async ask(plan: Plan, signal: AbortSignal): Promise<UpstreamResponse | undefined> {
    const { url, headers } = plan
    // Of the bytes that a GET would ask for.
    const plain = { ...headers, 'accept-encoding': 'identity' }
    try {
      const response = await this.#upstream.fetch(
        { method: 'HEAD', url, headers: plain, redirect: 'manual', ...atUpstream(plan) },
        signal,
      )
      response.destroy()
      return response
    } catch (error) {
      if (isWarrenError(error, 'UPSTREAM_FAILED')) return undefined
      throw error
    }
  }

  /**
   * The URL behind a redirect is often signed for GET alone, and refuses a HEAD: one byte is asked for instead, which tells the
   * length of the whole.
   */
  async #behind(plan: Plan, signal: AbortSignal): Promise<Found | undefined> {
    const { url, headers } = plan
    const oneByte = { ...headers, 'accept-encoding': 'identity', range: 'bytes=0-0' }
    const response = await this.#upstream.fetch({ method: 'GET', url, headers: oneByte, ...atUpstream(plan) }, signal)
    response.destroy()
    const [, total] = /^bytes 0-0\/(\d{1,15})$/.exec(response.headers['content-range'] ?? '') ?? []
    if (response.status === 206) return told(plan, response.headers, total === undefined ? undefined : Number(total))
    return response.status === 200 ? told(plan, response.headers, declaredSize(response.headers)) : undefined
  }
}

/** What a held document says of an artifact that may not be here itself. */
export function linked(plan: Plan, record: NameRecord): Found {
  const body = { ...bufferBody(EMPTY), size: record.size }
  return { source: 'local', headers: { ...plan.responseHeaders, ...record.headers }, body, digest: record.verified[0] }
}

function told(plan: Plan, headers: UpstreamResponse['headers'], size: number | undefined): Found {
  const body = { ...bufferBody(EMPTY), size }
  const digest = plan.digests?.length === 1 ? formatDigest(plan.digests[0] as Digest) : undefined
  return { source: 'upstream', headers: recordHeaders(plan, headers), body, digest }
}
