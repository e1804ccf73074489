import { type Sample, sum } from '../../api/history.ts'
import * as format from '../../format.ts'

const [WIDTH, HEIGHT] = [600, 140]
/** Samples in the picture. */
const SHOWN = 150

/** Bytes a second to clients, look by look. */
export function ThroughputChart({ samples }: { readonly samples: readonly Sample[] }) {
  const rates = samples.slice(-SHOWN).map(({ bytes, span }) => sum(bytes) / span)
  const last = samples.at(-1)
  const top = Math.max(1024, ...rates)
  const x = (at: number) => WIDTH - ((rates.length - 1 - at) * WIDTH) / (SHOWN - 1)
  const points = rates.map((rate, at) => `${x(at).toFixed(1)},${(HEIGHT - 1 - (rate / top) * (HEIGHT - 8)).toFixed(1)}`)
  const answers = last ? sum(last.requests) / last.span : 0
  return (
    <figure class="card chart">
      <figcaption>
        <h2>Throughput</h2>
        <p>
          <strong>{format.bytes(rates.at(-1) ?? 0)}/s</strong> and {answers.toFixed(answers < 10 ? 1 : 0)} answers a second now;
          the top of the chart is {format.bytes(top)}/s.
        </p>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label="Bytes a second to clients, over the last five minutes">
        <line class="axis" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {points.length > 1 && <polygon class="area" points={`${x(0)},${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`} />}
        {points.length > 1 && <polyline class="line" points={points.join(' ')} />}
      </svg>
    </figure>
  )
}
