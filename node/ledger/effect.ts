import { z } from 'zod'
import { isWarrenError } from '../errors.ts'
import { openSeedCertificate, peerId, type SeedCertificate, ticketId } from '../trust/certificates.ts'
import { MAX_STATEMENT_CHARS } from '../trust/statement.ts'
import type { Op, OpScope } from './op.ts'

/** What an op changes. Ops with the same subject are about the same thing, and the last one counts. */
export type Effect =
  | { readonly kind: 'ticket revoked'; readonly subject: string; readonly ticket: string }
  | { readonly kind: 'seed revoked'; readonly subject: string; readonly peer: string }
  | {
      readonly kind: 'seed certified' | 'seed renewed'
      readonly subject: string
      readonly text: string
      readonly certificate: SeedCertificate
    }

const ticketBody = z.strictObject({ ticket: ticketId })
const peerBody = z.strictObject({ peer: peerId })
const certificateBody = z.strictObject({ certificate: z.string().max(MAX_STATEMENT_CHARS) })

/** The bodies of ops, by type. */
export interface OpBodies {
  /** Members that joined by that ticket are cut off, for good. */
  'ticket.revoke': z.infer<typeof ticketBody>
  /** The peer is no seed any more, whatever certificate it has. */
  'seed.revoke': z.infer<typeof peerBody>
  /** The peer is a seed; this also takes a revocation back. */
  'seed.certify': z.infer<typeof certificateBody>
  /**
   * The same certificate for longer. Of another subject than the two above: a node renews by itself, and must not undo a
   * revocation that it has not heard of.
   */
  'seed.renew': z.infer<typeof certificateBody>
}

export type OpType = keyof OpBodies

/** What an op does; undefined when its type is not known here, or its body not as this version has it: it is kept all the same. */
export function effectOf({ type, body }: Pick<Op, 'type' | 'body'>, scope: OpScope): Effect | undefined {
  switch (type) {
    case 'ticket.revoke': {
      const { data } = ticketBody.safeParse(body)
      return data && { kind: 'ticket revoked', subject: `ticket ${data.ticket}`, ticket: data.ticket }
    }
    case 'seed.revoke': {
      const { data } = peerBody.safeParse(body)
      return data && { kind: 'seed revoked', subject: `seed ${data.peer}`, peer: data.peer }
    }
    case 'seed.certify':
      return certificateEffect('seed certified', 'seed', body, scope)
    case 'seed.renew':
      return certificateEffect('seed renewed', 'renewal', body, scope)
    default:
      return undefined
  }
}

function certificateEffect(
  kind: 'seed certified' | 'seed renewed',
  subject: string,
  body: unknown,
  { mesh, adminKey }: OpScope,
): Effect | undefined {
  const { data } = certificateBody.safeParse(body)
  if (!data) return undefined
  try {
    const certificate = openSeedCertificate(data.certificate, adminKey)
    if (certificate.mesh !== mesh) return undefined
    return { kind, subject: `${subject} ${certificate.peer}`, text: data.certificate, certificate }
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) return undefined
    throw error
  }
}
