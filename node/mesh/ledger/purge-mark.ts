import { createHash } from 'node:crypto'
import type { LedgerState } from '../../ledger/state.ts'

/** What every answer over the data plane carries once anything was purged. */
export const PURGES = 'x-warren-purges'

/** Hex digits of a mark. */
const MARK_CHARS = 32

/**
 * By what two nodes see whether they have carried out the same purges, whatever their clocks say: a digest over the ops. Empty as long as
 * there was none.
 */
export function purgeMark(state: LedgerState): string {
  const hashes = state.inEffect('purged').map(({ op }) => op.hash)
  if (hashes.length === 0) return ''
  return createHash('sha256').update(hashes.sort().join('\n')).digest('hex').slice(0, MARK_CHARS)
}
