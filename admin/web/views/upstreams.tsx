import type { Status } from '../../api/status-schema.ts'
import type { NodeView } from '../api/use-status.ts'
import * as format from '../format.ts'
import { type Health, HealthBadge } from '../parts/health.tsx'

type Upstream = Status['upstream'][number]

const STATES: Readonly<Record<Upstream['state'], { health: Health; text: string }>> = {
  closed: { health: 'good', text: 'works' },
  'half-open': { health: 'warn', text: 'being tried again' },
  open: { health: 'bad', text: 'fails' },
  frozen: { health: 'warn', text: 'has asked to wait' },
}

/** Registries that this node has asked since it started, and how they answer. */
export function Upstreams({ node: { value } }: { readonly node: NodeView }) {
  const upstream = value?.upstream ?? []
  if (upstream.length === 0) return <p>No upstream has been asked for anything since the node started.</p>
  return (
    <section class="card">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Upstream</th>
            <th scope="col">State</th>
            <th scope="col">Under way</th>
            <th scope="col">Asked</th>
            <th scope="col">Failed</th>
            <th scope="col">Still grants</th>
            <th scope="col">Last error</th>
          </tr>
        </thead>
        <tbody>
          {upstream.map((one) => (
            <tr key={one.origin}>
              <th scope="row">{one.origin}</th>
              <td data-label="State">
                <HealthBadge {...STATES[one.state]} />
                {one.state !== 'closed' && one.until > Date.now() && ` for ${format.span(one.until - Date.now())} more`}
              </td>
              <td data-label="Under way">
                {one.inFlight}
                {one.queued > 0 && `, ${one.queued} waiting`}
              </td>
              <td data-label="Asked">{format.number(one.requests)}</td>
              <td data-label="Failed">
                {format.number(one.failures)}
                {(one.failedInRow ?? 0) > 0 && `, the last ${one.failedInRow}`}
              </td>
              <td data-label="Still grants">{one.budget ? <Budget budget={one.budget} /> : 'no limit told'}</td>
              <td data-label="Last error">{one.lastError ?? 'none'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Budget({ budget }: { readonly budget: NonNullable<Upstream['budget']> }) {
  const { limit, remaining, window, isLow, at } = budget
  return (
    <>
      <span class={isLow ? 'badge warn' : ''}>
        {isLow && <span aria-hidden="true">▲ </span>}
        {format.number(remaining)} of {format.number(limit)}
      </span>{' '}
      in {format.span(window * 1000)}
      <progress max={limit} value={remaining} aria-label="Remaining requests" />
      <span class="muted">told {format.ago(at)}</span>
    </>
  )
}
