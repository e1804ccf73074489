import { SOURCES, sum } from '../../api/history.ts'
import type { Told } from '../../api/use-status.ts'
import * as format from '../../format.ts'

const MEANING = {
  local: 'kept here',
  flight: 'joined a fetch under way',
  peer: 'from a member',
  seed: 'from a seed',
  upstream: 'from the registry',
  stale: 'kept here, upstream being away',
} as const

/** Counts since the node started, which the charts do not show. */
export function SourceTable({ counts: { requests, bytes } }: { readonly counts: Told }) {
  const all = sum(requests)
  return (
    <section class="card">
      <h2>Since the node started</h2>
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col" class="amount">
              Answers
            </th>
            <th scope="col" class="amount">
              Share
            </th>
            <th scope="col" class="amount">
              Bytes
            </th>
          </tr>
        </thead>
        <tbody>
          {SOURCES.map((source) => (
            <tr key={source}>
              <th scope="row">
                {source} <span class="muted">{MEANING[source]}</span>
              </th>
              <td data-label="Answers" class="amount">
                {format.number(requests[source])}
              </td>
              <td data-label="Share" class="amount">
                {format.percent(requests[source], all)}
              </td>
              <td data-label="Bytes" class="amount">
                {format.bytes(bytes[source])}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted">
        Besides: {format.number(requests.negative)} that upstream does not have, {format.number(requests.denied)} denied by the
        policy, {format.number(requests.error)} errors.
      </p>
    </section>
  )
}
