import { certifySeed } from '../../../../node/ledger/seeds.ts'
import { SEED_LIFETIME } from '../../../../node/trust/membership.ts'
import { parseExpiry } from '../../expiry.ts'
import { formatEnd } from '../../format.ts'
import { type AdminOptions, administered } from '../../mesh-admin.ts'
import { checkPeer } from '../../peer-argument.ts'
import { writeLines } from '../../print.ts'
import { membersSeen, spreadText } from '../../running-node.ts'

export interface AddOptions extends AdminOptions {
  readonly expires?: string
}

/** Makes a peer a seed, a year from now unless told otherwise. Throws UsageError, and MESH_CONFLICT without mesh or admin key. */
export async function add(peer: string, options: AddOptions): Promise<void> {
  await checkPeer(peer, options)
  const now = Date.now()
  const notAfter = options.expires === undefined ? now + SEED_LIFETIME : parseExpiry(options.expires, now)
  const { data, ledger, adminKey } = administered(options, 'make seeds')
  const seen = await membersSeen(data)
  if (seen && !seen.some(({ id }) => id === peer))
    process.stderr.write(
      `warren: warning: the running node has seen no member ${peer} since it started; «warren status» on the other machine shows whether that is its peer id\n`,
    )
  const before = ledger.state.certificateOf(peer)?.certificate
  // One that was made so is left as it is.
  const isNew = !before || formatEnd(before.notAfter, now) !== formatEnd(notAfter, now)
  if (isNew) certifySeed(ledger, { peer, notAfter }, adminKey, now)
  if (options.json)
    return writeLines(process.stdout, [JSON.stringify({ peer, notAfter: isNew ? notAfter : before.notAfter, isNew }, null, 2)])
  writeLines(process.stdout, [
    `${peer} is a seed until ${formatEnd(notAfter, now)}${isNew ? '' : ' already'}; it takes its certificate from the ledger.`,
    await spreadText(data),
  ])
}
