import type { Role } from '../trust/standing.ts'
import type { InventoryStatus } from './inventory/inventories.ts'
import type { RouterCounts } from './router-counts.ts'

/** How a node stands in its mesh. Times in ms since the epoch, sizes in bytes. */
export interface MeshStatus {
  /** `joining`: in a mesh, but no other member is connected. */
  readonly state: 'lone' | 'joining' | 'member'
  /** Mesh id. */
  readonly id: string | null
  readonly role: Role | null
  /** Peer id of this node. */
  readonly peer: string
  /** Where this node is, as it was told. */
  readonly zone: string | null
  /** Multiaddrs that members may dial. */
  readonly listen: readonly string[]
  /** `host:port` of the blob listener. */
  readonly blobs: string | null
  /** Whether a member could reach the blob listener; null while none has tried. */
  readonly reachable: boolean | null
  /** Whether this node only takes: nobody can reach it, so it tells nobody what it has. */
  readonly readerOnly: boolean
  /** Members that are connected. */
  readonly peers: number
  /** Those of them that are seeds and not in quarantine. */
  readonly seeds: number
  /** When this node's own certificate ends. */
  readonly notAfter: number | null
  /** Why no member is connected, in a sentence. */
  readonly trouble: string | null
  /** Bytes of blobs that came from members since start. */
  readonly bytesIn: number
  /** Bytes of blobs that went to members since start. */
  readonly bytesOut: number
  /** How blobs were looked for; null in no mesh. */
  readonly router: RouterStatus | null
}

interface RouterStatus extends RouterCounts {
  /** Whether all members that are known have told what they have, so that the DHT is not asked. */
  readonly coversAll: boolean
}

/** What a node shows of another member. */
export interface PeerStatus extends KnownPeer {
  /** What it told that it has; null where it has told nothing. */
  readonly inventory: InventoryStatus | null
  /** Since when it has another ledger than this node, or does not say which, in ms since the epoch; null while both are the same. */
  readonly ledgerDiffersSince: number | null
}

/** What a node knows of another member. */
export interface KnownPeer {
  readonly id: string
  readonly role: Role
  readonly version: string
  /** Where it listens for libp2p connections, as multiaddrs; where they come from while it has not said so. */
  readonly addresses: readonly string[]
  /** Where it hands out blobs, as `host:port`. */
  readonly blobs: readonly string[]
  readonly connected: boolean
  readonly lastSeen: number
  /** Round trip in ms; null while unmeasured. */
  readonly latency: number | null
  /** Bytes of blobs that came from it, and that went to it, since start. */
  readonly bytesIn: number
  readonly bytesOut: number
  readonly quarantine: { readonly until: number; readonly reason: string } | null
  readonly notAfter: number
  /** Where it says that it is. */
  readonly zone: string | null
  /** Id of the ticket by which it joined; null for a seed that the admin key certified itself. */
  readonly ticket: string | null
}
