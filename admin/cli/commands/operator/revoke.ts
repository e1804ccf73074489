import { MAX_KEPT_OPS } from '../../../../node/ledger/constants.ts'
import { IssuedOperators } from '../../../../node/trust/issued-operators.ts'
import { isPublicKey } from '../../../../node/trust/keys.ts'
import { UsageError } from '../../exit-codes.ts'
import { type AdminOptions, administered } from '../../mesh-admin.ts'
import { writeLines } from '../../print.ts'
import { spreadText } from '../../running-node.ts'

export interface RevokeOptions extends AdminOptions {
  readonly void?: boolean
}

/**
 * Revokes an operator key; once more changes nothing, unless what was kept then is to go as well. What it has issued is named in ops of
 * the admin first: else it would count no more. Throws UsageError, and MESH_CONFLICT without mesh or admin key.
 */
export async function revoke(name: string, options: RevokeOptions): Promise<void> {
  const { data, folder, ledger, adminKey } = administered(options, 'revoke operators')
  const operator = keyOf(name, new IssuedOperators(folder.path))
  const { state } = ledger
  const before = options.void && !state.isVoided(operator) ? undefined : state.operatorRevocation(operator)
  const issued = ledger.live().filter(({ author }) => author === operator)
  // What comes from further ahead than any op that is issued honestly would count for the last one for ever.
  const { lamport } = ledger.positionOf(operator)
  const kept = options.void ? [] : issued.filter((op) => op.lamport < lamport)
  const now = Date.now()
  if (!before) {
    const hashes = kept.map(({ hash }) => hash)
    for (let at = 0; at < hashes.length; at += MAX_KEPT_OPS)
      ledger.issue('operator.keep', { ops: hashes.slice(at, at + MAX_KEPT_OPS) }, adminKey, now)
  }
  const op = before ?? ledger.issue('operator.revoke', options.void ? { operator, void: true } : { operator }, adminKey, now)
  const facts = { operator, op: op.hash, isNew: !before, issued: issued.length }
  if (options.json) return writeLines(process.stdout, [JSON.stringify(facts, null, 2)])
  writeLines(process.stdout, [
    before ? `Operator ${name} was revoked before.` : `Operator ${name} is revoked; ${fateText(issued.length, kept.length)}`,
    await spreadText(data),
  ])
}

function keyOf(name: string, issued: IssuedOperators): string {
  const known = issued.all().findLast((one) => one.name === name || one.key === name)
  if (known) return known.key
  if (isPublicKey(name)) return name
  throw new UsageError(
    `${JSON.stringify(name)} is no operator that was made on this machine, and no public key; «warren operator list» names them`,
  )
}

function fateText(issued: number, kept: number): string {
  if (issued === 0) return 'it had changed nothing.'
  const [ops, counts] = issued === 1 ? ['its one op', 'counts'] : [`its ${issued} ops`, 'count']
  if (kept === issued) return `${ops} so far still ${counts}.`
  const fate =
    kept === 0 ? `${ops} ${counts} no more` : `of ${ops} those that came from far ahead count no more (${issued - kept})`
  return `${fate}. What it purged stays away until it is asked for again.`
}
