import { ledgerDiffersFor } from '../../../api/peer-facts.ts'
import { formatSpan, plural } from '../../format.ts'
import { JOIN_ONE } from '../../mesh-facts.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import { isWithoutSeeds, type Scene, statusOf } from '../scene.ts'

/** Whether the node has company: members, seeds, and whether they can fetch from it. */
export function checkPeers(scene: Scene): readonly Finding[] {
  const { node } = scene
  if (!node) return []
  const { mesh } = node.status
  const trouble = statusOf(scene)?.mesh.trouble ?? null
  if (mesh.state === 'lone') return trouble === null ? [ok(`in no mesh; ${JOIN_ONE}`)] : [wrong(trouble, 'see warren status')]
  const found: Finding[] = []
  // The first machine of a mesh, before anybody was let in: whether its port is open nobody can say yet.
  if (mesh.peers === 0 && mesh.role === 'seed' && trouble === null && node.peers?.length === 0)
    found.push(
      note(
        'no other member is known yet',
        '«warren mesh ticket» lets machines in; if one has joined, open mesh.listen (7471 unless it is set) to it',
      ),
    )
  else if (mesh.peers === 0)
    found.push(
      wrong(
        trouble ?? 'no other member is connected',
        trouble?.includes('with a new ticket')
          ? 'where the admin key is «warren mesh ticket» makes one; pipe it into «warren mesh join» here'
          : 'open mesh.listen (7471 unless it is set) between the machines, or name members in mesh.bootstrap',
      ),
    )
  else if (mesh.seeds === 0 && mesh.role === 'member')
    found.push(
      (isWithoutSeeds(scene) ? note : wrong)(
        `${plural(mesh.peers, 'member')} and no seed: nothing new is kept for good`,
        'start the seeds, or add one (warren seed add)',
      ),
    )
  else found.push(ok(`${plural(mesh.peers, 'member')}, ${plural(mesh.seeds, 'seed')} connected`))
  if (mesh.readerOnly) {
    const what = 'no member can fetch from it'
    const action = 'open mesh.blobs (7472 unless it is set) to the others, or say where they reach it (mesh.announce)'
    found.push(mesh.role === 'seed' ? wrong(`${what}, although it is a seed`, action) : note(what, action))
  }
  return [...found, ...(node.peers ?? []).flatMap((peer) => aboutPeer(peer, scene.now))]
}

function aboutPeer(peer: NonNullable<NonNullable<Scene['node']>['peers']>[number], now: number): Finding[] {
  const { id, quarantine, inventory } = peer
  const short = `…${id.slice(-8)}`
  if (quarantine)
    return [
      note(
        `${short} is not asked for ${formatSpan(quarantine.until - now)}: ${quarantine.reason}`,
        'if it is not yours any more: warren mesh revoke',
      ),
    ]
  const differs = ledgerDiffersFor(peer, now)
  if (differs !== undefined)
    return [
      note(
        `${short} has had another ledger for ${formatSpan(differs)}: it holds ops back, or takes none`,
        'update it if it is older; if it is not yours any more: warren mesh revoke',
      ),
    ]
  return inventory?.ignored ? [note(`what ${short} says that it has is not believed: ${inventory.ignored.reason}`)] : []
}
