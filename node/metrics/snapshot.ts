import type { Lag } from '../ledger-desk.ts'
import type { MemberStats } from '../member-stats.ts'
import type { MeshStatus, PeerStatus } from '../mesh/mesh-status.ts'
import type { PermanenceStatus } from '../permanence/permanence.ts'
import type { PurgeRun } from '../purge/purge-run.ts'
import type { StatsCounter } from '../stats.ts'
import type { StoreStatus } from '../store/store.ts'
import type { HostHealth } from '../upstream/upstream.ts'
import type { ProcessFacts } from './process-facts.ts'

/** A node at one moment, as its parts know it. */
export interface Snapshot {
  readonly version: string
  /** Ms since the epoch. */
  readonly startedAt: number
  readonly draining: boolean
  /** Open connections of clients. */
  readonly connections: number
  readonly stats: Pick<StatsCounter, 'protocols' | 'codes' | 'snapshot'>
  /** Artifacts being fetched. */
  readonly flights: number
  readonly upstream: readonly HostHealth[]
  /** Hosts, with their ports where they have one, that the settings name as upstreams. */
  readonly configuredHosts: ReadonlySet<string>
  readonly store: StoreStatus & Partial<PermanenceStatus>
  /** Bytes. */
  readonly memory: { readonly bytes: number; readonly limit: number }
  readonly mesh: MeshStatus
  readonly peers: readonly Pick<PeerStatus, 'role' | 'connected' | 'quarantine' | 'inventory'>[]
  readonly pins: { readonly counted: boolean; readonly held: number; readonly missing: number } | null
  /** Of the mesh that it is in. */
  readonly ledger: { readonly ops: number; readonly confirmed: boolean; readonly clockAhead: number | undefined } | null
  /** How far members are behind it, as this node hears. */
  readonly lag: Lag | undefined
  /** What members were answered. */
  readonly member: Pick<MemberStats, 'all'>
  readonly purges: readonly Pick<PurgeRun, 'state' | 'trouble'>[]
  readonly process: ProcessFacts
}
