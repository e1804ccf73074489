import type { ConnectionManagerInit } from 'libp2p'
import { ADMISSION_LIMIT } from '../gate.ts'
import type { Liveness } from './lively-yamux.ts'

/**
 * Connections a second from one host that are heard at all; libp2p drops a further one with a reset. By default it takes 5, while
 * a whole farm of runners may start behind one address. Each costs a handshake, some 2 ms of CPU time.
 */
const NEW_PER_HOST = 64

/** Connections of one member. Two members may dial each other at once; one that has more takes places of others. */
export const MAX_CONNECTIONS_EACH = 4

export const CONNECTION_LIMITS: ConnectionManagerInit = {
  inboundConnectionThreshold: NEW_PER_HOST,
  /** Whoever has not shown a good card by then is a stranger or of no use. */
  inboundUpgradeTimeout: ADMISSION_LIMIT,
  /**
   * Handshakes under way (10 by default). More than one host can have open by the two limits above (the second in which the
   * limiter starts anew counted twice), so that no single stranger who says nothing keeps all others out.
   */
  maxIncomingPendingConnections: 2 * NEW_PER_HOST * (ADMISSION_LIMIT / 1_000 + 1),
  /** Members; every one beyond (300 by default) would be refused by nodes that everybody knows. */
  maxConnections: 1_000,
  /** Ms for one address (6000 by default): they are tried in turn, and those of other networks say nothing. */
  addressDialTimeout: 3_000,
  /** Addresses of one peer (25 by default): others tell of them, and may tell of a victim's. */
  maxPeerAddrsToDial: 8,
}

/** So a member whose network was cut is gone within half a minute. */
export const LIVENESS: Liveness = { interval: 10_000, patience: 20_000 }
