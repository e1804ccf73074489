import type { Counts, Status } from '../api/status-schema.ts'
import { formatBytes, formatSpan, plural } from './format.ts'

const DAY = 86_400_000
/** Ms before the end of its certificate from which a member says so: less than most tickets last, which would warn from the start. */
export const WARNED_AHEAD = 7 * DAY
/** The same of a seed, whose certificate is for a year: somebody may have to fetch the admin key from where it is kept. */
export const SEED_WARNED_AHEAD = 30 * DAY

/** What to do in no mesh. */
export const JOIN_ONE = '«warren mesh create» or «warren mesh join»'

/** With what the token opens, or without. */
type ShownMesh = Counts['mesh'] & Partial<Status['mesh']>

/** How a node stands in its mesh, for people: the most important thing first. */
export function meshFacts(mesh: ShownMesh, now: number): string[] {
  const trouble = mesh.trouble ? [mesh.trouble] : []
  if (mesh.state === 'lone') return [`none; ${JOIN_ONE}`, ...trouble]
  const others = mesh.peers > 0 ? connectedText(mesh) : 'no other member is connected'
  return [
    `${mesh.id === undefined ? '' : `${mesh.id}, `}${mesh.role}, ${others}; ${formatBytes(mesh.bytesIn)} in, ${formatBytes(mesh.bytesOut)} out`,
    ...trouble,
    `peer ${mesh.peer}`,
    ...(mesh.listen ? [`at ${mesh.listen.join(' ') || 'no address'}; blobs at ${mesh.blobs ?? 'no address'}`] : []),
    ...routerFacts(mesh.router),
    ...(mesh.readerOnly ? ['it only takes: no member can reach its blobs; open that port, or set mesh.announce'] : []),
    ...pinFacts(mesh.pins),
    ...ledgerFacts(mesh.ledger),
    ...certificateFacts(mesh, now),
  ]
}

/** Whether there is a seed decides who asks registries. */
function connectedText({ peers, seeds }: ShownMesh): string {
  return `connected with ${plural(peers, 'member')} (${seeds === 0 ? 'no seed' : plural(seeds, 'seed')})`
}

function pinFacts(pins: Status['mesh']['pins']): string[] {
  if (!pins) return []
  if (!pins.counted) return ['its pins are not counted yet; see «warren pin»']
  const where = pins.missing === 0 ? 'all on their seeds' : `${pins.missing} not on all their seeds yet; see «warren pin»`
  return [`keeps ${plural(pins.wanted, 'pin')}, ${where}`]
}

/** What was changed in the whole mesh is in effect here; whether that is all of it only a seed can say. */
function ledgerFacts(ledger: Status['mesh']['ledger']): string[] {
  if (!ledger || (ledger.ops === 0 && ledger.confirmed)) return []
  const ops = plural(ledger.ops, 'op')
  return [
    ledger.confirmed
      ? `ledger of ${ops} in effect`
      : `ledger: unconfirmed: ${ops} known here, and no seed has said yet that there are no more`,
  ]
}

/** How often it was known where something is. */
function routerFacts(router: Status['mesh']['router']): string[] {
  if (!router || router.inventory.hit + router.inventory.miss === 0) return []
  const { inventory, guess, dht } = router
  return [
    `looked for ${plural(inventory.hit + inventory.miss, 'blob')}: ${inventory.hit} listed by members (${inventory.false} wrongly), ${guess.right} of ${guess.right + guess.wrong} guesses right, ${dht.hit} of ${dht.hit + dht.miss} in the DHT`,
  ]
}

function certificateFacts({ role, notAfter, peer }: ShownMesh, now: number): string[] {
  if (notAfter === null || notAfter - now > (role === 'seed' ? SEED_WARNED_AHEAD : WARNED_AHEAD)) return []
  const when = notAfter < now ? 'has ended' : `ends in ${formatSpan(notAfter - now)}`
  const remedy =
    role === 'seed'
      ? `renew it where the admin key is with «warren seed renew ${peer}»`
      : 'make a new ticket with «warren mesh ticket», and «warren mesh join» here'
  return [`its certificate ${when}: ${remedy}`]
}
