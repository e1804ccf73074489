import type { Peer } from '../../api/types.ts'

export interface Placed {
  readonly peer: Peer
  readonly x: number
  readonly y: number
}

interface Zone {
  readonly name: string
  readonly x: number
  readonly y: number
}

export interface Layout {
  readonly placed: readonly Placed[]
  /** Where names of zones stand; none while all are in one. */
  readonly zones: readonly Zone[]
  /** Of the circle that holds all of it. */
  readonly radius: number
}

/** Distances of seeds from the middle, of members from the seeds, and between neighbours on a ring. */
const SEEDS = 95
const BEYOND = 55
const SEED_GAP = 26
const GAP = 17

/**
 * Seeds on a ring around this node, and members beyond, each zone in a sector of its own as wide as it has members. Nothing moves by
 * itself: whoever is known stays where it is as long as the same members are there.
 */
export function layoutOf(peers: readonly Peer[]): Layout {
  const ordered = [...peers].sort((a, b) => (a.id < b.id ? -1 : 1))
  const seeds = ordered.filter(({ role }) => role === 'seed')
  const members = Map.groupBy(
    ordered.filter(({ role }) => role === 'member'),
    ({ zone }) => zone ?? '',
  )
  const count = Math.max(1, peers.length - seeds.length)
  const ring = Math.max(SEEDS, (SEED_GAP * seeds.length) / (2 * Math.PI))
  const placed = seeds.map((peer, at) => ({ peer, ...on(ring, -0.25 + at / seeds.length) }))
  const names: { name: string; turn: number }[] = []
  let begin = -0.25
  // A mesh of two is not drawn larger than one of twenty.
  let radius = ring + BEYOND
  for (const [name, zone] of [...members].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const width = zone.length / count
    // A gap between zones, where there are several.
    const gap = members.size < 2 ? 0 : 0.03 * width
    const inner = rings(zone, { from: ring + BEYOND, begin: begin + gap, width: width - 2 * gap })
    placed.push(...inner.placed)
    radius = Math.max(radius, inner.radius)
    names.push({ name: name === '' ? 'no zone' : name, turn: begin + width / 2 })
    begin += width
  }
  const zones = members.size < 2 ? [] : names.map(({ name, turn }) => ({ name, ...on(radius + 26, turn) }))
  return { placed, zones, radius: radius + (zones.length > 0 ? 60 : 24) }
}

/** Where a zone is: beyond a radius, and between two turns. */
interface Sector {
  readonly from: number
  readonly begin: number
  readonly width: number
}

/** Fills a sector ring by ring, from the inside. */
function rings(zone: readonly Peer[], { from, begin, width }: Sector): { placed: Placed[]; radius: number } {
  const placed: Placed[] = []
  let radius = from
  for (let first = 0; first < zone.length; radius += GAP) {
    const fits = Math.max(1, Math.floor((2 * Math.PI * radius * width) / GAP))
    const ring = zone.slice(first, first + fits)
    placed.push(...ring.map((peer, at) => ({ peer, ...on(radius, begin + (width * (at + 0.5)) / ring.length) })))
    first += fits
  }
  return { placed, radius }
}

/** A place on a circle; a turn is 1. */
function on(radius: number, turn: number): { x: number; y: number } {
  return { x: round(radius * Math.cos(2 * Math.PI * turn)), y: round(radius * Math.sin(2 * Math.PI * turn)) }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
