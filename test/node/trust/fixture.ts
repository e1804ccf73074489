import { inspect } from 'node:util'
import { expect } from 'vitest'
import { type ErrorCode, isWarrenError, type WarrenError } from '../../../node/errors.ts'
import { generateKey, peerIdOf, type SigningKey } from '../../../node/trust/keys.ts'
import { createMesh, issueTicket, joinMesh, type Membership } from '../../../node/trust/membership.ts'
import type { Role } from '../../../node/trust/standing.ts'
import { decodeTicket, type Ticket } from '../../../node/trust/ticket.ts'

export const NOW = Date.UTC(2026, 0, 1)
export const DAY = 24 * 60 * 60_000

export function newPeer(): string {
  return peerIdOf(generateKey().publicKey)
}

/** A mesh, its first seed, and one that joined by a ticket of 30 days. */
export class TrialMesh {
  readonly adminKey: SigningKey
  readonly membership: Membership
  readonly seed = newPeer()
  readonly peer = newPeer()
  readonly encoded: string
  readonly ticket: Ticket
  readonly joined: Membership

  constructor(role: Role = 'member') {
    const { adminKey, membership } = createMesh({ peer: this.seed, addresses: ['/ip4/192.0.2.1/tcp/7471'], now: NOW })
    this.adminKey = adminKey
    this.membership = membership
    this.encoded = this.newTicket(role)
    this.ticket = decodeTicket(this.encoded)
    this.joined = joinMesh({ ticket: this.ticket, peer: this.peer, now: NOW })
  }

  newTicket(role: Role = 'member'): string {
    return issueTicket({ adminKey: this.adminKey, membership: this.membership, role, notAfter: NOW + 30 * DAY, now: NOW })
  }
}

/** The error that `act` ends in; it must be one of Warren with this code. */
export function refusal(code: ErrorCode, act: () => unknown): WarrenError {
  let result: unknown
  try {
    result = act()
  } catch (error) {
    if (isWarrenError(error, code)) return error
    throw error
  }
  expect.fail(`was accepted: ${inspect(result)}`)
}

/** All that a log could show of an error, causes and stack included. */
export function shown(error: unknown): string {
  return inspect(error, { depth: 10, showHidden: true, maxStringLength: null })
}

/** Whether a text contains a secret, or any 8 characters of it in a row. */
export function reveals(text: string, secret: string): boolean {
  for (let at = 0; at + 8 <= secret.length; at++) if (text.includes(secret.slice(at, at + 8))) return true
  return false
}
