import { type Effect, effectOf } from '../../../node/ledger/effect.ts'
import type { Ledger } from '../../../node/ledger/ledger.ts'
import type { Op } from '../../../node/ledger/op.ts'
import { ledgerSchema } from '../../api/ops-schema.ts'
import { formatEnd } from '../format.ts'
import { type AdminOptions, meshAt } from '../mesh-admin.ts'
import { ownNode } from '../own-node.ts'
import { type Output, table, writeLines } from '../print.ts'
import { ledgerOfNode } from './ledger-of-node.ts'
import { COLUMNS, EMPTY, type Fate, firstCells, nodesText, SHORT_HASH } from './ledger-text.ts'

/** The last ops, of which the node is asked what has become of them. */
const SHOWN_FATES = 500

/**
 * Lists the ops that the node of a data folder knows; while it runs, also who has put them into effect. Of a node that is named what that one
 * tells. Throws MESH_CONFLICT when it is in no mesh.
 */
export async function ledger({ node, ...options }: AdminOptions & { readonly node?: string }): Promise<void> {
  if (node !== undefined) return ledgerOfNode({ ...options, node })
  const { ledger: known, data } = meshAt(options)
  const fates = await fatesAt(data)
  const all = known.all().map((op) => ({ ...facts(op, known), ...fates?.get(op.hash) }))
  if (options.json) writeLines(process.stdout, [JSON.stringify({ ...known.summary, ops: all }, null, 2)])
  else writeLines(process.stdout, ledgerLines(known, process.stdout, fates))
}

/** The ops for people, the oldest first. */
export function ledgerLines(known: Ledger, output: Output, fates?: ReadonlyMap<string, Fate>): string[] {
  if (known.all().length === 0) return EMPTY
  return table(output, [
    [...COLUMNS, ...(fates ? ['nodes'] : [])],
    ...known.all().map((op) => {
      const effect = effectOf(op, known.scope)
      return [
        ...firstCells(op),
        effect ? subjectText(effect, known) : '',
        effectText(op, effect, known),
        ...(fates ? [nodesText(fates.get(op.hash))] : []),
      ]
    }),
  ])
}

/** Undefined where no node runs on the data folder. */
async function fatesAt(data: string): Promise<ReadonlyMap<string, Fate> | undefined> {
  try {
    const { ops } = ledgerSchema.parse(await ownNode(data)?.get(`/admin/v1/ops?limit=${SHOWN_FATES}`))
    return new Map(ops.map(({ hash, appliedBy, missing }) => [hash, { appliedBy, missing }]))
  } catch {
    // What it has written down is there all the same.
    return undefined
  }
}

function facts(op: Op, known: Ledger) {
  const { hash, author, seq, prev, lamport, issuedAt, type, body } = op
  const effect = effectOf(op, known.scope)
  return {
    hash,
    author,
    seq,
    prev,
    lamport,
    issuedAt,
    type,
    subject: effect ? nameOf(effect) : null,
    effect: effect?.kind ?? null,
    operator: op.operator ?? null,
    inEffect: known.state.isInEffect(op),
    body,
  }
}

/** What it is about: the id of a ticket or of a peer, a package URL, a mirror, the scopes of a purge. */
function nameOf(effect: Effect): string {
  switch (effect.kind) {
    case 'ticket revoked':
      return effect.ticket
    case 'seed revoked':
      return effect.peer
    case 'seed certified':
    case 'seed renewed':
      return effect.certificate.peer
    case 'operator revoked':
      return effect.operator
    case 'ops kept':
      return effect.ops.map((hash) => hash.slice(0, SHORT_HASH)).join(' ')
    case 'purged':
      return effect.scopes.map((scope) => Object.values(scope).join(' ')).join(', ')
    case 'package blocked':
    case 'package unblocked':
      return effect.purl
    case 'policy set':
    case 'policy unset':
      return effect.setting
    case 'mirror set':
    case 'mirror unset':
      return effect.name
  }
}

/** The same for people, who know operators by their names rather than by their keys. */
function subjectText(effect: Effect, known: Ledger): string {
  if (effect.kind !== 'operator revoked') return nameOf(effect)
  return known.all().find(({ author }) => author === effect.operator)?.operator ?? nameOf(effect)
}

function effectText(op: Op, effect: Effect | undefined, { state }: Ledger): string {
  if (!effect) return 'not known to this version'
  if (state.isVoid(op)) return 'void: its author was revoked'
  if (!state.isInEffect(op)) return 'replaced by a later op'
  return 'certificate' in effect ? `${effect.kind} until ${formatEnd(effect.certificate.notAfter, Date.now())}` : effect.kind
}
