import type { Source } from './cache/cache.ts'
import type { ErrorCode, WarrenError } from './errors.ts'
import { Latencies } from './latency.ts'

const SOURCES = ['local', 'flight', 'peer', 'seed', 'upstream', 'stale'] as const satisfies readonly Source[]

/** Of what is no artifact, such as the answer to a ping, the source is the node itself. */
export type AnswerSource = Source | 'fixed'

/** Upstream said no; the policy did; the request was wrong; upstream or this node is in trouble or busy; the client left. */
export type Refusal = 'negative' | 'denied' | 'wrong' | 'trouble' | 'left'

/** Answers and bytes by where they came from, since start. */
export interface Stats {
  readonly requests: Readonly<Record<Source | 'negative' | 'denied' | 'error', number>>
  readonly bytes: Readonly<Record<Source, number>>
  /** Bytes of these that upstream did not have to send to this node. */
  readonly saved: number
}

/** What was answered from one source. */
interface Served {
  requests: number
  /** Of body. */
  bytes: number
  /** Until the last byte was handed to the system. */
  readonly latencies: Latencies
}

/** What was answered to the clients of one protocol. */
export interface ProtocolStats {
  readonly served: Readonly<Record<AnswerSource, Served>>
  readonly refused: Readonly<Record<Refusal, number>>
}

/** Paths under no mirror belong to no protocol. */
const NO_PROTOCOL = 'none'

/** Counts what clients were answered. Nothing that a client can make up becomes a key. */
export class StatsCounter {
  readonly #protocols = new Map<string, { served: Record<AnswerSource, Served>; refused: Record<Refusal, number> }>()
  readonly #codes = new Map<ErrorCode, number>()

  /** @param protocol name of one that is built in; @param ms from the head of the request to the last byte of the answer */
  served(protocol: string, source: AnswerSource, bytes: number, ms: number): void {
    const sum = this.#of(protocol).served[source]
    sum.requests++
    sum.bytes += bytes
    sum.latencies.add(ms)
  }

  refused(protocol: string | undefined, error: WarrenError): void {
    this.#of(protocol ?? NO_PROTOCOL).refused[refusalOf(error)]++
    this.#codes.set(error.code, (this.#codes.get(error.code) ?? 0) + 1)
  }

  left(protocol: string | undefined): void {
    this.#of(protocol ?? NO_PROTOCOL).refused.left++
  }

  get protocols(): ReadonlyMap<string, ProtocolStats> {
    return this.#protocols
  }

  /** Refusals by the code of the error. */
  get codes(): ReadonlyMap<ErrorCode, number> {
    return this.#codes
  }

  snapshot(): Stats {
    const requests = { ...zeros(), negative: 0, denied: 0, error: 0 }
    const bytes = zeros()
    for (const { served, refused } of this.#protocols.values()) {
      for (const source of SOURCES) {
        requests[source] += served[source].requests
        bytes[source] += served[source].bytes
      }
      requests.negative += refused.negative
      requests.denied += refused.denied
      requests.error += refused.wrong + refused.trouble
    }
    const all = Object.values(bytes).reduce((sum, one) => sum + one, 0)
    return { requests, bytes, saved: all - bytes.upstream }
  }

  #of(protocol: string) {
    const known = this.#protocols.get(protocol)
    if (known) return known
    const served = Object.fromEntries([...SOURCES, 'fixed'].map((source) => [source, nothing()])) as Record<
      AnswerSource,
      Served
    >
    const made = { served, refused: { negative: 0, denied: 0, wrong: 0, trouble: 0, left: 0 } }
    this.#protocols.set(protocol, made)
    return made
  }
}

function refusalOf({ code, status }: WarrenError): Refusal {
  if (code === 'UPSTREAM_ABSENT' || code === 'UPSTREAM_GONE') return 'negative'
  if (code === 'POLICY_DENIED') return 'denied'
  return status >= 500 || status === 429 ? 'trouble' : 'wrong'
}

function nothing(): Served {
  return { requests: 0, bytes: 0, latencies: new Latencies() }
}

function zeros(): Record<Source, number> {
  return Object.fromEntries(SOURCES.map((source) => [source, 0])) as Record<Source, number>
}
