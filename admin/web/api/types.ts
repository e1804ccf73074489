import type { z } from 'zod'
import type { previewSchema, purgeSchema } from '../../api/cache-schema.ts'
import type { Peers } from '../../api/peers-schema.ts'

export type PurgeRun = z.output<typeof purgeSchema>
export type Preview = z.output<typeof previewSchema>
export type Peer = Peers['peers'][number]
