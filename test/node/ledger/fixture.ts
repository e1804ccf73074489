import { type Effect, effectOf } from '../../../node/ledger/effect.ts'
import { type Op, signOp } from '../../../node/ledger/op.ts'
import { issueSeedCertificate } from '../../../node/trust/certificates.ts'
import type { SigningKey } from '../../../node/trust/keys.ts'
import { NOW, TrialMesh } from '../trust/fixture.ts'

export const mesh = new TrialMesh()
export const scope = { mesh: mesh.membership.mesh, adminKey: mesh.membership.adminKey }
export const TICKET = '0123456789abcdef'

/** A signed op: the revocation of a ticket, with some of its fields changed. */
export function opWith(fields: Partial<Parameters<typeof signOp>[0]> = {}, key: SigningKey = mesh.adminKey): Op {
  const usual = {
    mesh: scope.mesh,
    seq: 1,
    prev: null,
    lamport: 1,
    issuedAt: NOW,
    type: 'ticket.revoke',
    body: { ticket: TICKET },
  }
  return signOp({ ...usual, ...fields }, key)
}

export function certificateFor(peer: string, notAfter: number, key: SigningKey = mesh.adminKey): string {
  return issueSeedCertificate({ mesh: scope.mesh, peer, issuedAt: NOW, notAfter }, key)
}

export function effectIn(op: Op): Effect | undefined {
  return effectOf(op, scope)
}
