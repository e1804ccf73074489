import type { Peer } from '../../api/types.ts'
import type { Health } from '../../parts/health.tsx'

/** How another member is in the eyes of this node. */
export function healthOf({ quarantine, connected, inventory }: Peer): { readonly health: Health; readonly text: string } {
  if (quarantine) return { health: 'bad', text: 'in quarantine' }
  if (!connected) return { health: 'idle', text: 'away' }
  if (inventory?.state === 'ignored') return { health: 'warn', text: 'not believed' }
  return { health: 'good', text: 'connected' }
}
