import { LATENCY_BOUNDS } from '../latency.ts'
import type { AnswerSource, ProtocolStats, Refusal } from '../stats.ts'
import { type Family, type Labels, type Sample, seconds, single } from './family.ts'
import type { Snapshot } from './snapshot.ts'

/** What clients were answered. */
export const answerFamilies: readonly Family[] = [
  {
    name: 'warren_requests_total',
    help: 'Requests of clients by protocol, where the answer came from, and outcome.',
    type: 'counter',
    labels: ['protocol', 'source', 'outcome'],
    read: (snapshot) => [
      ...served(snapshot, ({ requests }, labels) => [{ labels: { ...labels, outcome: 'served' }, value: requests }]),
      ...[...snapshot.stats.protocols].flatMap(([protocol, { refused }]) =>
        Object.entries(refused).map(([outcome, value]: [string, number]) => ({
          labels: { protocol, source: 'none', outcome: outcome satisfies Refusal | string },
          value,
        })),
      ),
    ],
  },
  {
    name: 'warren_response_bytes_total',
    help: 'Bytes of body that went to clients, by protocol and where they came from.',
    type: 'counter',
    labels: ['protocol', 'source'],
    read: (snapshot) => served(snapshot, ({ bytes }, labels) => [{ labels, value: bytes }]),
  },
  {
    name: 'warren_request_duration_seconds',
    help: 'Time from the head of a request to the last byte of its answer, a slow client included.',
    type: 'histogram',
    labels: ['protocol', 'source'],
    read: (snapshot) => served(snapshot, ({ latencies }, labels) => histogram(latencies, labels)),
  },
  {
    name: 'warren_refusals_total',
    help: 'Requests of clients that were answered with an error, by its code.',
    type: 'counter',
    labels: ['code'],
    read: ({ stats }) => [...stats.codes].map(([code, value]) => ({ labels: { code }, value })),
  },
  single(
    'counter',
    'warren_saved_bytes_total',
    'Bytes to clients that upstream did not have to send to this node.',
    (snapshot) => {
      return snapshot.stats.snapshot().saved
    },
  ),
  single('gauge', 'warren_flights', 'Artifacts that are being fetched.', ({ flights }) => flights),
  single('gauge', 'warren_connections', 'Open connections of clients.', ({ connections }) => connections),
]

type Served = ProtocolStats['served'][AnswerSource]

/** Series appear with their first request: most nodes never see most of them. */
function served({ stats }: Snapshot, read: (one: Served, labels: Labels) => Sample[]): Sample[] {
  return [...stats.protocols].flatMap(([protocol, { served }]) =>
    Object.entries(served).flatMap(([source, one]) => (one.requests === 0 ? [] : read(one, { protocol, source }))),
  )
}

function histogram({ counts, sum }: Served['latencies'], labels: Labels): Sample[] {
  let below = 0
  const buckets = [...LATENCY_BOUNDS.map((bound) => String(seconds(bound))), '+Inf'].map((le, at): Sample => {
    below += counts[at] ?? 0
    return { labels: { ...labels, le }, value: below, suffix: '_bucket' }
  })
  return [...buckets, { labels, value: seconds(sum), suffix: '_sum' }, { labels, value: below, suffix: '_count' }]
}
