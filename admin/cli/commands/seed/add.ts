import { certifySeed } from '../../../../node/ledger/seeds.ts'
import { SEED_LIFETIME } from '../../../../node/trust/membership.ts'
import { parseExpiry } from '../../expiry.ts'
import { formatDay } from '../../format.ts'
import { type AdminOptions, administered } from '../../mesh-admin.ts'
import { checkPeer } from '../../peer-argument.ts'
import { writeLines } from '../../print.ts'
import { spreadText } from '../../running-node.ts'

export interface AddOptions extends AdminOptions {
  readonly expires?: string
}

/** Makes a peer a seed, a year from now unless told otherwise. Throws UsageError, and MESH_CONFLICT without mesh or admin key. */
export async function add(peer: string, options: AddOptions): Promise<void> {
  checkPeer(peer)
  const now = Date.now()
  const notAfter = options.expires === undefined ? now + SEED_LIFETIME : parseExpiry(options.expires, now)
  const { data, ledger, adminKey } = administered(options, 'make seeds')
  const before = ledger.state.certificateOf(peer)?.certificate
  // One that was made so today is left as it is.
  const isNew = !before || formatDay(before.notAfter) !== formatDay(notAfter)
  if (isNew) certifySeed(ledger, { peer, notAfter }, adminKey, now)
  if (options.json)
    return writeLines(process.stdout, [JSON.stringify({ peer, notAfter: isNew ? notAfter : before.notAfter, isNew }, null, 2)])
  writeLines(process.stdout, [
    `${peer} is a seed until ${formatDay(notAfter)}${isNew ? '' : ' already'}; it takes its certificate from the ledger.`,
    await spreadText(data),
  ])
}
