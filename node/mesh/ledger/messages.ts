import { z } from 'zod'
import { MAX_OPS } from '../../ledger/constants.ts'
import { opHash } from '../../ledger/op.ts'
import type { Summary } from '../../ledger/op-set.ts'
import { time } from '../../trust/certificates.ts'
import { MAX_OP_CHARS, MAX_STATEMENT_CHARS } from '../../trust/statement.ts'
import type { Question } from '../host/question.ts'
import type { Said } from './acknowledgements.ts'

/** Ops in one message: each costs whoever takes them a signature check, some 60 µs. */
export const MAX_OPS_A_MESSAGE = 64

/** Hashes in one answer. */
export const MAX_HASHES_A_MESSAGE = 1_000

/** Acknowledgements in one message: each may cost three signature checks. */
export const MAX_ACKS_A_MESSAGE = 64

/** Bytes of a message around what it carries. */
const ENVELOPE = 256

const ops = z.array(z.string().max(MAX_OP_CHARS)).max(MAX_OPS_A_MESSAGE)
const v = z.literal(1)
const statement = z.string().max(MAX_STATEMENT_CHARS)
const acks = z.array(z.object({ ack: statement, chain: z.array(statement).min(1).max(2) })).max(MAX_ACKS_A_MESSAGE)

/** What members ask each other about their ledgers. */
export const askedSchema = z.discriminatedUnion('ask', [
  /** Whether there is anything to talk about. */
  z.object({ v, ask: z.literal('summary') }),
  /** The hashes of all ops in order, from the `from`-th on. */
  z.object({ v, ask: z.literal('hashes'), from: z.int().min(0).max(MAX_OPS) }),
  /** Some ops by their hashes. */
  z.object({ v, ask: z.literal('ops'), hashes: z.array(opHash).max(MAX_OPS_A_MESSAGE) }),
  /** Here are ops that are new. */
  z.object({ v, ask: z.literal('take'), ops }),
  /** What whoever is asked has heard of that behind a serial number of its own. */
  z.object({ v, ask: z.literal('acks'), after: z.int().min(0) }),
  /** This is what nodes say that they have put into effect. */
  z.object({ v, ask: z.literal('heard'), acks }),
])

const shared = {
  protocol: '/warren/ledger/1.0.0',
  /** Ms. */
  limit: 10_000,
  maxAskedBytes: MAX_OPS_A_MESSAGE * (MAX_OP_CHARS + 3) + ENVELOPE,
}

/** `now`: what the clock of whoever answers shows. */
export const SUMMARY: Question<Summary & { v: 1; now?: number | undefined }> = {
  ...shared,
  schema: z.object({ v, count: z.int().min(0), digest: opHash, now: time.optional() }),
  maxBytes: ENVELOPE,
}

export const HASHES: Question<{ v: 1; hashes: string[] }> = {
  ...shared,
  schema: z.object({ v, hashes: z.array(opHash).max(MAX_HASHES_A_MESSAGE) }),
  maxBytes: MAX_HASHES_A_MESSAGE * 67 + ENVELOPE,
}

export const OPS: Question<{ v: 1; ops: string[] }> = {
  ...shared,
  schema: z.object({ v, ops }),
  maxBytes: MAX_OPS_A_MESSAGE * (MAX_OP_CHARS + 3) + ENVELOPE,
}

export const TAKEN: Question<{ v: 1 }> = { ...shared, schema: z.object({ v }), maxBytes: ENVELOPE }

/** `serial` counts what was heard since `start`: another start begins anew. */
export const ACKS: Question<{ v: 1; acks: Said[]; serial: number; start: string }> = {
  ...shared,
  schema: z.object({ v, acks, serial: z.int().min(0), start: z.string().max(64) }),
  maxBytes: MAX_ACKS_A_MESSAGE * 3 * (MAX_STATEMENT_CHARS + 16) + ENVELOPE,
}
