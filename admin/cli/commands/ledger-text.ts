import type { OpAnswer } from '../../api/ops-schema.ts'

/** Characters of a hash that people get to see. */
export const SHORT_HASH = 12

export const EMPTY = [
  'The ledger of this node is empty: nothing was changed in the mesh that it knows of.',
  'A node hears what the admin and operators changed once it is connected.',
]

/** What has become of an op in the mesh, as a running node tells. */
export type Fate = Pick<OpAnswer, 'appliedBy' | 'missing'>

export function nodesText(fate: Fate | undefined): string {
  if (!fate?.appliedBy) return '–'
  const { appliedBy, missing } = fate
  return missing.length === 0 ? `all ${appliedBy.length}` : `${appliedBy.length}, ${missing.length} missing`
}
