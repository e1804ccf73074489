import type { IncomingHttpHeaders } from 'node:http'

export interface LoggedRequest {
  readonly method: string
  /** As it was on the wire. */
  readonly target: string
  /** Canonical: percent escapes decoded once. */
  readonly path: string
  readonly kind: string
  /** Lower-case names: `via`, `authorization`, `range` and all others. */
  readonly headers: IncomingHttpHeaders
  /** Number of the connection that it came over, from 1. */
  readonly connection: number
  /** Status that was answered; undefined while there is none. */
  status?: number
  /** Body bytes sent so far. */
  bytes: number
}

export interface Count {
  requests: number
  bytes: number
}

/** Different paths that are counted each for itself; a storm of random names then only shows in the sums. */
const MAX_PATHS = 100_000

/** Counts requests and body bytes, by path and by kind, and remembers the last requests. */
export class Tally {
  readonly #capacity: number
  readonly #kinds = new Map<string, Count>()
  readonly #paths = new Map<string, Count>()
  #total: Count = { requests: 0, bytes: 0 }
  #log: LoggedRequest[] = []
  #inFlight = 0
  #peak = 0

  /** @param capacity requests in the log; older ones fall out */
  constructor(capacity = 10_000) {
    this.#capacity = capacity
  }

  /** All requests. */
  get total(): Readonly<Count> {
    return this.#total
  }

  /** Requests that are being answered now. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** The most requests that were being answered at once. */
  get peak(): number {
    return this.#peak
  }

  /** The last requests, oldest first. */
  get log(): readonly LoggedRequest[] {
    return this.#log
  }

  kind(name: string): Readonly<Count> {
    return this.#kinds.get(name) ?? { requests: 0, bytes: 0 }
  }

  path(path: string): Readonly<Count> {
    return this.#paths.get(path) ?? { requests: 0, bytes: 0 }
  }

  /** Paths that were asked for, with their counts. */
  paths(): ReadonlyMap<string, Readonly<Count>> {
    return this.#paths
  }

  /** Forgets everything but the requests under way. */
  reset(): void {
    this.#kinds.clear()
    this.#paths.clear()
    this.#total = { requests: 0, bytes: 0 }
    this.#log = []
    this.#peak = this.#inFlight
  }

  began(request: LoggedRequest): void {
    this.#peak = Math.max(this.#peak, ++this.#inFlight)
    this.#add(request, 1, 0)
    this.#log.push(request)
    // In blocks, so that a full log does not move all its entries for every request.
    if (this.#log.length >= this.#capacity * 2) this.#log = this.#log.slice(-this.#capacity)
  }

  sent(request: LoggedRequest, bytes: number): void {
    request.bytes += bytes
    this.#add(request, 0, bytes)
  }

  ended(): void {
    this.#inFlight--
  }

  #add(request: LoggedRequest, requests: number, bytes: number): void {
    for (const count of [this.#total, entry(this.#kinds, request.kind), entry(this.#paths, request.path, MAX_PATHS)]) {
      if (!count) continue
      count.requests += requests
      count.bytes += bytes
    }
  }
}

function entry(counts: Map<string, Count>, key: string, most = Infinity): Count | undefined {
  let count = counts.get(key)
  if (!count && counts.size < most) {
    count = { requests: 0, bytes: 0 }
    counts.set(key, count)
  }
  return count
}
