import type { Role } from '../trust/standing.ts'

/** What a member told about itself when it was admitted; its identity and role are proven, the rest is its own word. */
export interface Admitted {
  /** Peer id. */
  readonly peer: string
  readonly role: Role
  /** When its certificate ends, in ms since the epoch. */
  readonly notAfter: number
  /** Where it says that it is; undefined where it does not say. */
  readonly zone?: string | undefined
  /** Version of its software. */
  readonly version: string
  /** Id of the ticket by which it joined; undefined for a seed that the admin key certified itself. */
  readonly ticket?: string | undefined
  /** Whether it says that it is here for one job, and does not come back. */
  readonly ephemeral?: boolean | undefined
  /** Where it says that it hands out blobs, as `host:port`, IPv6 hosts in brackets; empty for one that only reads. */
  readonly blobs: readonly string[]
}

/**
 * Who gets in. On every encrypted channel, libp2p and HTTPS alike, both sides show a card before anything else is said: the
 * dialler first, so that nobody who only listens at a door learns whose it is. A card that convinces is answered with the own.
 */
export interface Gate {
  /** The own card. */
  card(): Buffer
  /** Judges the card of somebody whose peer id the channel has proven. Throws UNTRUSTED with the reason. */
  admit(peer: string, card: Buffer): Admitted
  /** What counts of somebody who was admitted before, date apart: ops of the ledger change roles. Undefined for who was revoked. */
  current(member: Admitted): Admitted | undefined
  /**
   * What is shown in place of the own card to somebody whose card was not accepted; undefined for strangers, who get nothing. A
   * member that was revoked while it was away learns from nobody else why it is alone.
   */
  farewell(peer: string, card: Buffer): Buffer | undefined
}

/** Bytes that a card may have: a chain of three certificates and a few addresses have under two thousand. */
export const MAX_CARD_BYTES = 8 << 10

/** Ms that handshake and cards may take together; whoever is slower is a stranger or of no use. */
export const ADMISSION_LIMIT = 5_000
