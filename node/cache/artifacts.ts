import { bufferBody } from '../body.ts'
import { type Digest, formatDigest, parseDigest } from '../digest.ts'
import { isWarrenError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import { abortable } from '../upstream/abortable.ts'
import type { UpstreamResponse } from '../upstream/upstream.ts'
import { declaredSize, isTrouble, recordHeaders, refusal } from './answer.ts'
import type { CacheEvents } from './cache-events.ts'
import { Expecting } from './expecting.ts'
import { Flight } from './flight.ts'
import type { Found, GetOptions } from './found.ts'
import type { NegativeCache } from './negative.ts'
import type { Lookup, Plan } from './plan.ts'
import type { SourceComponents } from './sources.ts'

export interface ArtifactsComponents extends SourceComponents {
  readonly store: Store
  readonly events: CacheEvents
  readonly negative: NegativeCache
  readonly lookup: Lookup
}

const EMPTY = Buffer.alloc(0)

/** Artifacts that the store does not have: one flight for each, which everybody who asks takes part in. */
export class Artifacts {
  readonly #components: ArtifactsComponents
  readonly #latest = new Map<string, Flight>()
  /** Also those that nobody can join any more. */
  readonly #flights = new Set<Flight>()
  readonly #closing = new AbortController()

  constructor(components: ArtifactsComponents) {
    this.#components = components
  }

  get flights(): number {
    return this.#flights.size
  }

  /** Rejects with upstream's «no», and with trouble as what it is. */
  async get(plan: Plan, options: GetOptions): Promise<Found> {
    const flight = this.#latest.get(plan.key)
    if (flight?.joinable) return this.#board(flight, options.signal, true)
    this.#refuse(plan)
    if (!options.head) return this.#board(this.#takeOff(plan), options.signal, false)
    return (await this.head(plan, options.signal)) ?? this.get(plan, { signal: options.signal })
  }

  /**
   * What upstream says of an artifact without sending it; undefined when only a GET can tell: some refuse every HEAD, and
   * metadata may name another place.
   */
  async head(plan: Plan, signal: AbortSignal): Promise<Found | undefined> {
    this.#refuse(plan)
    const response = await this.#ask(plan, signal)
    if (!response) return undefined
    const no = refusal(plan, response)
    if (no) {
      if (isTrouble(no) || no.code === 'UPSTREAM_DENIED' || plan.expect) return undefined
      this.#components.negative.add(plan, no)
      throw no
    }
    if (response.status !== 200) return undefined
    const body = { ...bufferBody(EMPTY), size: declaredSize(response.headers) }
    const digest = plan.digests?.length === 1 ? formatDigest(plan.digests[0] as Digest) : undefined
    return { source: 'upstream', headers: recordHeaders(plan, response.headers), body, digest }
  }

  /** Breaks every flight off; readers get `reason`. */
  async close(reason: unknown): Promise<void> {
    this.#closing.abort(reason)
    const flights = [...this.#flights]
    for (const flight of flights) flight.cancel(reason)
    await Promise.all(flights.map(({ done }) => done))
  }

  #refuse(plan: Plan): void {
    this.#closing.signal.throwIfAborted()
    const no = this.#components.negative.get(plan)
    if (no) throw no
  }

  /** Undefined where a server fails at HEAD; 501 is the status for that (RFC 9110 section 9.1). */
  async #ask({ url, base, headers }: Plan, signal: AbortSignal): Promise<UpstreamResponse | undefined> {
    // Of the bytes that a GET would ask for.
    const plain = { ...headers, 'accept-encoding': 'identity' }
    try {
      const response = await this.#components.upstream.fetch({ method: 'HEAD', url, base, headers: plain }, signal)
      response.destroy()
      return response
    } catch (error) {
      if (isWarrenError(error, 'UPSTREAM_FAILED')) return undefined
      throw error
    }
  }

  async #board(flight: Flight, signal: AbortSignal, joined: boolean): Promise<Found> {
    const body = flight.attach()
    try {
      const { headers, kind } = await abortable(flight.head, signal)
      return { source: joined ? 'flight' : kind, headers, body, digest: flight.digest }
    } catch (error) {
      body.close()
      throw error
    }
  }

  #takeOff(plan: Plan): Flight {
    const { negative, lookup, mesh } = this.#components
    const expecting = new Expecting(plan, lookup, this.#closing.signal)
    const flight = new Flight({ ...this.#components, expecting }, plan)
    this.#latest.set(plan.key, flight)
    this.#flights.add(flight)
    flight.head.then(
      () => negative.delete(plan.key),
      (error: unknown) => negative.add(plan, error),
    )
    void flight.done.then((record) => {
      this.#flights.delete(flight)
      if (this.#latest.get(plan.key) === flight) this.#latest.delete(plan.key)
      if (record && record.verified.length > 0) mesh.announce(record.verified.flatMap((text) => parseDigest(text) ?? []))
    })
    return flight
  }
}
