import type { Role } from '../trust/standing.ts'

/** A member that may have a blob. */
export interface MemberWithBlob {
  /** Peer id. */
  readonly peer: string
  readonly role: Role
  readonly zone: string | null
  /** Who says that it has it. */
  readonly by: 'inventory' | 'dht'
  /** Why it would not be asked now; null where it would. */
  readonly excluded: string | null
}

/** Who in the mesh is known to have a blob, and why it is not known of others. */
export interface Whereabouts {
  /** In the order in which they would be asked. */
  readonly members: readonly MemberWithBlob[]
  /** Whether all members that are known have told what they have, so that the DHT was not asked. */
  readonly coversAll: boolean
  /** Ms that members would get before upstream is asked too. */
  readonly headStart: number
}
