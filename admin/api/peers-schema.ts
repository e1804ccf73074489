import { z } from 'zod'
import { nextSchema } from './paging.ts'

const count = z.number().int().nonnegative()

/** What `GET /admin/v1/peers` answers. Times in ms since the epoch. */
export const peersSchema = z.object({
  peers: z
    .array(
      z.object({
        /** Peer id. */
        id: z.string(),
        role: z.enum(['member', 'seed']),
        version: z.string(),
        /** Multiaddrs of its libp2p connections. */
        addresses: z.array(z.string()).readonly(),
        /** Where it hands out blobs, as `host:port`. */
        blobs: z.array(z.string()).readonly(),
        connected: z.boolean(),
        lastSeen: z.number(),
        /** Round trip in ms; null while unmeasured. */
        latency: z.number().nullable(),
        /** Bytes of blobs that came from it, and that went to it, since the start of this node. */
        bytesIn: count,
        bytesOut: count,
        quarantine: z.object({ until: z.number(), reason: z.string() }).nullable(),
        /** When its certificate ends. */
        notAfter: z.number(),
        /** What it told that it can be asked for; null where it has told nothing. */
        inventory: z
          .object({
            /** Digests. */
            keys: count,
            /** `stale`: nothing was heard of it for a while. `ignored`: it is not believed. */
            state: z.enum(['fresh', 'stale', 'ignored']),
            ignored: z.object({ until: z.number(), reason: z.string() }).nullable(),
          })
          .nullable()
          .default(null),
        /** Since when it has another ledger than this node, or does not say which; null while both are the same. */
        ledgerDiffersSince: z.number().nullable().default(null),
        /** Where it says that it is. */
        zone: z.string().nullable().default(null),
        /** What is left of what this node, as a seed, does for it; null where it does nothing for others. */
        budget: z.object({ requests: count, fetches: count, bytes: count, pulls: count }).nullable().default(null),
        /** Id of the ticket by which it joined; null for a seed that the admin key certified itself. */
        ticket: z.string().nullable().default(null),
      }),
    )
    .readonly(),
  next: nextSchema.default(null),
})

export type Peers = z.output<typeof peersSchema>
