import type { LedgerState } from '../../../../node/ledger/state.ts'
import { type IssuedTicket, IssuedTickets } from '../../../../node/trust/issued-tickets.ts'
import { formatDay, formatEnd } from '../../format.ts'
import { type AdminOptions, meshAt } from '../../mesh-admin.ts'
import { type Output, table, writeLines } from '../../print.ts'

type Ticket = IssuedTicket & { readonly revoked: boolean }

/** Lists the tickets that were issued on this machine. Throws MESH_CONFLICT where there is no mesh. */
export function tickets(options: AdminOptions): void {
  const { folder, ledger } = meshAt(options)
  const all = new IssuedTickets(folder.path).all().map((ticket) => ({ ...ticket, revoked: isRevoked(ticket, ledger.state) }))
  if (options.json) writeLines(process.stdout, [JSON.stringify({ tickets: all }, null, 2)])
  else writeLines(process.stdout, ticketLines(all, Date.now(), process.stdout))
}

function isRevoked({ id }: IssuedTicket, state: LedgerState): boolean {
  return state.ticketRevocation(id) !== undefined
}

function ticketLines(all: readonly Ticket[], now: number, output: Output): string[] {
  if (all.length === 0) return ['No ticket was issued here; «warren mesh ticket» makes one.']
  return table(output, [
    ['ticket', 'role', 'issued', 'until', 'state'],
    ...all.map((ticket) => [
      ticket.id,
      ticket.role,
      formatDay(ticket.issuedAt),
      formatEnd(ticket.notAfter, now),
      stateText(ticket, now),
    ]),
  ])
}

function stateText({ revoked, notAfter }: Ticket, now: number): string {
  if (revoked) return 'revoked'
  return notAfter < now ? 'ended' : 'good'
}
