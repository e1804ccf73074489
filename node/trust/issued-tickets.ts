import { join } from 'node:path'
import { z } from 'zod'
import { WarrenError } from '../errors.ts'
import { ticketId, time } from './certificates.ts'
import { readSecretFile, writeSecretFile } from './secret-file.ts'
import { readVersioned } from './versioned.ts'

/** Tickets that are remembered; those that were issued first go first. */
const MAX_TICKETS = 500

const ticketSchema = z.strictObject({ id: ticketId, role: z.enum(['member', 'seed']), issuedAt: time, notAfter: time })
const fileSchema = z.strictObject({ v: z.literal(1), tickets: z.array(ticketSchema).max(MAX_TICKETS) })

/** A ticket without what makes it one: times in ms since the epoch. */
export type IssuedTicket = z.infer<typeof ticketSchema>

/** The tickets that were issued on a machine, by which they can be revoked: `<data>/mesh/tickets.json`. */
export class IssuedTickets {
  readonly #path: string

  /** @param folder the folder of the mesh */
  constructor(folder: string) {
    this.#path = join(folder, 'tickets.json')
  }

  /** Those issued first come first. Throws MESH_UNREADABLE, SECRET_EXPOSED or STORE_UNUSABLE. */
  all(): IssuedTicket[] {
    const text = readSecretFile(this.#path)
    if (text === undefined) return []
    const reading = readVersioned(text, fileSchema)
    if (reading.problem === undefined) return reading.value.tickets
    throw new WarrenError(
      'MESH_UNREADABLE',
      `${this.#path} cannot be used: ${reading.problem}. Put the right file back, or remove it`,
    )
  }

  /** Throws as `all`. */
  add(ticket: IssuedTicket): void {
    const tickets = [...this.all(), ticket].slice(-MAX_TICKETS)
    writeSecretFile(this.#path, `${JSON.stringify({ v: 1, tickets } satisfies z.infer<typeof fileSchema>)}\n`)
  }
}
