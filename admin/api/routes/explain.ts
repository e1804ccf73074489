import { z } from 'zod'
import type { ApiApp } from '../app.ts'
import { type Explanation, explainSchema } from '../explain-schema.ts'

export interface ExplainPorts {
  /** Where a path of the mirrors, or a digest, would come from. Throws BAD_REQUEST and NO_SUCH_MIRROR. */
  explain(key: string): Promise<Explanation>
}

const key = z.string({ error: 'a path of a mirror, such as /npm/lodash, or a digest' })

export function explainRoutes(app: ApiApp, ports: ExplainPorts): void {
  app.get(
    '/admin/v1/explain',
    {
      schema: {
        tags: ['cache'],
        summary: 'Where something would come from now, and why',
        querystring: z.object({ key: key.describe('Path of a mirror, or a digest') }),
        response: { 200: explainSchema },
      },
    },
    ({ query }) => ports.explain(query.key),
  )
}
