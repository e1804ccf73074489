import { createHash } from 'node:crypto'
import { z } from 'zod'
import { isWarrenError, WarrenError } from '../errors.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { meshIdOf, openTicketCertificate, publicKey } from './certificates.ts'
import { keyFromSeed } from './keys.ts'
import type { Role } from './standing.ts'
import { MAX_STATEMENT_CHARS } from './statement.ts'
import { readVersioned } from './versioned.ts'

const PREFIX = 'warren-ticket-1.'

/** A ticket with as many and as long addresses as are allowed has under 11 700 characters. */
const MAX_TICKET_CHARS = 12 << 10

/** Addresses in a ticket or a membership: they are where a node begins to look, and one that answers knows all others. */
export const MAX_ADDRESSES = 16

export const secretBytes = z.string().refine((text) => fromBase64url(text)?.length === 32)
/** Multiaddrs and DNS names; what exactly they mean is judged where they are dialled. */
export const addressList = z.array(z.string().regex(/^[\x21-\x7e]{1,400}$/)).max(MAX_ADDRESSES)

const fields = {
  v: z.literal(1),
  adminKey: publicKey,
  secret: secretBytes,
  addresses: addressList.readonly(),
  certificate: z.string().max(MAX_STATEMENT_CHARS),
  key: secretBytes,
}
const ticketFields = z.strictObject(fields)
const checkedTicket = z.strictObject({ ...fields, check: z.string() })

/** What a machine needs to join a mesh. Most of it is secret: it is shown to nobody and written to no log. */
export interface Ticket {
  readonly v: 1
  /** Public key of the mesh. */
  readonly adminKey: string
  /** The mesh secret: 32 bytes in base64url. */
  readonly secret: string
  readonly addresses: readonly string[]
  /** The signed ticket certificate. */
  readonly certificate: string
  /** Seed of the ticket key: 32 bytes in base64url. */
  readonly key: string
}

export interface TicketFacts {
  readonly mesh: string
  readonly id: string
  readonly role: Role
  /** Ms since the epoch. */
  readonly notAfter: number
}

/**
 * The ticket as one line of text. It contains a check sum: a mesh says nothing to those who have another secret, so that one
 * that was mistyped could only be found out here. Throws TICKET_INVALID for what `decodeTicket` would not take.
 */
export function encodeTicket(ticket: Ticket): string {
  const reading = readVersioned(JSON.stringify(ticket), ticketFields)
  if (reading.problem !== undefined) throw invalid(`the ticket cannot be made: ${reading.problem}`)
  return PREFIX + toBase64url(JSON.stringify({ ...reading.value, check: checkSum(reading.value) }))
}

/** Reads a ticket and checks that it is whole and right; its date is left to whoever uses it. Throws TICKET_INVALID. */
export function decodeTicket(text: string): Ticket {
  const trimmed = text.trim()
  if (trimmed.length > MAX_TICKET_CHARS) throw invalid(`this is no ticket: it is longer than ${MAX_TICKET_CHARS} characters`)
  const ticket = parse(trimmed)
  ticketFacts(ticket)
  return ticket
}

/** What the certificate in a ticket says. Throws TICKET_INVALID when the parts of the ticket do not belong together. */
export function ticketFacts(ticket: Ticket): TicketFacts {
  try {
    const { mesh, id, key, role, notAfter } = openTicketCertificate(ticket.certificate, ticket.adminKey)
    if (mesh !== meshIdOf(ticket.adminKey)) throw invalid('the certificate in the ticket is for another mesh than the ticket')
    if (key !== keyFromSeed(Buffer.from(ticket.key, 'base64url')).publicKey)
      throw invalid('the key in the ticket is not the one that its certificate names')
    return { mesh, id, role, notAfter }
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) throw invalid(error.message)
    throw error
  }
}

function parse(text: string): Ticket {
  const version = /^warren-ticket-(\d{1,9})\./.exec(text)?.[1]
  if (version === undefined) {
    if (text !== '' && PREFIX.startsWith(text)) throw invalid('the ticket is cut off')
    throw invalid(`this is no ticket: one begins with ${PREFIX}`)
  }
  if (version !== '1') throw invalid(`the ticket has version ${version}: another Warren made it, this one knows version 1`)
  const encoded = text.slice(PREFIX.length)
  if (/\s/.test(encoded)) throw invalid('the ticket has spaces or line breaks in it: it is one line without any')
  if (/[^\w-]/.test(encoded)) throw invalid('the ticket has characters in it that no ticket has')
  const bytes = fromBase64url(encoded)
  const json = bytes?.toString() ?? ''
  if (!json.endsWith('}')) throw invalid('the ticket is cut off, or something is at its end that does not belong to it')
  const reading = readVersioned(json, checkedTicket)
  if (reading.problem !== undefined) throw invalid(`the ticket is damaged: ${reading.problem}`)
  const { check, ...ticket } = reading.value
  if (check !== checkSum(ticket)) throw invalid('the ticket is damaged: its check sum is wrong')
  return ticket
}

function checkSum({ adminKey, secret, addresses, certificate, key }: Ticket): string {
  const text = [adminKey, secret, certificate, key, ...addresses].join('\n')
  return createHash('sha256').update(text).digest('base64url').slice(0, 8)
}

function invalid(reason: string): WarrenError {
  return new WarrenError('TICKET_INVALID', reason)
}
