import { z } from 'zod'
import type { LedgerDesk, OpStanding } from '../../../node/ledger-desk.ts'
import type { ApiApp } from '../app.ts'
import { handedIn, type LedgerAnswer, ledgerSchema, type OpAnswer, opSchema, positionSchema } from '../ops-schema.ts'
import { demandToken } from '../token.ts'

export interface OpsPorts {
  readonly ledger: Pick<LedgerDesk, 'page' | 'one' | 'about' | 'positionOf' | 'relay' | 'issue'>
}

/** Ops in one answer. */
const PAGE = 100
const MAX_PAGE = 500

const hash = z.string().regex(/^[0-9a-f]{64}$/, { error: 'the hash of an op: 64 digits from 0 to f' })
const key = z.string().regex(/^[\w-]{43}$/, { error: 'a public key: 32 bytes in base64url' })

export function opsRoutes(app: ApiApp, { ledger }: OpsPorts): void {
  app.post(
    '/admin/v1/ops',
    {
      // What is signed needs no token: its signature says more than that. What is not is judged below.
      config: { access: 'everybody' },
      schema: {
        tags: ['ledger'],
        security: [{}, { bearer: [] }],
        summary: 'Hand in a change of the whole mesh',
        description:
          'A signed op is taken by any node, and told to all others. Without a signature it needs the node token of the node that has the admin key.',
        body: handedIn,
        response: { 202: opSchema },
      },
    },
    async (request, reply) => {
      const { body } = request
      if (!('op' in body)) demandToken(request, reply)
      const standing = 'op' in body ? ledger.relay(body.op) : ledger.issue(body.type, body.body)
      const { op } = standing
      request.signer = op.author
      request.change = { what: `op ${op.type}`, after: op.body }
      return reply.code(202).send(answerOf(standing))
    },
  )
  app.get(
    '/admin/v1/ops',
    {
      schema: {
        tags: ['ledger'],
        summary: 'Ops of the ledger, who has put them into effect, and who has not',
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(PAGE),
          cursor: hash.optional().describe('The last op of the page before'),
        }),
        response: { 200: ledgerSchema },
      },
    },
    ({ query: { limit, cursor } }): LedgerAnswer => {
      const { ops, more } = ledger.page(cursor, limit)
      return { ...ledger.about(), ops: ops.map(answerOf), next: more ? (ops.at(-1)?.op.hash ?? null) : null }
    },
  )
  app.get(
    '/admin/v1/ops/position',
    {
      // An operator far away has no token of the node, and learns no more here than numbers.
      config: { access: 'everybody' },
      schema: {
        tags: ['ledger'],
        summary: 'What the next op of an author has to say besides what it changes',
        querystring: z.object({ author: key.describe('Public key') }),
        response: { 200: positionSchema },
      },
    },
    ({ query }) => ledger.positionOf(query.author),
  )
  app.get(
    '/admin/v1/ops/:hash',
    {
      schema: {
        tags: ['ledger'],
        summary: 'One op, who has put it into effect, and who has not',
        params: z.object({ hash }),
        response: { 200: opSchema },
      },
    },
    ({ params }) => answerOf(ledger.one(params.hash)),
  )
}

function answerOf({ op, effect, appliedBy, ...rest }: OpStanding): OpAnswer {
  const { hash, type, body, author, operator, issuedAt, lamport } = op
  const said = { hash, type, body, author, operator: operator ?? null, issuedAt, lamport }
  return { ...said, subject: effect?.subject ?? null, appliedBy: appliedBy ?? null, ...rest }
}
