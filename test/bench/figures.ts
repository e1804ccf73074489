/** What a number counts. `CPU s/GiB`, `CPU s` and `requests` are costs: less is better. */
export type Unit = 'requests/s' | 'bytes/s' | 'CPU s/GiB' | 'CPU s' | 'ms' | 'bytes' | 'requests' | 'share'

/** One of the two is set. */
export interface Goal {
  readonly atLeast?: number
  readonly atMost?: number
}

/** One line of the report: the values of all rounds, and what they are held against. */
export interface Figure {
  /** Number of the row, e.g. `1a`. */
  readonly row: string
  readonly work: string
  readonly unit: Unit
  readonly warren: readonly number[]
  readonly rival?: { readonly name: string; readonly values: readonly number[] }
  /** What is compared with the goal: Warren's value over the rival's, minus the rival's, or alone. */
  readonly compared: 'ratio' | 'difference' | 'value'
  readonly goal?: Goal
  /** Part of a core that each server kept busy while it was measured: a server well below 1 waited for its client. */
  readonly busy?: { readonly warren: readonly number[]; readonly rival: readonly number[] }
}

/** A rival or a whole row that was not measured. */
export interface Skipped {
  readonly row: string
  readonly what: string
  readonly why: string
}

export interface Summary {
  /** Median over the rounds. */
  readonly median: number
  readonly least: number
  readonly most: number
}

export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const [least, most] = [sorted[0], sorted.at(-1)]
  if (least === undefined || most === undefined) throw new RangeError('there is no median of nothing')
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? least
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
  return { median, least, most }
}

/** Warren against its rival, round by round: drift of the machine hits both halves of a pair alike. */
export function compare({ warren, rival, compared }: Figure): Summary {
  if (compared === 'value') return summarize(warren)
  return summarize(
    warren.map((value, round) => {
      const other = rival?.values[round]
      if (other === undefined) throw new RangeError(`round ${round} has no value of the rival`)
      return compared === 'ratio' ? value / other : value - other
    }),
  )
}

/** Undefined for a figure without a goal. */
export function reached(figure: Figure): boolean | undefined {
  const { median } = compare(figure)
  const { atLeast, atMost } = figure.goal ?? {}
  if (atLeast !== undefined) return median >= atLeast
  return atMost === undefined ? undefined : median <= atMost
}
