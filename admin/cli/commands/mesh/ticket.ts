import { resolve } from 'node:path'
import { WarrenError } from '../../../../node/errors.ts'
import { issueTicket } from '../../../../node/trust/membership.ts'
import { MeshFolder } from '../../../../node/trust/mesh-folder.ts'
import type { Role } from '../../../../node/trust/standing.ts'
import { decodeTicket, ticketFacts } from '../../../../node/trust/ticket.ts'
import { memberAddress } from '../../address-option.ts'
import { parseExpiry } from '../../expiry.ts'
import { formatDay } from '../../format.ts'
import { JOIN_ONE } from '../../mesh-facts.ts'
import { writeLines } from '../../print.ts'
import { loadSettings, type SettingFlags } from '../../settings.ts'

export interface TicketOptions extends SettingFlags {
  readonly role: Role
  readonly expires: string
  readonly address?: readonly string[]
  readonly adminKey?: string
  readonly json?: boolean
}

/** Prints a ticket, and nothing else on stdout. Throws MESH_CONFLICT where there is no mesh or no admin key. */
export function ticket(options: TicketOptions): void {
  const now = Date.now()
  const notAfter = parseExpiry(options.expires, now)
  const addresses = options.address?.map((text) => memberAddress(text))
  const { config } = loadSettings(options)
  const folder = new MeshFolder(config.data)
  const membership = folder.membership()
  if (!membership) throw new WarrenError('MESH_CONFLICT', `this node is in no mesh; ${JOIN_ONE} comes first`)
  const keyFile = options.adminKey === undefined ? folder.adminKeyFile : resolve(options.adminKey)
  const adminKey = folder.adminKey(keyFile)
  if (!adminKey)
    throw new WarrenError(
      'MESH_CONFLICT',
      `there is no admin key at ${keyFile}: make tickets on the node that created mesh ${membership.mesh}, or name the key with --admin-key`,
    )
  const { role } = options
  const text = issueTicket({ adminKey, membership, role, notAfter, now, ...(addresses && { addresses }) })
  const { id, mesh } = ticketFacts(decodeTicket(text))
  writeLines(process.stdout, [options.json ? JSON.stringify({ ticket: text, id, role, notAfter, mesh }, null, 2) : text])
  if (process.stdout.isTTY)
    process.stderr.write(
      `warren: this is ticket ${id}: whoever has it can join mesh ${mesh} as a ${role} until ${formatDay(notAfter)}, so keep it secret; «warren mesh join» reads it from stdin\n`,
    )
}
