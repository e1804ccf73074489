import { z } from 'zod'

const count = z.number().int().nonnegative()

/** How pins stand in the eyes of one seed: counts are of pins that it has, times in ms since the epoch. */
const pinsStatusSchema = z.object({
  /** Seeds on which each is to be. */
  replicas: count,
  /** Whether a sweep has counted all since the node started, or seeds came or went; counts are of what one looked at otherwise. */
  counted: z.boolean(),
  wanted: count,
  /** On all the seeds that they belong to, of those that are connected. */
  held: count,
  missing: count,
  seeds: z
    .array(
      z.object({
        /** Peer id. */
        id: z.string(),
        connected: z.boolean(),
        /** Belong there, and are there. */
        wanted: count,
        held: count,
        /** On their way there. */
        pending: count,
        /** Why the last one that is not there is not. */
        reason: z.string().nullable(),
      }),
    )
    .readonly(),
  sweep: z.object({ running: z.boolean(), looked: count, endedAt: z.number().nullable(), dueAt: z.number().nullable() }),
})

/** What `GET /admin/v1/pins` answers. */
export const pinsSchema = z.object({
  /** Null on a node that is no seed. */
  own: pinsStatusSchema.nullable(),
  /** The other seeds that the node knows, and what they say; `problem`: why one says nothing. */
  seeds: z
    .array(
      z.object({ id: z.string(), connected: z.boolean(), pins: pinsStatusSchema.nullable(), problem: z.string().nullable() }),
    )
    .readonly(),
})

/** What `GET /admin/v1/pins/place?target=…` answers: which seeds have what a mirror hands out at that target. */
export const placeSchema = z.object({
  /** Null where the target names nothing that is kept. */
  place: z
    .object({
      /** Cache key. */
      key: z.string(),
      /** sha256 (hex) and number of its bytes; null where the node has nothing there that others may have. */
      blob: z.string().nullable(),
      size: count.nullable(),
      seeds: z
        .array(
          z.object({
            id: z.string(),
            /** Whether it is one of those that it belongs to. */
            belongs: z.boolean(),
            /** Null where it does not say. */
            holds: z.boolean().nullable(),
          }),
        )
        .readonly(),
    })
    .nullable(),
})

export type PinsAnswer = z.output<typeof pinsSchema>
export type PlaceAnswer = z.output<typeof placeSchema>
