import { compare, type Figure, type Goal, reached, type Skipped, summarize, type Unit } from './figures.ts'

export interface Outcome {
  readonly machine: Readonly<Record<string, string | number>>
  readonly rounds: number
  /** Tiny sizes, to prove that it runs: its figures mean nothing, and nothing is said to be reached. */
  readonly smoke: boolean
  readonly figures: readonly Figure[]
  readonly skipped: readonly Skipped[]
}

const TITLES = ['#', 'work', 'Warren', 'rival', 'compared', 'min–max', 'goal', 'reached', 'cores busy']
/** Columns of numbers, which line up at their right end. */
const RIGHT = new Set([2, 4, 5, 6])

/** Text for people: medians over all rounds. */
export function formatTable(outcome: Outcome): string {
  const lines = [TITLES, ...outcome.figures.map((figure) => cells(figure, outcome.smoke))]
  const widths = TITLES.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const rows = lines.map((line) =>
    line
      .map((cell, column) => (RIGHT.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  rows.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '))
  const skipped = outcome.skipped.map(({ row, what, why }) => `skipped: ${row} ${what}: ${why}`)
  return [...rows, ...skipped].join('\n')
}

/** Everything that was measured, for programs. */
export function formatJson(outcome: Outcome): string {
  const figures = outcome.figures.map((figure) => ({
    ...figure,
    warren: { ...summarize(figure.warren), rounds: figure.warren },
    ...(figure.rival && { rival: { name: figure.rival.name, ...summarize(figure.rival.values), rounds: figure.rival.values } }),
    compared: { by: figure.compared, ...compare(figure) },
    ...(outcome.smoke ? {} : { reached: reached(figure) }),
  }))
  return JSON.stringify({ ...outcome, figures }, null, 2)
}

/** One line a figure, for those who watch. */
export function formatFigure(figure: Figure): string {
  const { median, least, most } = compare(figure)
  const [value, low, high] = [median, least, most].map((one) => formatCompared(one, figure))
  return `${figure.row}  ${figure.work}: ${format(summarize(figure.warren).median, figure.unit)}, compared ${value} (${low}–${high})`
}

function cells(figure: Figure, smoke: boolean): string[] {
  const { rival, unit, goal, busy } = figure
  const { median, least, most } = compare(figure)
  const [low, high] = [formatCompared(least, figure), formatCompared(most, figure)]
  const verdict = reached(figure)
  return [
    figure.row,
    figure.work,
    format(summarize(figure.warren).median, unit),
    rival ? `${rival.name} ${format(summarize(rival.values).median, unit)}` : '–',
    formatCompared(median, figure),
    `${low}–${high}`,
    goal ? formatGoal(goal, figure) : '–',
    smoke || verdict === undefined ? '–' : verdict ? 'yes' : 'no',
    busy ? `${summarize(busy.warren).median.toFixed(2)} / ${summarize(busy.rival).median.toFixed(2)}` : '',
  ]
}

function formatGoal(goal: Goal, figure: Figure): string {
  return goal.atLeast === undefined
    ? `≤ ${formatCompared(goal.atMost ?? 0, figure)}`
    : `≥ ${formatCompared(goal.atLeast, figure)}`
}

function formatCompared(value: number, { compared, unit }: Figure): string {
  if (compared === 'ratio') return `${value.toFixed(value < 10 ? 2 : 1)}×`
  return compared === 'difference' && value > 0 ? `+${format(value, unit)}` : format(value, unit)
}

function format(value: number, unit: Unit): string {
  switch (unit) {
    case 'requests/s':
      return `${value.toFixed(value < 100 ? 1 : 0)}/s`
    case 'bytes/s':
      return `${(value / 1e6).toFixed(value < 1e8 ? 1 : 0)} MB/s`
    case 'CPU s/GiB':
      return `${value.toFixed(2)} s/GiB`
    case 'CPU s':
      return `${value.toFixed(2)} s`
    case 'ms':
      return value < 10_000 ? `${value.toFixed(2)} ms` : `${(value / 1000).toFixed(1)} s`
    case 'bytes':
      return `${(value / 1e6).toFixed(1)} MB`
    case 'requests':
      return String(Number(value.toFixed(2)))
    case 'share':
      return `${(value * 100).toFixed(1)} %`
  }
}
