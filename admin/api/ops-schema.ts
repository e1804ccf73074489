import { z } from 'zod'

const time = z.number().int().describe('Ms since the epoch')
const peer = z.string().describe('Peer id')

/** An op of the ledger, and what has become of it. */
export const opSchema = z.object({
  hash: z.string().describe('Sha256 of the signed text, in hex'),
  type: z.string().describe('Such as purge, policy.block or mirrors.set'),
  body: z.record(z.string(), z.unknown()),
  subject: z.string().nullable().describe('What it is about; null where this version does not know the type'),
  author: z.string().describe('Public key'),
  operator: z.string().nullable().describe('Name of the operator; null for the admin'),
  issuedAt: time,
  lamport: z.number().int(),
  inEffect: z.boolean().describe('Whether no later op says something else about the same'),
  isVoid: z.boolean().describe('Whether its author was revoked'),
  appliedBy: z
    .array(peer)
    .readonly()
    .nullable()
    .describe('Who has put it into effect, as they signed; null for one of long ago'),
  freed: z
    .array(z.object({ peer, blobs: z.number().int(), bytes: z.number().int() }))
    .readonly()
    .describe('What a purge has freed at nodes where it has ended; empty for other ops'),
  missing: z
    .array(z.object({ peer, connected: z.boolean(), lastSeen: time }))
    .readonly()
    .describe('Members that were seen within a day and have not'),
})

export type OpAnswer = z.output<typeof opSchema>

export const ledgerSchema = z.object({
  mesh: z.string(),
  adminKey: z.string(),
  count: z.number().int().describe('Ops that every node has to have'),
  digest: z.string().describe('Sha256 over their hashes, in hex'),
  confirmed: z.boolean().describe('Whether this node knows the whole ledger, by the word of a seed'),
  ops: z.array(opSchema).readonly().describe('The newest first'),
  next: z.string().nullable().describe('Cursor of the next page; null at the end'),
})

export type LedgerAnswer = z.output<typeof ledgerSchema>

export const positionSchema = z.object({
  mesh: z.string(),
  adminKey: z.string(),
  seq: z.number().int(),
  prev: z.string().nullable(),
  lamport: z.number().int(),
  isRevoked: z.boolean(),
})

const signed = z.strictObject({
  op: z
    .string()
    .max(8 << 10)
    .describe('An op that an operator or the admin signed'),
})
const unsigned = z.strictObject({
  type: z.string().max(64).describe('Such as purge, policy.block or mirrors.set'),
  body: z.record(z.string(), z.unknown()),
})

/** What is handed in: a signed op at any node, or what to sign at the one with the admin key. */
export const handedIn = z.union([signed, unsigned], { error: 'a signed op, as {"op": "…"}, or {"type": "…", "body": {…}}' })
