import type { Peer } from '../../api/types.ts'
import * as format from '../../format.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { HealthBadge } from '../../parts/health.tsx'
import { healthOf } from './health.ts'

/** All that this node knows of another member. */
export function PeerDialog({ peer, onClose }: { readonly peer: Peer; readonly onClose: () => void }) {
  const { inventory, quarantine, budget } = peer
  return (
    <Dialog title={`${peer.role === 'seed' ? 'Seed' : 'Member'} ${format.shortId(peer.id)}`} onClose={onClose}>
      <Facts
        of={{
          State: <HealthBadge {...healthOf(peer)} />,
          Quarantine: quarantine && `until ${format.time(quarantine.until)}: ${quarantine.reason}`,
          'Peer id': <code>{peer.id}</code>,
          Zone: peer.zone,
          Version: peer.version,
          Seen: format.ago(peer.lastSeen),
          'Round trip': peer.latency === null ? undefined : `${peer.latency.toFixed(1)} ms`,
          Addresses: peer.addresses.join(', ') || undefined,
          'Hands out blobs at': peer.blobs.join(', ') || 'nowhere: a reader only',
          'From it': format.bytes(peer.bytesIn),
          'To it': format.bytes(peer.bytesOut),
          Inventory: inventory && `${format.number(inventory.keys)} digests, ${inventory.state}`,
          'Not believed': inventory?.ignored && `until ${format.time(inventory.ignored.until)}: ${inventory.ignored.reason}`,
          'Another ledger': peer.ledgerDiffersSince && `since ${format.time(peer.ledgerDiffersSince)}`,
          'Left of its budget':
            budget &&
            `${format.number(budget.requests)} requests, ${format.number(budget.fetches)} fetches, ${format.bytes(budget.bytes)}, ${budget.pulls} pulls`,
          Certificate: `until ${format.time(peer.notAfter)}`,
          Ticket: peer.ticket && <code>{peer.ticket}</code>,
        }}
      />
    </Dialog>
  )
}
