import { z } from 'zod'
import { mirrorSchema } from './status-schema.ts'

export const layerName = z
  .enum(['overlay', 'ledger', 'file', 'built in'])
  .describe('overlay: changed at this node by REST; ledger: what the mesh says; file: the configuration, environment included')

/** As a mirror could be written down; false takes it away. */
const entry = z.union([z.literal(false), z.record(z.string(), z.unknown())])

export const layeredMirrorSchema = z.object({
  name: z.string(),
  layer: layerName,
  /** As it works now; null where it is taken away. */
  mirror: mirrorSchema.nullable(),
  entry,
  /** What would apply without it, strongest first. */
  shadows: z.array(z.object({ layer: layerName, entry })).readonly(),
})

export type LayeredMirrorView = z.output<typeof layeredMirrorSchema>

/** What `POST /admin/v1/mirrors/{name}/test` answers. */
export const mirrorTestSchema = z.object({
  upstreams: z
    .array(
      z.object({
        url: z.string(),
        /** Whether it answered at all. */
        reachable: z.boolean(),
        /** HTTP status; null where there was none, or trouble. */
        status: z.number().int().nullable(),
        /** Ms until it answered, or failed. */
        ms: z.number(),
        /** What is wrong; null where nothing is. */
        problem: z.string().nullable(),
      }),
    )
    .readonly(),
})

export type MirrorTest = z.output<typeof mirrorTestSchema>
