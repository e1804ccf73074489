import { z } from 'zod'

/** For whom a change is. */
export const scopeQuery = {
  scope: z
    .enum(['node'], { error: 'node: what is for the whole mesh is changed by a signed op' })
    .default('node')
    .describe('node: this node alone'),
}
