import type { OpAnswer } from '../../api/ops-schema.ts'

/** Characters of a hash that people get to see. */
export const SHORT_HASH = 12

/** Names of the columns of a list of ops, but for that of the nodes. */
export const COLUMNS = ['op', 'issued', 'author', 'type', 'subject', 'effect'] as const

/** What a list says first of each op, whoever tells of it. */
export function firstCells({ hash, issuedAt, operator, type }: Told): string[] {
  const issued = new Date(issuedAt).toISOString().slice(0, 16).replace('T', ' ')
  return [hash.slice(0, SHORT_HASH), issued, operator ?? 'admin', type]
}

interface Told {
  readonly hash: string
  readonly issuedAt: number
  /** Name of the operator; none for the admin. */
  readonly operator?: string | null | undefined
  readonly type: string
}

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
