import { z } from 'zod'

const count = z.number().int().nonnegative()
const sources = { local: count, flight: count, peer: count, seed: count, upstream: count, stale: count }

/** A mirror as it works: URLs canonical, spans in ms. */
export const mirrorSchema = z.object({
  name: z.string(),
  protocol: z.string(),
  // Both are put into settings of clients, and names of files: whoever answers at the port of a node may be none.
  path: z.string().regex(/^\/(?:[\w.~-]+\/)*$/),
  upstreams: z.array(z.string()).readonly(),
  registry: z
    .string()
    .regex(/^(?:\*|\[?[a-z\d][a-z\d.:\]-]*)$/)
    .optional(),
  /** Names that are asked at one upstream only, or, without one, at none; the first pattern that matches counts. */
  routes: z
    .array(z.object({ pattern: z.string(), upstream: z.string().optional(), levels: z.string().optional() }).readonly())
    .readonly()
    .optional(),
  /** In ms. */
  lifetime: count.optional(),
  tarballUrls: z.enum(['rewrite', 'preserve']).optional(),
  fileHosts: z.array(z.string()).readonly().optional(),
  sumdb: z.string().optional(),
  immutable: z.array(z.string()).readonly().optional(),
  mutable: z.array(z.string()).readonly().optional(),
  pins: z
    .record(z.string(), z.object({ algorithm: z.string(), hex: z.string() }).readonly())
    .readonly()
    .optional(),
})

/** What `GET /admin/v1/status` tells with the token. Counts are since the start of the node; sizes in bytes, times in ms since the epoch. */
export const statusSchema = z.object({
  node: z.object({
    id: z.string(),
    version: z.string(),
    pid: count,
    startedAt: z.number(),
    state: z.enum(['ready', 'draining']),
    data: z.string(),
    /** Base URLs of the mirror listeners. */
    listen: z.array(z.string()).readonly(),
  }),
  /** In the order of the settings, built-in ones first. */
  mirrors: z.array(mirrorSchema),
  /** Answers by where they came from; `negative`: upstream said no, `denied`: the policy did, `error`: trouble or a wrong request. */
  requests: z.object({ ...sources, negative: count, denied: count.default(0), error: count }),
  /** Bytes of body that went to clients. */
  bytes: z.object(sources),
  /** Bytes of these that upstream did not have to send to this node. */
  saved: count.default(0),
  /** Artifacts being fetched now. */
  flights: count,
  upstream: z.array(
    z.object({
      origin: z.string(),
      state: z.enum(['closed', 'open', 'half-open', 'frozen']),
      until: z.number(),
      inFlight: count,
      queued: count,
      requests: count,
      failures: count,
      /** Of these the ones since the last answer. */
      failedInRow: count.optional(),
      lastError: z.string().optional(),
      /** What it still grants in a window of so many seconds, as it told at `at`. */
      budget: z
        .object({
          limit: count,
          remaining: count,
          window: count,
          source: z.string().optional(),
          at: z.number(),
          isLow: z.boolean(),
        })
        .optional(),
    }),
  ),
  store: z.object({
    blobs: count,
    bytes: count,
    records: count,
    free: z.number(),
    storing: z.boolean(),
    /** Bytes that blobs may take; null while there is no bound. */
    quota: count.nullable().optional(),
    /** Why nothing more is stored. */
    shortage: z.enum(['disk', 'quota']).nullable().optional(),
    /** What was not stored since start, for want of room of that size. */
    turnedAway: z.object({ blobs: count, bytes: count }).optional(),
    /** What made room for others, and why no more of it could. */
    evicted: z.object({ blobs: count, bytes: count, obstacle: z.enum(['no seed', 'nothing confirmed']).nullable() }).optional(),
    /** The look at all blobs, again and again: of this pass, and since start what members brought back, what nobody had, and what waits. */
    scrub: z
      .object({
        /** Share of this pass, 0 to 1; null between two. */
        progress: z.number().nullable(),
        lastEnded: z.number().nullable(),
        blobs: count,
        bad: count,
        healed: count,
        lost: count,
        waiting: count,
      })
      .optional(),
  }),
  memory: z.object({ bytes: count, limit: count }),
  mesh: z.object({
    /** `joining`: in a mesh, but no other member is connected. */
    state: z.enum(['lone', 'joining', 'member']),
    /** Mesh id. */
    id: z.string().nullable(),
    role: z.enum(['member', 'seed']).nullable(),
    /** Peer id of this node. */
    peer: z.string(),
    /** Where this node is, as it was told. */
    zone: z.string().nullable().default(null),
    /** Multiaddrs that members may dial. */
    listen: z.array(z.string()).readonly(),
    /** `host:port` of the blob listener. */
    blobs: z.string().nullable(),
    /** Whether a member could reach the blob listener; null while none has tried. */
    reachable: z.boolean().nullable(),
    /** Nobody can fetch blobs from this node. */
    readerOnly: z.boolean(),
    /** Members that are connected. */
    peers: count,
    /** Those of them that are seeds and can be asked. */
    seeds: count,
    /** When this node's certificate ends. */
    notAfter: z.number().nullable(),
    /** Why no member is connected, in a sentence. */
    trouble: z.string().nullable(),
    /** Bytes of blobs from and to members. */
    bytesIn: count,
    bytesOut: count,
    /** Of a seed: pins that it has, how many of them are on all the seeds that they belong to, and how many are not; `counted`: whether these are of all. */
    pins: z.object({ counted: z.boolean(), wanted: count, held: count, missing: count }).nullable().default(null),
    /** Ops of the mesh's ledger that are known here, and whether a seed has said that these are all; null in no mesh. */
    ledger: z.object({ ops: count, confirmed: z.boolean() }).nullable().default(null),
    /** How blobs were looked for at members; null in no mesh. */
    router: z
      .object({
        /** Look-ups for something that a neighbour lists, or none does, and blobs that one listed and did not have. */
        inventory: z.object({ hit: count, miss: count, false: count }),
        /** Members that were asked on the mere guess that they have it. */
        guess: z.object({ right: count, wrong: count }),
        /** Look-ups that the DHT knew somebody for, or nobody, and those that it was spared. */
        dht: z.object({ hit: count, miss: count, spared: count }),
        /** Whether all members that are known have told what they have, so that the DHT is not asked. */
        coversAll: z.boolean(),
      })
      .nullable()
      .default(null),
  }),
})

export type Status = z.output<typeof statusSchema>

const { node, mesh } = statusSchema.shape

/** What it tells without the token: nothing that names folders, addresses and registries. */
export const countsSchema = statusSchema.omit({ mirrors: true, upstream: true }).extend({
  node: node.omit({ data: true, listen: true }),
  mesh: mesh.omit({ id: true, zone: true, listen: true, blobs: true, trouble: true }),
})

export type Counts = z.output<typeof countsSchema>
