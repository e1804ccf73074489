import { issueOperatorCertificate, OPERATOR_SCOPES } from '../../../../node/trust/certificates.ts'
import { IssuedOperators } from '../../../../node/trust/issued-operators.ts'
import { generateKey } from '../../../../node/trust/keys.ts'
import { encodeOperatorKey } from '../../../../node/trust/operator-key.ts'
import { UsageError } from '../../exit-codes.ts'
import { parseExpiry } from '../../expiry.ts'
import { formatEnd } from '../../format.ts'
import { type AdminOptions, administered } from '../../mesh-admin.ts'
import { writeLines } from '../../print.ts'

export interface OperatorOptions extends AdminOptions {
  readonly scope?: readonly (typeof OPERATOR_SCOPES)[number][]
  readonly expires: string
}

/** Prints an operator key, and nothing else on stdout. Throws UsageError, and MESH_CONFLICT where there is no mesh or no admin key. */
export function add(name: string, options: OperatorOptions): void {
  const now = Date.now()
  const notAfter = parseExpiry(options.expires, now)
  if (!/^[\w.@+ -]{1,64}$/.test(name))
    throw new UsageError(
      `${JSON.stringify(name)} is no name of an operator: it has up to 64 letters, digits, spaces and . @ + -`,
    )
  const { folder, membership, adminKey, ledger } = administered(options, 'make operator keys')
  const scope = [...new Set(options.scope ?? OPERATOR_SCOPES)]
  const issued = new IssuedOperators(folder.path)
  const isTaken = issued
    .all()
    .some((one) => one.name === name && one.notAfter > now && !ledger.state.operatorRevocation(one.key))
  if (isTaken)
    throw new UsageError(`there is an operator «${name}» already: revoke that key first, or give this one another name`)
  const key = generateKey()
  const said = { mesh: membership.mesh, key: key.publicKey, name, scope, issuedAt: now, notAfter }
  const text = issueOperatorCertificate(said, adminKey)
  // Before anybody has it: what was not noted could not be revoked.
  issued.add({ name, key: key.publicKey, scope, issuedAt: now, notAfter })
  const line = encodeOperatorKey({ key, text }, adminKey.publicKey)
  writeLines(process.stdout, [options.json ? JSON.stringify({ operatorKey: line, ...said }, null, 2) : line])
  if (options.json) return
  process.stderr.write(
    `warren: with this key «${name}» can change ${scope.join(', ')} of mesh ${membership.mesh} until ${formatEnd(notAfter, now)}, so it is secret; commands take it by --operator-key FILE, WARREN_OPERATOR_KEY or WARREN_OPERATOR_KEY_FILE; «warren operator revoke ${JSON.stringify(name)}» takes it back\n`,
  )
}
