import { ticketId } from '../../../../node/trust/certificates.ts'
import { IssuedTickets } from '../../../../node/trust/issued-tickets.ts'
import { UsageError } from '../../exit-codes.ts'
import { type AdminOptions, administered } from '../../mesh-admin.ts'
import { writeLines } from '../../print.ts'
import { spreadText } from '../../running-node.ts'

/** Revokes a ticket; once more changes nothing. Throws UsageError, and MESH_CONFLICT where there is no mesh or no admin key. */
export async function revoke(ticket: string, options: AdminOptions): Promise<void> {
  if (!ticketId.safeParse(ticket).success)
    throw new UsageError(
      `${JSON.stringify(ticket)} is no id of a ticket: it has 16 digits from 0 to f; «warren mesh tickets» lists them, «warren peers --json» says who joined by which`,
    )
  const { data, folder, ledger, adminKey } = administered(options, 'revoke tickets')
  const isKnown = new IssuedTickets(folder.path).all().some(({ id }) => id === ticket)
  const before = ledger.state.ticketRevocation(ticket)
  const op = before ?? ledger.issue('ticket.revoke', { ticket }, adminKey, Date.now())
  if (options.json) return writeLines(process.stdout, [JSON.stringify({ ticket, op: op.hash, isNew: !before }, null, 2)])
  writeLines(process.stdout, [
    before ? `Ticket ${ticket} was revoked before.` : `Ticket ${ticket} is revoked: whoever joined by it is cut off.`,
    ...(isKnown ? [] : ['It was not issued on this machine.']),
    await spreadText(data),
  ])
}
