import { type Effect, effectOf } from '../../../node/ledger/effect.ts'
import type { Ledger } from '../../../node/ledger/ledger.ts'
import type { Op } from '../../../node/ledger/op.ts'
import { formatEnd } from '../format.ts'
import { type AdminOptions, meshAt } from '../mesh-admin.ts'
import { type Output, table, writeLines } from '../print.ts'

/** Characters of a hash that people get to see. */
const SHORT_HASH = 12

/** Lists the ops that the node of a data folder knows. Throws MESH_CONFLICT when it is in no mesh. */
export function ledger(options: AdminOptions): void {
  const { ledger: known } = meshAt(options)
  if (options.json)
    writeLines(process.stdout, [JSON.stringify({ ...known.summary, ops: known.all().map((op) => facts(op, known)) }, null, 2)])
  else writeLines(process.stdout, ledgerLines(known, process.stdout))
}

/** The ops for people, the oldest first. */
export function ledgerLines(known: Ledger, output: Output): string[] {
  if (known.all().length === 0)
    return [
      'The ledger of this node is empty: it knows of no ticket that was revoked, and of no seed that was added, renewed or revoked.',
      'A node hears what the admin changed once it is connected.',
    ]
  return table(output, [
    ['op', 'issued', 'author', 'type', 'subject', 'effect'],
    ...known.all().map((op) => {
      const effect = effectOf(op, known.scope)
      return [
        op.hash.slice(0, SHORT_HASH),
        new Date(op.issuedAt).toISOString().slice(0, 16).replace('T', ' '),
        authorText(op),
        op.type,
        effect ? nameOf(effect) : '',
        effectText(op, effect, known),
      ]
    }),
  ])
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

function authorText({ operator }: Op): string {
  return operator ?? 'admin'
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

function effectText(op: Op, effect: Effect | undefined, { state }: Ledger): string {
  if (!effect) return 'not known to this version'
  if (state.isVoid(op)) return 'void: its author was revoked'
  if (!state.isInEffect(op)) return 'replaced by a later op'
  return 'certificate' in effect ? `${effect.kind} until ${formatEnd(effect.certificate.notAfter, Date.now())}` : effect.kind
}
