import { z } from 'zod'
import type { Mirror } from '../../protocols/protocol.ts'
import type { PolicySettings } from '../policy/policy.ts'
import type { Secret } from '../secret.ts'
import { credentials } from './credentials.ts'
import { mirrorEntry } from './mirror-entry.ts'
import { minimumAge, packagePatterns } from './policy.ts'
import * as rules from './rules.ts'

/** Every setting, its rule and what it is for. The defaults are in `defaults.ts`. */
export const schema = z.strictObject({
  listen: rules
    .listOf(rules.tcpAddress, 'addresses', 1)
    .describe('Addresses of the mirrors: host:port, IPv6 in brackets; port 0 takes a free one'),
  admin: z.strictObject({
    listen: rules.address.describe(
      'Address of the admin API: host:port or unix:/path; the first loopback address of listen if not set',
    ),
    metrics: rules.tcpAddress
      .optional()
      .describe('Further address, at which /metrics and nothing else is for whoever gets there; none if not set'),
  }),
  data: rules.folder.describe('Folder for everything that the node keeps'),
  hosts: rules.listOf(rules.hostName, 'names').describe('Further names by which clients may call this node (Host header)'),
  publicUrl: rules.baseUrl.optional().describe('URL under which clients see this node, when a proxy stands before it'),
  trustedProxies: rules.listOf(rules.network, 'networks').describe('Networks of proxies whose Forwarded headers are believed'),
  log: z.strictObject({
    level: rules
      .oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent')
      .describe('Least severe log line that is written'),
  }),
  store: z.strictObject({
    minFree: rules.minFree.describe('Disk space that is left free; below it nothing more is stored, and serving goes on'),
    quota: rules.quota.describe(
      'Bytes of artifacts above which a member evicts what seeds hold; auto: 20GiB for a member, else none',
    ),
  }),
  memory: z.strictObject({
    hot: rules.memory.describe('Memory for the most wanted small artifacts'),
    rendered: rules.memory.describe('Memory for documents in the form that clients get'),
  }),
  upstream: z.strictObject({
    connectTimeout: rules.timeout.describe('How long to wait for a connection'),
    headersTimeout: rules.timeout.describe('How long to wait for the headers of an answer'),
    idleTimeout: rules.timeout.describe('How long an answer may be silent in the middle'),
    concurrency: rules.count(1, 1024).describe('Requests under way per upstream'),
    patience: rules.age.describe('How long a request waits for an upstream that asked for a pause'),
    ca: rules.listOf(rules.pemFile, 'paths').describe('PEM files of further certificate authorities'),
  }),
  credentials: credentials
    .optional()
    .describe('Logins by registry: username with password or passwordFile, or token or tokenFile'),
  dockerConfig: rules.readableFile.optional().describe('A config.json of Docker, whose logins are used as well'),
  mesh: z.strictObject({
    listen: rules.meshAddress.describe('Address at which members reach this node once it is in a mesh (libp2p)'),
    blobs: rules.meshAddress.describe('Address at which members fetch blobs from this node once it is in a mesh'),
    announce: rules
      .listOf(rules.reachableHost, 'names')
      .describe('Host names or IP addresses by which members reach this node; those of its interfaces if not set'),
    bootstrap: rules
      .listOf(rules.memberAddress, 'addresses')
      .describe('Members to begin with besides those of the ticket: host:port, or a multiaddr'),
    zone: rules.zone
      .optional()
      .describe('Where this machine is, such as eu-west-1a: of members that have a blob, those near by are asked first'),
    ephemeral: rules.truth.describe(
      'Whether this node is here for one job: members forget it, and it keeps only what it cached',
    ),
    replicas: rules
      .count(1, 8)
      .describe('Seeds on which everything is kept that a seed has; all of them, where there are fewer'),
    names: rules
      .oneOf('seeds', 'members')
      .describe('Whose word about names counts, and who fetches for all: seeds, or members that trust each other'),
    budget: z.strictObject({
      requests: rules.count(1, 1_000_000).describe('Questions a minute that a seed answers one member'),
      fetches: rules.count(1, 1_000_000).describe('Questions an hour for which a seed asks upstream on behalf of one member'),
      bytes: rules.memory.describe('Bytes a day that a seed fetches for one member'),
      pulls: rules.count(1, 1_000_000).describe('Pulls a day that a seed makes for one member, of registries that count them'),
    }),
    mdns: rules.truth.describe('Whether members are looked for in the local network (multicast DNS)'),
    uploads: rules
      .count(1, 1024)
      .describe('Blobs over 8 MiB that this node sends to members at once; others are told who else has them'),
    uploadRate: rules.rate.optional().describe('Bytes a second that blobs over 8 MiB may take in all, on their way to members'),
    dht: rules
      .oneOf('auto', 'server', 'client')
      .describe('Whether this node answers look-ups of others; auto: as a seed, or once they can rely on it'),
  }),
  fresh: z.strictObject({
    staleWhileRevalidate: rules.age.describe('How long an outdated answer is served while it is checked in the background'),
    staleIfError: rules.age.describe('How long an outdated answer is served while its upstream is in trouble'),
    negative: rules.age.describe('How long «not found» counts'),
  }),
  policy: z.strictObject({
    allow: packagePatterns.describe(
      'Packages that are let through: package URLs; of a type that is listed, all others are denied',
    ),
    deny: packagePatterns.describe('Packages that are denied: package URLs, such as pkg:npm/left-pad@<1.3.0; above allow'),
    minimumAge: minimumAge.describe('How long a version must have been out, 365d at most; also by type, as in {npm: 3d}'),
    minimumAgeExceptions: packagePatterns.describe('Packages whose versions may be younger: package URLs'),
  }),
  mirrors: z
    .record(z.string(), mirrorEntry, { error: 'a group of mirrors by name' })
    .describe('Mirrors by name, each with protocol, path and upstreams; false takes a built-in one away'),
})

/** A mirror with everything that is known about it. */
export interface MirrorConfig extends Mirror {
  readonly protocol: string
  /** Stands above what the mesh says. */
  readonly local: boolean
  /** Certificate authorities that are trusted at one of its upstreams only. */
  readonly authorities?: readonly Authority[]
}

export interface Authority {
  readonly origin: string
  /** Path of a PEM file. */
  readonly file: string
}

type Frozen<T> = T extends Secret
  ? T
  : T extends readonly unknown[] | object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T

/** What a node runs with: durations in ms, sizes in bytes, URLs and paths canonical. Frozen. */
export type Config = Frozen<Omit<z.output<typeof schema>, 'mirrors' | 'policy'>> & {
  readonly mirrors: readonly MirrorConfig[]
  readonly policy: PolicySettings
}
