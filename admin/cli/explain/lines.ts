import type { Explanation } from '../../api/explain-schema.ts'
import { formatBytes, formatSpan } from '../format.ts'
import { aligned, type Output, styled } from '../print.ts'

/** Characters of a peer id that people get to see; the beginnings of all are the same. */
const SHORT_ID = 8

/** As `warren status` calls them. */
const STATES = {
  unasked: 'not asked yet',
  closed: 'well',
  open: 'failing, and left alone for a while',
  'half-open': 'failing, being tried',
  frozen: 'resting',
}

interface Look {
  /** Ms since the epoch. */
  readonly now: number
  readonly output: Output
}

/** Where something would come from, for people. */
export function explainLines(explanation: Explanation, { now, output }: Look): string[] {
  const { key, mirror, kind, digests, members, coversAll, seeds, headStart, upstream, source, why } = explanation
  const first = (label: string, values: readonly string[], none: string): string[][] =>
    (values.length > 0 ? values : [none]).map((value, at) => [at === 0 ? label : '', value])
  const facts = [
    ['what', key],
    ['source', `${source}: ${why}`],
    ...(mirror === null ? [] : [['mirror', `${mirror}${kind === null ? '' : `, ${kind}`}`]]),
    ...first('digests', digests, 'not known without asking upstream'),
    ['held', heldText(explanation.held, now)],
    ...first('members', members.map(memberText), coversAll ? 'none; all have told what they have' : 'none that is known'),
    ...(seeds.length === 0 ? [] : [['home seed', seeds.map(shortId).join(', then ')]]),
    ['head start', `${headStart} ms for members`],
    ...(upstream ? [['upstream', upstreamText(upstream)]] : []),
  ]
  return aligned(facts, { decorate: (cell, _row, column) => (column === 0 ? styled(output, 'dim', cell) : cell) })
}

function heldText(held: Explanation['held'], now: number): string {
  if (!held) return 'no'
  const { since, size, sha256, stale } = held
  const parts = [
    ...(since === null ? [] : [`for ${formatSpan(now - since)}`]),
    ...(size === null ? [] : [formatBytes(size)]),
    `sha256:${sha256}`,
    ...(stale ? ['old: upstream is asked again'] : []),
    ...(held.private ? ['came with credentials, so nobody else gets it'] : []),
  ]
  return parts.join(', ')
}

function memberText({ id, role, zone, by, excluded }: Explanation['members'][number]): string {
  const who = `${role} ${shortId(id)}${zone === null ? '' : ` in ${zone}`}`
  const how = by === 'inventory' ? 'says that it has it' : 'is named by the DHT'
  return `${who} ${how}${excluded === null ? '' : `, but is not asked: ${excluded}`}`
}

function upstreamText({ base, private: isPrivate, state, remaining }: NonNullable<Explanation['upstream']>): string {
  const parts = [
    base,
    STATES[state ?? 'unasked'],
    ...(remaining === null ? [] : [`${remaining} requests left`]),
    ...(isPrivate ? ['asked with credentials'] : []),
  ]
  return parts.join(', ')
}

function shortId(id: string): string {
  return id.slice(-SHORT_ID)
}
