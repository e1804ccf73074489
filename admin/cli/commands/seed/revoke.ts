import { knownSeeds } from '../../../../node/ledger/seeds.ts'
import { type AdminOptions, administered } from '../../mesh-admin.ts'
import { checkPeer } from '../../peer-argument.ts'
import { writeLines } from '../../print.ts'
import { type MemberSeen, membersSeen, spreadText } from '../../running-node.ts'

/** Revokes a seed; once more changes nothing. Throws UsageError, and MESH_CONFLICT without mesh or admin key. */
export async function revoke(peer: string, options: AdminOptions): Promise<void> {
  await checkPeer(peer, options)
  const { data, ledger, membership, adminKey } = administered(options, 'revoke seeds')
  const isCertified = knownSeeds(ledger, membership).some((seed) => seed.peer === peer)
  const seen = (await membersSeen(data))?.find(({ id }) => id === peer)
  const before = ledger.state.seedRevocation(peer)
  const op = before ?? ledger.issue('seed.revoke', { peer }, adminKey, Date.now())
  if (options.json) return writeLines(process.stdout, [JSON.stringify({ peer, op: op.hash, isNew: !before }, null, 2)])
  writeLines(process.stdout, [
    before ? `${peer} was revoked as a seed before.` : effectText(peer, isCertified, seen),
    await spreadText(data),
  ])
}

/** What somebody who wants to be rid of it has to know: a member stays one by its ticket. */
function effectText(peer: string, isCertified: boolean, seen: MemberSeen | undefined): string {
  const ticket = seen?.ticket ?? undefined
  const cutOff =
    ticket === undefined ? '«warren mesh revoke»' : `«warren mesh revoke ${ticket}», which cuts off all who joined by it`
  if (isCertified || seen?.role === 'seed')
    return `${peer} is no seed any more and is cut off. If it joined by a ticket, revoke that as well (${cutOff}), or it may come back as a member.`
  if (seen)
    return `${peer} was no seed and cannot become one by a ticket now. It stays a member until its ticket is revoked (${cutOff}).`
  return `${peer} is not known here as a seed. Whoever has that peer id is refused as one from now on; a ticket still lets it in as a member («warren mesh revoke»).`
}
