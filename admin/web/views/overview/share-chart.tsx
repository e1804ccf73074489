import { type Sample, SOURCES, sum } from '../../api/history.ts'
import * as format from '../../format.ts'

const [WIDTH, HEIGHT] = [600, 140]
/** Looks that are drawn as one column: 10 s, so that single answers do not flicker. */
const GROUP = 5
const COLUMNS = 60

/** Where answers came from over the time that the page is open: a column for every ten seconds, empty where nothing was asked for. */
export function ShareChart({ samples }: { readonly samples: readonly Sample[] }) {
  const columns = groups(samples)
  const all = columns.flat()
  const total = all.reduce((count, { requests }) => count + sum(requests), 0)
  const fromUpstream = all.reduce((count, { requests }) => count + requests.upstream, 0)
  const width = WIDTH / COLUMNS
  return (
    <figure class="card chart">
      <figcaption>
        <h2>Where answers come from</h2>
        <p>
          {total === 0
            ? 'Nothing has been asked for since this page was opened.'
            : `${format.number(total)} answers since this page was opened, ${format.percent(total - fromUpstream, total)} without upstream.`}
        </p>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label="Share of answers by source, over the last ten minutes">
        <line class="axis" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {columns.map((column, at) => {
          const counts = SOURCES.map((source) => column.reduce((count, { requests }) => count + requests[source], 0))
          const whole = counts.reduce((a, b) => a + b, 0)
          let top = HEIGHT
          return counts.map((count, source) => {
            const height = whole === 0 ? 0 : (HEIGHT * count) / whole
            top -= height
            const x = WIDTH - (columns.length - at) * width
            return height === 0 ? null : (
              <rect
                key={`${at}-${source}`}
                class={`source-${SOURCES[source]}`}
                x={x}
                y={top}
                width={width - 1}
                height={height}
              />
            )
          })
        })}
      </svg>
      <ul class="legend">
        {SOURCES.map((source) => (
          <li key={source}>
            <svg viewBox="0 0 10 10" aria-hidden="true">
              <rect class={`source-${source}`} width="10" height="10" />
            </svg>
            {source}
          </li>
        ))}
      </ul>
    </figure>
  )
}

/** Cut by time and not by count, so that columns do not change while new ones come. */
function groups(samples: readonly Sample[]): Sample[][] {
  const by = new Map<number, Sample[]>()
  for (const sample of samples) {
    const slot = Math.floor(sample.at / (GROUP * 2_000))
    by.set(slot, [...(by.get(slot) ?? []), sample])
  }
  const last = Math.max(...by.keys())
  return by.size === 0
    ? []
    : Array.from({ length: Math.min(COLUMNS, last - Math.min(...by.keys()) + 1) }, (_, at) => by.get(last - at) ?? []).reverse()
}
