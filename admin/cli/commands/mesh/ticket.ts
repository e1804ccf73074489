import { IssuedTickets } from '../../../../node/trust/issued-tickets.ts'
import { issueTicket } from '../../../../node/trust/membership.ts'
import type { Role } from '../../../../node/trust/standing.ts'
import { decodeTicket, ticketFacts } from '../../../../node/trust/ticket.ts'
import { memberAddress } from '../../address-option.ts'
import { parseExpiry } from '../../expiry.ts'
import { formatEnd } from '../../format.ts'
import { type AdminOptions, administered } from '../../mesh-admin.ts'
import { writeLines } from '../../print.ts'

export interface TicketOptions extends AdminOptions {
  readonly role: Role
  readonly expires: string
  readonly address?: readonly string[]
}

/** Prints a ticket, and nothing else on stdout. Throws MESH_CONFLICT where there is no mesh or no admin key. */
export function ticket(options: TicketOptions): void {
  const now = Date.now()
  const notAfter = parseExpiry(options.expires, now)
  const addresses = options.address?.map((text) => memberAddress(text))
  const { folder, membership, adminKey } = administered(options, 'make tickets')
  const { role } = options
  const text = issueTicket({ adminKey, membership, role, notAfter, now, ...(addresses && { addresses }) })
  const { id, mesh } = ticketFacts(decodeTicket(text))
  // Before anybody has it: what was not noted could not be revoked.
  new IssuedTickets(folder.path).add({ id, role, issuedAt: now, notAfter })
  writeLines(process.stdout, [options.json ? JSON.stringify({ ticket: text, id, role, notAfter, mesh }, null, 2) : text])
  if (options.json) return
  const advice = process.stdout.isTTY ? ', so keep it secret; «warren mesh join» reads it from stdin' : ''
  process.stderr.write(
    `warren: this is ticket ${id}: whoever has it can join mesh ${mesh} as a ${role} until ${formatEnd(notAfter, Date.now())}${advice}; «warren mesh revoke ${id}» takes it back\n`,
  )
}
