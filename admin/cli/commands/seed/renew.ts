import { WarrenError } from '../../../../node/errors.ts'
import { isDue, knownSeeds, renewSeed } from '../../../../node/ledger/seeds.ts'
import { formatEnd } from '../../format.ts'
import { type AdminOptions, administered, type MeshAt } from '../../mesh-admin.ts'
import { checkPeer } from '../../peer-argument.ts'
import { writeLines } from '../../print.ts'
import { membersSeen, spreadText } from '../../running-node.ts'

export interface RenewOptions extends AdminOptions {
  readonly all?: boolean
}

/**
 * Renews the certificate of a seed, of all, or of those that have a third of their life left or less. Throws UsageError, and
 * MESH_CONFLICT without mesh or admin key, or for a seed that was revoked.
 */
export async function renew(peer: string | undefined, options: RenewOptions): Promise<void> {
  if (peer !== undefined) await checkPeer(peer, options)
  const mesh = administered(options, 'renew certificates')
  const now = Date.now()
  if (peer === undefined) await tellOfTicketSeeds(mesh)
  const renewed = wanted(mesh, peer, options.all === true, now).map(
    (seed) => renewSeed(mesh.ledger, seed, mesh.adminKey, now).certificate,
  )
  if (options.json) {
    const seeds = renewed.map(({ peer: id, notAfter }) => ({ peer: id, notAfter }))
    return writeLines(process.stdout, [JSON.stringify({ renewed: seeds }, null, 2)])
  }
  if (renewed.length === 0) return writeLines(process.stdout, ['No certificate has to be renewed yet; --all renews every one.'])
  writeLines(process.stdout, [
    ...renewed.map((certificate) => `${certificate.peer} is a seed until ${formatEnd(certificate.notAfter, now)}.`),
    await spreadText(mesh.data),
  ])
}

/** A certificate by ticket ends with that: nothing renews it, and nobody should learn that from a seed that is gone. */
async function tellOfTicketSeeds({ data, ledger, membership }: MeshAt): Promise<void> {
  const certified = new Set(knownSeeds(ledger, membership).map((seed) => seed.peer))
  for (const { id, role, ticket } of (await membersSeen(data)) ?? []) {
    if (role !== 'seed' || ticket === null || certified.has(id)) continue
    process.stderr.write(
      `warren: ${id} is a seed by ticket ${ticket} until that ends, and is left out: «warren seed renew ${id}» gives it a certificate of its own\n`,
    )
  }
}

function wanted({ ledger, membership }: MeshAt, peer: string | undefined, all: boolean, now: number) {
  const known = knownSeeds(ledger, membership)
  if (peer === undefined) return all ? known : known.filter((seed) => isDue(seed, now))
  if (ledger.state.seedRevocation(peer))
    throw new WarrenError('MESH_CONFLICT', `${peer} was revoked as a seed; «warren seed add ${peer}» makes it one again`)
  return [known.find((seed) => seed.peer === peer) ?? { peer }]
}
