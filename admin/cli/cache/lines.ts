import type { ArtifactView, KeptView, PurgeView } from '../../api/cache-schema.ts'
import { formatBytes, formatSpan, plural } from '../format.ts'
import { aligned, type Output, styled, table } from '../print.ts'

interface Look {
  /** Ms since the epoch. */
  readonly now: number
  readonly output: Output
}

const DASH = '–'

/** What is kept, as a table. */
export function keptLines(entries: readonly KeptView[], { now, output }: Look): string[] {
  return table(output, [
    ['SIZE', 'SINCE', 'KIND', 'PACKAGE', 'PATH'],
    ...entries.map((one) => [
      one.held ? formatBytes(one.size) : DASH,
      formatSpan(now - one.fetchedAt),
      one.private ? `${one.kind}, private` : one.kind,
      one.package ?? DASH,
      `${one.upstream}${one.path}${one.variant === '' ? '' : ` (${one.variant})`}`,
    ]),
  ])
}

/** All that is known of one entry. */
export function artifactLines(one: ArtifactView, { now, output }: Look): string[] {
  const { mesh } = one
  const members = mesh.members.map(
    ({ id, role, excluded }) => `${role} ${id}${excluded === null ? '' : `, not asked: ${excluded}`}`,
  )
  const nobody = mesh.coversAll ? 'none; all have told what they have' : 'none that is known'
  const rows = [
    ['what', `${one.upstream}${one.path}${one.variant === '' ? '' : ` (${one.variant})`}`],
    ...(one.package === null ? [] : [['package', one.package]]),
    ['mirrors', one.mirrors.join(', ') || 'none any more'],
    ['kind', one.kind],
    ['size', `${formatBytes(one.size)}${one.held ? '' : ', whose bytes are not here'}`],
    ['sha256', one.sha256],
    ...many('verified', one.verified, 'nothing promised a digest'),
    ['fetched', `${formatSpan(now - one.fetchedAt)} ago${one.private ? ' with credentials, so nobody else gets it' : ''}`],
    ['confirmed', `${formatSpan(now - one.checkedAt)} ago${one.freshFor === null ? ', never to be asked for again' : ''}`],
    ...many(
      'headers',
      Object.entries(one.headers).map((pair) => pair.join(': ')),
      'none',
    ),
    ...many('members', members, nobody),
    ...(mesh.seeds.length === 0 ? [] : [['home seed', mesh.seeds.join(', then ')]]),
  ]
  return aligned(rows, { decorate: (cell, _row, column) => (column === 0 ? styled(output, 'dim', cell) : cell) })
}

/** How a purge stands, in one line. */
export function purgeText({ freed: { records, bytes }, state, looked, trouble }: PurgeView): string {
  const freed = `${plural(records, 'name')} and ${formatBytes(bytes)}`
  if (state === 'done') return `purged ${freed}`
  return `purging: ${freed} so far, ${looked} looked at${trouble === null ? '' : `; it does not get on: ${trouble}`}`
}

function many(label: string, values: readonly string[], none: string): string[][] {
  return (values.length > 0 ? values : [none]).map((value, at) => [at === 0 ? label : '', value])
}
