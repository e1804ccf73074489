import { type AdminOptions, administered } from '../../mesh-admin.ts'
import { checkPeer } from '../../peer-argument.ts'
import { writeLines } from '../../print.ts'
import { spreadText } from '../../running-node.ts'

/** Revokes a seed; once more changes nothing. Throws UsageError, and MESH_CONFLICT without mesh or admin key. */
export async function revoke(peer: string, options: AdminOptions): Promise<void> {
  checkPeer(peer)
  const { data, ledger, adminKey } = administered(options, 'revoke seeds')
  const before = ledger.state.seedRevocation(peer)
  const op = before ?? ledger.issue('seed.revoke', { peer }, adminKey, Date.now())
  if (options.json) return writeLines(process.stdout, [JSON.stringify({ peer, op: op.hash, isNew: !before }, null, 2)])
  writeLines(process.stdout, [
    before
      ? `${peer} was revoked as a seed before.`
      : `${peer} is no seed any more and is cut off. If it joined by a ticket, revoke that as well («warren mesh revoke»), or it may come back as a member.`,
    await spreadText(data),
  ])
}
