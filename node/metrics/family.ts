import type { Snapshot } from './snapshot.ts'

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels?: Labels
  readonly value: number
  /** What a series of a histogram is called behind the name of its family. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
}

/**
 * What is told under one name, read when it is asked for: nothing is counted twice. Values of labels come from lists that are in the
 * code or in the settings of this node, never from a client, a member or an upstream: each makes a series, for good.
 */
export interface Family {
  /** By the rules of Prometheus: base units, `_total` behind what only grows. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels?: readonly string[]
  read(snapshot: Snapshot): readonly Sample[]
}

/** A family of one series; none while its value is unknown. */
export function single(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: (snapshot: Snapshot) => number | boolean | null | undefined,
): Family {
  return {
    name,
    help,
    type,
    read: (snapshot) => {
      const known = value(snapshot)
      return known === null || known === undefined ? [] : [{ value: Number(known) }]
    },
  }
}

/** Prometheus counts in seconds. */
export function seconds(ms: number): number {
  return ms / 1_000
}
