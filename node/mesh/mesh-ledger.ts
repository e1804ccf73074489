import type { FreedBy } from '../ledger/acknowledgement.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Op } from '../ledger/op.ts'

/** The ledger of the mesh that a node is in, for those who issue ops and look what became of them. */
export interface MeshLedger {
  readonly ledger: Pick<Ledger, 'all' | 'live' | 'scope' | 'state' | 'summary' | 'positionOf'>
  /** Takes an op that somebody signed, and tells everybody. Throws as `Ledger.relay`, and what `check` throws for a new one. */
  relay(text: string, check: (op: Op) => void): Op
  /** Has this node hear what others have acknowledged, which takes a moment: members do not tell each other unasked. */
  gather(): void
  /** Peer ids of those who have put an op into effect, this node among them; undefined for one of long ago. */
  appliedBy(hash: string): readonly string[] | undefined
  /** What a purge has freed at each node where it has ended, by peer id, as far as is known. */
  freedBy(hash: string): ReadonlyMap<string, Pick<FreedBy, 'blobs' | 'bytes'>>
  /** Whether this node knows the ledger as it is now, by the word of a seed. */
  readonly isConfirmed: boolean
  /** Since when a member has another ledger, as `Differing` has it. */
  differsSince(peer: string): number | undefined
  /** How far the clock of this node is ahead of the median of its peers', in ms; undefined where none is known. */
  readonly clockAhead: number | undefined
}

/** How a node stands in it; null in no mesh. */
export function ledgerFacts(mesh: MeshLedger | undefined) {
  if (!mesh) return null
  return { ops: mesh.ledger.summary.count, confirmed: mesh.isConfirmed, clockAhead: mesh.clockAhead }
}
