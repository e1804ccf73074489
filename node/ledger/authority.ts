import { WarrenError } from '../errors.ts'
import { type OperatorCertificate, openOperatorCertificate } from '../trust/certificates.ts'
import type { OpScope } from './op.ts'

/** What is said of an op's author, before any of it is proven. */
export interface Authorship {
  /** Public key. */
  readonly author: string
  /** Type of the op; what comes before its first dot is the scope that it takes. */
  readonly type: string
  /** Ms since the epoch. */
  readonly issuedAt: number
  /** The author's certificate, where that is an operator. */
  readonly cert?: string | undefined
}

/**
 * Who may issue what: the owner of the admin key everything, an operator what its certificate says. An op carries that certificate
 * with it, so that everybody judges it alike, whatever else they have heard. Undefined for the admin. Throws UNTRUSTED.
 */
export function operatorOf(op: Authorship, { mesh, adminKey }: OpScope): OperatorCertificate | undefined {
  const { author, type, issuedAt, cert } = op
  if (author === adminKey) return undefined
  if (cert === undefined) throw untrusted(`its author ${author} may not issue «${type}»`)
  const operator = openOperatorCertificate(cert, adminKey)
  if (operator.mesh !== mesh) throw untrusted(`the certificate of its author is for mesh ${operator.mesh}, and this is ${mesh}`)
  if (operator.key !== author)
    throw untrusted(`its author is ${author}, and the certificate with it is that of ${operator.key}`)
  if (issuedAt > operator.notAfter)
    throw untrusted(`the certificate of operator «${operator.name}» had ended when it was issued`)
  if (!operator.scope.some((one) => one === scopeOf(type)))
    throw untrusted(`operator «${operator.name}» may not issue «${type}», only what is of ${operator.scope.join(', ')}`)
  return operator
}

function scopeOf(type: string): string {
  const [scope = ''] = type.split('.')
  return scope
}

function untrusted(reason: string): WarrenError {
  return new WarrenError('UNTRUSTED', `the op is not accepted: ${reason}`)
}
