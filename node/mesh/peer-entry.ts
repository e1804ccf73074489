import { isIP } from 'node:net'
import { parseMeshAddress } from '../member-address.ts'
import { parseTcpAddress, toHostPort } from '../tcp-address.ts'
import type { Role } from '../trust/standing.ts'
import type { KnownPeer } from './mesh-status.ts'

/** Addresses of one member that are kept: each is dialled until one answers. */
export const MAX_ADDRESSES = 8

/** What the peer book keeps of a member. Times in ms since the epoch. */
export interface Entry {
  readonly id: string
  role: Role
  version: string
  notAfter: number
  zone: string | undefined
  ticket: string | undefined
  ephemeral: boolean
  /** What it says itself. */
  announced: readonly string[]
  /** Hosts from which, or to which, it was connected; last one first. */
  readonly addresses: Set<string>
  /** Where it says that it listens; what connections show are the ports that it dials from. */
  listens: readonly string[]
  /** Worked out from `announced` and `addresses`; undefined when they have changed. */
  blobs: readonly string[] | undefined
  connections: number
  /** When the first of them was opened. */
  since: number
  lastSeen: number
  latency: number | undefined
  bytesIn: number
  bytesOut: number
  lies: number
  quarantine: { until: number; reason: string } | undefined
  warmUntil: number
  wrongGuesses: number
  busyUntil: number
}

/** Somebody who has just shown a card for the first time. */
export function newEntry(id: string, now: number): Entry {
  return {
    id,
    role: 'member',
    version: '',
    notAfter: 0,
    zone: undefined,
    ticket: undefined,
    ephemeral: false,
    announced: [],
    addresses: new Set(),
    listens: [],
    blobs: undefined,
    connections: 0,
    since: now,
    lastSeen: now,
    latency: undefined,
    bytesIn: 0,
    bytesOut: 0,
    lies: 0,
    quarantine: undefined,
    warmUntil: 0,
    wrongGuesses: 0,
    busyUntil: 0,
  }
}

/** Whether it is forgotten as soon as it goes. A liar is remembered, whatever it says of itself. */
export function isPassing({ ephemeral, role, lies }: Entry): boolean {
  return ephemeral && role === 'member' && lies === 0
}

export function isQuarantined({ quarantine }: Entry, now: number): boolean {
  return quarantine !== undefined && quarantine.until > now
}

/** As others are told of it. */
export function statusOf(entry: Entry, now: number): KnownPeer {
  const { id, role, version, notAfter, zone, ticket, connections, lastSeen, latency, bytesIn, bytesOut, quarantine } = entry
  return {
    id,
    role,
    version,
    notAfter,
    zone: zone ?? null,
    ticket: ticket ?? null,
    addresses: entry.listens.length > 0 ? entry.listens : [...entry.addresses].reverse(),
    blobs: blobsOf(entry),
    connected: connections > 0,
    lastSeen: connections > 0 ? now : lastSeen,
    latency: latency ?? null,
    bytesIn,
    bytesOut,
    quarantine: quarantine && isQuarantined(entry, now) ? quarantine : null,
  }
}

/** Where its blobs may be had, likeliest first. */
export function blobsOf(entry: Entry): readonly string[] {
  entry.blobs ??= blobAddresses(entry)
  return entry.blobs
}

/**
 * Where a member's blobs may be had: what it says itself, after the hosts to which connections really go, with the ports that
 * it says. Behind address translation its own idea of its address is of no use to others.
 */
function blobAddresses({ announced, addresses }: Entry): string[] {
  const hosts = [...addresses].reverse().flatMap((address) => {
    const host = parseMeshAddress(address)?.host ?? ''
    return isIP(host) === 0 ? [] : [host]
  })
  const ports = new Set(announced.flatMap((address) => parseTcpAddress(address)?.port ?? []))
  const observed = hosts.flatMap((host) => [...ports].map((port) => toHostPort({ host, port })))
  // Connections may come out of many gateways that lead nowhere: they must not crowd out what the member says itself.
  return [...new Set([...observed.slice(0, MAX_ADDRESSES / 2), ...announced])].slice(0, MAX_ADDRESSES)
}
