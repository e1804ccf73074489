import { type LedgerAnswer, ledgerSchema, type OpAnswer } from '../../api/ops-schema.ts'
import { ApiClient } from '../api-client.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { type Output, table, writeLines } from '../print.ts'
import { COLUMNS, EMPTY, firstCells, nodesText } from './ledger-text.ts'

/** Ops of one answer. */
const A_PAGE = 500

/** Lists the ops that a node knows of which only the address is known. Throws UnreachableError, and what the node refuses. */
export async function ledgerOfNode(options: NodeOptions & { readonly json?: boolean }): Promise<void> {
  const { base, token } = nodeAt(options)
  const known = await ledgerAt(new ApiClient(base, token()))
  if (options.json) writeLines(process.stdout, [JSON.stringify(known, null, 2)])
  else writeLines(process.stdout, known.ops.length === 0 ? EMPTY : lines(known.ops, process.stdout))
}

/** All of it, the oldest first. */
async function ledgerAt(client: ApiClient) {
  const ops: OpAnswer[] = []
  let answer: LedgerAnswer
  let cursor = ''
  do {
    answer = ledgerSchema.parse(await client.get(`/admin/v1/ops?limit=${A_PAGE}${cursor}`))
    ops.push(...answer.ops)
    cursor = `&cursor=${answer.next}`
  } while (answer.next !== null)
  const { next: _next, ...facts } = answer
  return { ...facts, ops: ops.reverse() }
}

function lines(ops: readonly OpAnswer[], output: Output): string[] {
  return table(output, [
    [...COLUMNS, 'nodes'],
    ...ops.map((op) => [...firstCells(op), op.subject ?? '', effectText(op), nodesText(op)]),
  ])
}

function effectText({ subject, isVoid, inEffect }: OpAnswer): string {
  if (subject === null) return 'not known to its version'
  if (isVoid) return 'void: its author was revoked'
  return inEffect ? 'in effect' : 'replaced by a later op'
}
