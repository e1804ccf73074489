import type { Source } from './cache/cache.ts'

const SOURCES = ['local', 'flight', 'peer', 'seed', 'upstream', 'stale'] as const satisfies readonly Source[]

/** Answers and bytes by where they came from, since start. */
export interface Stats {
  readonly requests: Readonly<Record<Source | 'negative' | 'error', number>>
  readonly bytes: Readonly<Record<Source, number>>
  /** Bytes of these that upstream did not have to send to this node. */
  readonly saved: number
}

export class StatsCounter {
  readonly #requests: Record<Source | 'negative' | 'error', number> = { ...zeros(), negative: 0, error: 0 }
  readonly #bytes: Record<Source, number> = zeros()

  served(source: Source, bytes: number): void {
    this.#requests[source]++
    this.#bytes[source] += bytes
  }

  refused(kind: 'negative' | 'error'): void {
    this.#requests[kind]++
  }

  snapshot(): Stats {
    const all = Object.values(this.#bytes).reduce((sum, bytes) => sum + bytes, 0)
    return { requests: { ...this.#requests }, bytes: { ...this.#bytes }, saved: all - this.#bytes.upstream }
  }
}

function zeros(): Record<Source, number> {
  return Object.fromEntries(SOURCES.map((source) => [source, 0])) as Record<Source, number>
}
