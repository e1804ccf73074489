import { ledgerDiffersFor } from '../../../api/peer-facts.ts'
import type { Peer } from '../../api/types.ts'
import type { Health } from '../../parts/health.tsx'

/** How another member is in the eyes of this node. */
export function healthOf(peer: Peer): { readonly health: Health; readonly text: string } {
  const { quarantine, connected, inventory } = peer
  if (quarantine) return { health: 'bad', text: 'in quarantine' }
  if (!connected) return { health: 'idle', text: 'away' }
  if (inventory?.state === 'ignored') return { health: 'warn', text: 'not believed' }
  if (ledgerDiffersFor(peer, Date.now()) !== undefined) return { health: 'warn', text: 'another ledger' }
  return { health: 'good', text: 'connected' }
}
