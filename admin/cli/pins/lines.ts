import type { PinsAnswer, PlaceAnswer } from '../../api/pins-schema.ts'
import type { Status } from '../../api/status-schema.ts'
import { formatBytes, formatSpan, plural } from '../format.ts'
import { JOIN_ONE } from '../mesh-facts.ts'
import { aligned, type Output, styled, table } from '../print.ts'

/** Characters of a peer id that people get to see; the beginnings of all are the same. */
const SHORT_ID = 8

type Own = NonNullable<PinsAnswer['own']>

interface Look {
  readonly mesh: Status['mesh']
  /** Ms since the epoch. */
  readonly now: number
  readonly output: Output
}

/** A pin together with what it was asked for by: path and query at the mirrors of a node. */
export interface Placed {
  readonly target: string
  readonly place: PlaceAnswer['place']
}

/** How the pins of a mesh stand, for people. */
export function overviewLines({ own, seeds }: PinsAnswer, look: Look): string[] {
  const { mesh, output } = look
  if (mesh.state === 'lone') return [`This node is in no mesh, so it keeps everything by itself; ${JOIN_ONE}.`]
  const others =
    seeds.length > 0 ? table(output, [['seed', 'pins', 'complete', 'missing', 'sweep', 'why'], ...otherRows(seeds, look)]) : []
  if (!own) return others.length > 0 ? ['This node is no seed. Its seeds say:', ...others] : ['No seed is known yet.']
  const facts = [
    ['pins', countsText(own)],
    ['replicas', replicasText(own)],
    ['sweep', sweepText(own.sweep, look.now)],
  ]
  return [
    ...aligned(facts, { decorate: (cell, _row, column) => (column === 0 ? styled(output, 'dim', cell) : cell) }),
    '',
    ...table(output, [['seed', 'state', 'belong there', 'are there', 'on their way', 'why'], ...ownRows(own, mesh.peer)]),
    ...(others.length > 0 ? ['', 'The other seeds say of what they have:', ...others] : []),
  ]
}

/** On which seeds each of some pins is, for people. */
export function placeLines(pins: readonly Placed[], output: Output): string[] {
  return table(output, [
    ['what', 'size', 'on its seeds', 'elsewhere', 'missing on', 'unknown'],
    ...pins.map(({ target, place }) => {
      if (!place || place.blob === null) return [target, '', 'nothing that other nodes may have']
      const { size, seeds } = place
      const named = (isThese: (seed: (typeof seeds)[number]) => boolean) =>
        seeds
          .filter(isThese)
          .map(({ id }) => shortId(id))
          .join(' ') || '–'
      return [
        target,
        formatBytes(size ?? 0),
        named(({ belongs, holds }) => belongs && holds === true),
        named(({ belongs, holds }) => !belongs && holds === true),
        named(({ belongs, holds }) => belongs && holds === false),
        named(({ holds }) => holds === null),
      ]
    }),
  ])
}

/** A node that was only just started has counted nothing, which must not look as if it had nothing. */
function countsText({ counted, wanted, held, missing, sweep }: Own): string {
  const counts = `${wanted}: ${held} on all their seeds, ${missing} not`
  if (counted) return counts
  return sweep.running
    ? `not all counted yet; so far ${counts}`
    : 'not counted yet since this node started, or seeds came or went'
}

function ownRows({ counted, seeds, sweep }: Own, self: string): string[][] {
  return seeds.map(({ id, connected, wanted, held, pending, reason }) => {
    const state = id === self ? 'this node' : connected ? 'connected' : 'away'
    const counts = counted || sweep.running ? [wanted, held].map(String) : ['', '']
    return [shortId(id), state, ...counts, String(pending), reason ?? '']
  })
}

function otherRows(seeds: PinsAnswer['seeds'], { now }: Look): string[][] {
  return seeds.map(({ id, pins, problem }) => {
    if (!pins) return [shortId(id), '', '', '', '', problem ?? '']
    const counts = pins.counted ? [pins.wanted, pins.held, pins.missing].map(String) : ['', '', '']
    return [shortId(id), ...counts, sweepText(pins.sweep, now), '']
  })
}

function replicasText({ replicas, seeds }: Own): string {
  const connected = seeds.filter((seed) => seed.connected).length
  const there = `${plural(connected, 'seed')} there`
  if (connected >= replicas) return `${replicas}, with ${there}`
  return `${replicas}, but only ${there}: make a member one with «warren seed add»`
}

function sweepText({ running, looked, endedAt, dueAt }: Own['sweep'], now: number): string {
  const next = dueAt === null ? '' : `, the next begins in ${formatSpan(dueAt - now)}`
  const last = `${endedAt === null ? 'none ended yet' : `ended ${formatSpan(now - endedAt)} ago`}${next}`
  return running ? `under way, ${plural(looked, 'pin')} looked at` : last
}

function shortId(id: string): string {
  return id.slice(-SHORT_ID)
}
