import { z } from 'zod'

const count = z.number().int().nonnegative()

/** What `GET /admin/v1/explain?key=…` answers: where something would come from now. Times in ms since the epoch, sizes in bytes. */
export const explainSchema = z.object({
  /** A path at the mirrors, or a digest: as it was asked for. */
  key: z.string(),
  /** Cache key and mirror; null for a digest. */
  name: z.string().nullable(),
  mirror: z.string().nullable(),
  kind: z.enum(['immutable', 'mutable']).nullable(),
  /** By which members can be asked for it, as far as that is known without asking upstream. */
  digests: z.array(z.string()).readonly(),
  held: z
    .object({
      sha256: z.string(),
      /** When its bytes came; null where only a digest was asked for. */
      since: z.number().nullable(),
      size: count.nullable(),
      /** Whether it came with credentials, so that nobody else gets it. */
      private: z.boolean(),
      /** Whether upstream is asked again before it is handed out. */
      stale: z.boolean(),
    })
    .nullable(),
  /** Members that have it, in the order in which they would be asked. */
  members: z
    .array(
      z.object({
        id: z.string(),
        role: z.enum(['member', 'seed']),
        zone: z.string().nullable(),
        by: z.enum(['inventory', 'dht']),
        /** Why it would not be asked now. */
        excluded: z.string().nullable(),
      }),
    )
    .readonly(),
  /** Whether all members that are known have told what they have, so that the DHT was not asked. */
  coversAll: z.boolean(),
  /** Seeds that fetch it for everybody, the home seed first. */
  seeds: z.array(z.string()).readonly(),
  /** Ms that members get before upstream is asked too. */
  headStart: z.number(),
  upstream: z
    .object({
      base: z.string(),
      /** Whether it is asked with credentials, and nobody else therefore. */
      private: z.boolean(),
      /** Null while nothing was asked of it. */
      state: z.enum(['closed', 'open', 'half-open', 'frozen']).nullable(),
      /** Requests that it still grants. */
      remaining: count.nullable(),
    })
    .nullable(),
  source: z.enum(['local', 'peer', 'seed', 'upstream', 'nowhere']),
  why: z.string(),
})

export type Explanation = z.output<typeof explainSchema>
