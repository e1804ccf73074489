import { type Effect, effectOf } from '../../../node/ledger/effect.ts'
import { type Op, signOp } from '../../../node/ledger/op.ts'
import { issueOperatorCertificate, issueSeedCertificate } from '../../../node/trust/certificates.ts'
import { generateKey, type SigningKey } from '../../../node/trust/keys.ts'
import { DAY, NOW, TrialMesh } from '../trust/fixture.ts'

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

/** Somebody who was given an operator key. */
export interface Operator {
  readonly key: SigningKey
  readonly cert: string
}

export function operatorOf(
  init: Partial<Parameters<typeof issueOperatorCertificate>[0]> = {},
  signer = mesh.adminKey,
): Operator {
  const key = generateKey()
  const usual = { mesh: scope.mesh, key: key.publicKey, name: 'ada', scope: ['purge', 'policy', 'mirrors'] as const }
  const certificate = { ...usual, issuedAt: NOW, notAfter: NOW + 30 * DAY, ...init }
  return { key, cert: issueOperatorCertificate({ ...certificate, scope: [...certificate.scope] }, signer) }
}

/** An op of an operator: by default it blocks a package. */
export function opBy({ key, cert }: Operator, fields: Partial<Parameters<typeof signOp>[0]> = {}): Op {
  return opWith({ type: 'policy.block', body: { purl: 'pkg:npm/left-pad' }, cert, ...fields }, key)
}
