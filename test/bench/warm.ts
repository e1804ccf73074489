import type { Bench } from './bench.ts'
import type { Figure, Goal } from './figures.ts'
import { type Contender, figuresOf, type Load, type Wrk } from './load.ts'

/** A contender that is asked for what it has, and how often its own upstream was asked so far; not set where it has none. */
interface Side extends Contender {
  readonly asked?: () => number
}

type Sides = Readonly<Record<string, Side>> & { readonly warren: Side }

export interface WarmWork {
  readonly row: string
  readonly work: string
  readonly load: Omit<Load, 'paths'>
  readonly goals: Readonly<Record<string, Goal>>
  /** Whether the same stays right for ever, so that nobody has to ask upstream about it. */
  readonly isFixed: boolean
}

/** Measures all sides in turn, and reports how they compare and what their upstreams were asked meanwhile. */
export async function compareWarm(bench: Bench, wrk: Wrk, warm: WarmWork, sides: Sides): Promise<void> {
  const { row, work, load, goals } = warm
  const before = askedOf(sides)
  const measured = await wrk.compare(bench, sides, load)
  const after = askedOf(sides)
  for (const figure of figuresOf({ row, work, unit: 'requests/s' }, measured, goals)) bench.report(figure)
  bench.report(upstreamFigure(warm, differences(before, after)))
}

/** Requests at upstream from the warm-up to the last round. @param asked by the name of the side, those with an upstream only */
export function upstreamFigure({ row, work, isFixed }: WarmWork, asked: ReadonlyMap<string, number>): Figure {
  const [rival] = [...asked].filter(([name]) => name !== 'warren')
  const own = asked.get('warren')
  if (own === undefined) throw new RangeError(`nobody counted what Warren's upstream was asked for: ${work}`)
  return {
    row,
    work: `${work}: requests at upstream`,
    unit: 'requests',
    warren: [own],
    ...(rival ? { rival: { name: rival[0], values: [rival[1]] } } : {}),
    compared: 'value',
    ...(isFixed ? { goal: { atMost: 0 } } : {}),
  }
}

function askedOf(sides: Sides): Map<string, number> {
  return new Map(Object.entries(sides).flatMap(([name, { asked }]) => (asked ? [[name, asked()] as const] : [])))
}

function differences(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Map<string, number> {
  return new Map(Array.from(after, ([name, count]) => [name, count - (before.get(name) ?? 0)]))
}
