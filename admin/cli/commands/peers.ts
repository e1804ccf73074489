import { parseMeshAddress } from '../../../node/member-address.ts'
import { toHostPort } from '../../../node/tcp-address.ts'
import { ledgerDiffersFor } from '../../api/peer-facts.ts'
import { type Peers, peersSchema } from '../../api/peers-schema.ts'
import { type Status, statusSchema } from '../../api/status-schema.ts'
import { ApiClient } from '../api-client.ts'
import { formatBytes, formatSpan } from '../format.ts'
import { JOIN_ONE, SEED_WARNED_AHEAD } from '../mesh-facts.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { type Output, table, writeLines } from '../print.ts'

type Peer = Peers['peers'][number]

/** Characters of a peer id that people get to see; the beginnings of all are the same. */
const SHORT_ID = 8

/** What a member may have a seed do, and in which time. */
const BUDGET_SPANS = [
  ['requests', 'of this minute'],
  ['fetches', 'of this hour'],
  ['bytes', 'of this day'],
  ['pulls', 'of this day'],
] as const

/** Shows the other members of the mesh. Throws UnreachableError. */
export async function peers(options: NodeOptions & { readonly json?: boolean }): Promise<void> {
  const { base, token } = nodeAt(options)
  const client = new ApiClient(base, token())
  const answer = await client.get('/admin/v1/peers')
  const parsed = peersSchema.safeParse(answer)
  if (!parsed.success)
    throw new Error(`${base} answers with something that is no list of members; is it a node of another version?`)
  // As the node sent it: a newer one may tell more than this command knows.
  if (options.json) return writeLines(process.stdout, [JSON.stringify(answer, null, 2)])
  if (parsed.data.peers.length > 0) return writeLines(process.stdout, peersLines(parsed.data.peers, Date.now(), process.stdout))
  const status = statusSchema.safeParse(await client.get('/admin/v1/status'))
  writeLines(process.stdout, [nobodyText(status.data?.mesh)])
}

/** The members for people. */
export function peersLines(all: Peers['peers'], now: number, output: Output): string[] {
  const hasZones = all.some(({ zone }) => zone !== null)
  const facts = ['address', 'blobs', 'latency', 'in', 'out', 'version', 'why']
  const heading = ['peer', 'role', 'state', ...(hasZones ? ['zone'] : []), ...facts]
  return table(output, [
    all.some((peer) => whyText(peer, now) !== '') ? heading : heading.slice(0, -1),
    ...all.map((peer) => [
      peer.id.slice(-SHORT_ID),
      peer.role,
      stateText(peer, now),
      ...(hasZones ? [peer.zone ?? ''] : []),
      addressText(peer),
      inventoryText(peer),
      peer.latency === null ? '' : `${peer.latency < 10 ? peer.latency.toFixed(1) : Math.round(peer.latency)} ms`,
      formatBytes(peer.bytesIn),
      formatBytes(peer.bytesOut),
      peer.version,
      whyText(peer, now),
    ]),
  ])
}

/** Why there are no members to show. */
export function nobodyText(mesh: Status['mesh'] | undefined): string {
  if (mesh?.state === 'lone') return `This node is in no mesh; ${JOIN_ONE}.`
  return `No other member is known yet${mesh?.trouble ? `: ${mesh.trouble}` : ''}.`
}

function stateText({ quarantine, connected, lastSeen }: Peer, now: number): string {
  if (quarantine) return `quarantined for ${formatSpan(quarantine.until - now)}`
  return connected ? 'connected' : `seen ${formatSpan(now - lastSeen)} ago`
}

/** How much it told that it has. */
function inventoryText({ inventory }: Peer): string {
  if (!inventory) return ''
  if (inventory.state === 'ignored') return 'ignored'
  return inventory.state === 'stale' ? `${inventory.keys}, old` : String(inventory.keys)
}

/** What somebody should know of it, or do. */
function whyText(peer: Peer, now: number): string {
  const { quarantine, inventory, role, notAfter, budget } = peer
  if (quarantine) return quarantine.reason
  if (inventory?.ignored) return inventory.ignored.reason
  return [...ledgerNotes(peer, now), ...certificateNotes(role, notAfter, now), ...budgetNotes(budget)].join('; ')
}

function ledgerNotes(peer: Peer, now: number): string[] {
  const ms = ledgerDiffersFor(peer, now)
  return ms === undefined ? [] : [`it has had another ledger for ${formatSpan(ms)}: it holds ops back, or takes none`]
}

function certificateNotes(role: Peer['role'], notAfter: number, now: number): string[] {
  if (role !== 'seed' || notAfter - now > SEED_WARNED_AHEAD) return []
  return [
    notAfter < now ? 'its certificate has ended' : `its certificate ends in ${formatSpan(notAfter - now)}: warren seed renew`,
  ]
}

/** What this seed does no more for it for a while, so that it asks upstream itself. */
function budgetNotes(budget: Peer['budget']): string[] {
  const spent = BUDGET_SPANS.filter(([kind]) => budget?.[kind] === 0)
  return spent.map(([kind, span]) => `its mesh.budget.${kind} ${span} are used up`)
}

/** Where it hands out blobs; of one that does not, where its connection comes from, as `host:port` if that is TCP. */
function addressText({ addresses, blobs }: Peer): string {
  const first = blobs[0] ?? addresses[0] ?? ''
  const address = parseMeshAddress(first)
  return address ? toHostPort(address) : first
}
