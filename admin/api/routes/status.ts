import { z } from 'zod'
import type { ApiApp } from '../app.ts'
import { countsSchema, type Status, statusSchema } from '../status-schema.ts'

export interface StatusPorts {
  status(): Promise<Status>
}

/** What this node does and how it is. `isTrusted`: whether a caller may see more than health and counts. */
export function statusRoutes(app: ApiApp, { status }: StatusPorts): void {
  app.get(
    '/admin/v1/status',
    {
      config: { access: 'loopback' },
      schema: {
        tags: ['node'],
        summary: 'Health and counts of this node; with the token also its mirrors, upstreams and addresses',
        response: { 200: z.union([statusSchema, countsSchema]) },
      },
    },
    async ({ hasToken }) => (hasToken ? status() : countsSchema.parse(await status())),
  )
}
