import { z } from 'zod'
import { layerName } from './mirrors-schema.ts'
import { nextSchema } from './paging.ts'

const patterns = z.array(z.string()).readonly()

/** A layer as it was written; what it does not say is left to those below. */
const written = z.looseObject({
  allow: z.unknown().optional(),
  deny: z.unknown().optional(),
  minimumAge: z.unknown().optional(),
  minimumAgeExceptions: z.unknown().optional(),
})

/** What `GET /admin/v1/policy` answers. */
export const policySchema = z.object({
  /** What applies now: of each setting the strongest layer, but what any of them denies is denied. */
  effective: z.object({
    allow: patterns,
    deny: patterns,
    /** Ms by type of package URL. */
    minimumAge: z.record(z.string(), z.number()),
    minimumAgeExceptions: patterns,
  }),
  layers: z.object({ overlay: written, ledger: written, file: written }),
})

export const blockSchema = z.object({
  /** Package URL with wildcards and a range of versions. */
  purl: z.string(),
  reason: z.string().nullable(),
  layer: layerName,
})

export const blocksSchema = z.object({ blocks: z.array(blockSchema), next: nextSchema })

export type PolicyView = z.output<typeof policySchema>
export type BlockView = z.output<typeof blockSchema>
