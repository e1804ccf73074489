import { type Family, type Sample, seconds, single } from './family.ts'
import type { Snapshot } from './snapshot.ts'

const ROLES = ['member', 'seed'] as const
const PEER_STATES = ['connected', 'away', 'quarantined'] as const
const INVENTORY_STATES = ['fresh', 'stale', 'ignored', 'none'] as const

/** How a node stands in its mesh. Of no mesh there are only the first of them. */
export const meshFamilies: readonly Family[] = [
  single('gauge', 'warren_mesh_joined', 'Whether this node is in a mesh.', ({ mesh }) => mesh.id !== null),
  {
    name: 'warren_mesh_peers',
    help: 'Other members that are known, by role and state.',
    type: 'gauge',
    labels: ['role', 'state'],
    read: ({ peers }) =>
      ROLES.flatMap((role) =>
        PEER_STATES.map((state) => ({
          labels: { role, state },
          value: peers.filter((peer) => peer.role === role && stateOf(peer) === state).length,
        })),
      ),
  },
  {
    name: 'warren_mesh_inventories',
    help: 'Connected members by what they told that they have.',
    type: 'gauge',
    labels: ['state'],
    read: ({ peers }) =>
      INVENTORY_STATES.map((state) => ({
        labels: { state },
        value: peers.filter(({ connected, inventory }) => connected && (inventory?.state ?? 'none') === state).length,
      })),
  },
  {
    name: 'warren_mesh_bytes_total',
    help: 'Bytes of blobs from and to members.',
    type: 'counter',
    labels: ['direction'],
    read: ({ mesh }) => [
      { labels: { direction: 'in' }, value: mesh.bytesIn },
      { labels: { direction: 'out' }, value: mesh.bytesOut },
    ],
  },
  single('gauge', 'warren_mesh_reader_only', 'Whether no member can fetch blobs from this node.', ({ mesh }) =>
    mesh.id === null ? null : mesh.readerOnly,
  ),
  single('gauge', 'warren_mesh_is_seed', 'Whether this node is a seed.', ({ mesh }) =>
    mesh.role === null ? null : mesh.role === 'seed',
  ),
  single('gauge', 'warren_mesh_certificate_end_timestamp_seconds', "When this node's certificate ends.", ({ mesh }) =>
    mesh.notAfter === null ? null : seconds(mesh.notAfter),
  ),
  {
    name: 'warren_router_lookups_total',
    help: 'Look-ups of blobs at members, by who was asked (inventory, guess, dht) and what came of it.',
    type: 'counter',
    labels: ['way', 'outcome'],
    read: ({ mesh: { router } }) =>
      router ? [...counts('inventory', router.inventory), ...counts('guess', router.guess), ...counts('dht', router.dht)] : [],
  },
  single('gauge', 'warren_router_covers_all', 'Whether all known members have told what they have.', ({ mesh }) =>
    mesh.router ? mesh.router.coversAll : null,
  ),
  single('gauge', 'warren_ledger_ops', 'Ops that every node of the mesh has to have.', ({ ledger }) => ledger?.ops),
  single('gauge', 'warren_ledger_confirmed', 'Whether a seed says that these are all ops.', ({ ledger }) => ledger?.confirmed),
  {
    name: 'warren_ledger_lagging_members',
    help: 'Members that have not put all ops into effect: connected ones, and those that were seen within a day.',
    type: 'gauge',
    labels: ['state'],
    read: ({ lag }) =>
      lag
        ? [
            { labels: { state: 'connected' }, value: lag.connected },
            { labels: { state: 'away' }, value: lag.away },
          ]
        : [],
  },
  single('gauge', 'warren_ledger_lag_seconds', 'Since the oldest op was issued that a connected member lacks.', ({ lag }) =>
    lag ? seconds(lag.ms) : null,
  ),
  {
    name: 'warren_member_requests_total',
    help: 'Requests of members over the data plane, by what they asked and the class of the answer.',
    type: 'counter',
    labels: ['service', 'status'],
    read: ({ member }) => member.all.map(({ service, status, count }) => ({ labels: { service, status }, value: count })),
  },
  single('gauge', 'warren_clock_ahead_seconds', 'How far the clock is ahead of the median of other members.', ({ ledger }) =>
    ledger?.clockAhead === undefined ? null : seconds(ledger.clockAhead),
  ),
  {
    name: 'warren_pins',
    help: 'Pins that a seed has, by whether they are on all the seeds that they belong to.',
    type: 'gauge',
    labels: ['state'],
    read: ({ pins }) =>
      pins?.counted
        ? [
            { labels: { state: 'held' }, value: pins.held },
            { labels: { state: 'missing' }, value: pins.missing },
          ]
        : [],
  },
]

function stateOf({ connected, quarantine }: Snapshot['peers'][number]): (typeof PEER_STATES)[number] {
  if (quarantine) return 'quarantined'
  return connected ? 'connected' : 'away'
}

function counts(way: string, outcomes: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(outcomes).map(([outcome, value]) => ({ labels: { way, outcome }, value }))
}
