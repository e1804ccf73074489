import { z } from 'zod'
import { purgeScope } from '../../node/purge/scope.ts'

const count = z.number().int().nonnegative()
const time = z.number().int().nonnegative()

/** Something that is kept under a name. Sizes in bytes, times in ms since the epoch. */
export const keptSchema = z.object({
  key: z.string().describe('Cache key: ecosystem, upstream, path, variant and partition, each on a line'),
  ecosystem: z.string(),
  upstream: z.string(),
  path: z.string(),
  variant: z.string(),
  mirrors: z.array(z.string()).readonly().describe('Mirrors that ask its upstream'),
  package: z.string().nullable().describe('Package URL of what it is of'),
  kind: z.enum(['artifact', 'document', 'link']).describe('link: another document names it, and nobody asked for it yet'),
  sha256: z.string(),
  size: count,
  held: z.boolean().describe('Whether its bytes are here: names outlive them'),
  private: z.boolean().describe('Whether it came with credentials, so that no other member may have it'),
  fetchedAt: time,
  checkedAt: time,
})

/** The same with all that is known of it. */
export const artifactSchema = keptSchema.extend({
  freshFor: z.number().nullable().describe('Ms after checkedAt for which it is not asked for again; null for ever'),
  headers: z.record(z.string(), z.string()),
  etag: z.string().nullable().describe('Of upstream'),
  lastModified: z.string().nullable(),
  verified: z.array(z.string()).readonly().describe('Digests that were checked before it was kept'),
  mesh: z.object({
    members: z
      .array(
        z.object({
          id: z.string().describe('Peer id'),
          role: z.enum(['member', 'seed']),
          by: z.enum(['inventory', 'dht']).describe('Who says that it has it'),
          excluded: z.string().nullable().describe('Why it would not be asked now'),
        }),
      )
      .readonly(),
    coversAll: z.boolean().describe('Whether all members that are known have told what they have'),
    seeds: z.array(z.string()).readonly().describe('Seeds that are asked for it, the home seed first'),
  }),
})

/** How a purge stands at this node. */
export const purgeSchema = z.object({
  id: z.string(),
  scopes: z.array(purgeScope).readonly(),
  state: z.enum(['running', 'done']).describe('While it runs, nothing that it is about is served any more'),
  startedAt: time,
  endedAt: time.nullable(),
  looked: count.describe('Records that were looked at'),
  freed: z.object({ records: count, blobs: count, bytes: count }),
  trouble: z.string().nullable().describe('Why it does not get on'),
})

/** What a purge would be about. */
export const previewSchema = z.object({
  dryRun: z.literal(true),
  scopes: z.array(purgeScope).readonly(),
  records: count,
  bytes: count.describe('Of their blobs, of which some may have other names as well'),
  sample: z.array(z.string()).readonly().describe('The first keys'),
})

export type KeptView = z.output<typeof keptSchema>
export type ArtifactView = z.output<typeof artifactSchema>
export type PurgeView = z.output<typeof purgeSchema>
