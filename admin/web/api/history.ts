import type { Counts, Status } from '../../api/status-schema.ts'

export const SOURCES = ['local', 'flight', 'peer', 'seed', 'upstream', 'stale'] as const
export type Source = (typeof SOURCES)[number]

/** What happened between two looks. */
export interface Sample {
  /** Ms since the epoch, at its end. */
  readonly at: number
  /** In s. */
  readonly span: number
  readonly requests: Readonly<Record<Source, number>>
  readonly bytes: Readonly<Record<Source, number>>
}

/** Looks that are kept: ten minutes of one every 2 s. */
const KEPT = 300

type Counted = Pick<Status | Counts, 'requests' | 'bytes' | 'node'>

/** What the page has seen of a node since it was opened; the node itself keeps counts only. */
export class History {
  #samples: readonly Sample[] = []
  #last: { readonly at: number; readonly counts: Counted } | undefined

  get samples(): readonly Sample[] {
    return this.#samples
  }

  add(counts: Counted, at: number): void {
    const last = this.#last
    this.#last = { at, counts }
    // A restart begins to count anew.
    if (!last || last.counts.node.startedAt !== counts.node.startedAt || at <= last.at) return
    const since = (kind: 'requests' | 'bytes') =>
      Object.fromEntries(
        SOURCES.map((source) => [source, Math.max(0, counts[kind][source] - last.counts[kind][source])]),
      ) as Sample['requests']
    const sample = { at, span: (at - last.at) / 1000, requests: since('requests'), bytes: since('bytes') }
    this.#samples = [...this.#samples, sample].slice(-KEPT)
  }
}

export function sum(counts: Readonly<Record<Source, number>>): number {
  return SOURCES.reduce((all, source) => all + counts[source], 0)
}
