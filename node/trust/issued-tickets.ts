import { z } from 'zod'
import { ticketId, time } from './certificates.ts'
import { IssuedList } from './issued-list.ts'

const MAX_TICKETS = 500

const ticketSchema = z.strictObject({ id: ticketId, role: z.enum(['member', 'seed']), issuedAt: time, notAfter: time })

/** A ticket without what makes it one: times in ms since the epoch. */
export type IssuedTicket = z.infer<typeof ticketSchema>

/** The tickets that were issued on a machine: `<data>/mesh/tickets.json`. */
export class IssuedTickets extends IssuedList<IssuedTicket> {
  /** @param folder the folder of the mesh */
  constructor(folder: string) {
    super(folder, { name: 'tickets', schema: ticketSchema, most: MAX_TICKETS })
  }
}
