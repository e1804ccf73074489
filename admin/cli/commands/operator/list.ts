import { type IssuedOperator, IssuedOperators } from '../../../../node/trust/issued-operators.ts'
import { formatDay, formatEnd } from '../../format.ts'
import { type AdminOptions, meshAt } from '../../mesh-admin.ts'
import { type Output, table, writeLines } from '../../print.ts'

type Operator = IssuedOperator & { readonly revoked: boolean }

/** Lists the operator keys that were made on this machine. Throws MESH_CONFLICT where there is no mesh. */
export function list(options: AdminOptions): void {
  const { folder, ledger } = meshAt(options)
  const all = new IssuedOperators(folder.path)
    .all()
    .map((one) => ({ ...one, revoked: ledger.state.operatorRevocation(one.key) !== undefined }))
  if (options.json) writeLines(process.stdout, [JSON.stringify({ operators: all }, null, 2)])
  else writeLines(process.stdout, operatorLines(all, Date.now(), process.stdout))
}

function operatorLines(all: readonly Operator[], now: number, output: Output): string[] {
  if (all.length === 0) return ['No operator key was made here; «warren operator add» makes one.']
  return table(output, [
    ['operator', 'may change', 'made', 'until', 'state', 'key'],
    ...all.map((one) => [
      one.name,
      one.scope.join(', '),
      formatDay(one.issuedAt),
      formatEnd(one.notAfter, now),
      stateText(one, now),
      one.key,
    ]),
  ])
}

function stateText({ revoked, notAfter }: Operator, now: number): string {
  if (revoked) return 'revoked'
  return notAfter < now ? 'ended' : 'good'
}
