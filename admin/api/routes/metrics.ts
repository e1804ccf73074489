import { z } from 'zod'
import type { ApiApp } from '../app.ts'

export interface MetricsPorts {
  /** Counts in the text format of Prometheus. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
}

/** Numbers under names that are in the code or in the settings, so counts. */
export function metricsRoutes(app: ApiApp, { metrics }: MetricsPorts): void {
  app.get(
    '/metrics',
    {
      config: { access: 'loopback' },
      schema: {
        tags: ['node'],
        summary: 'Counts for Prometheus',
        response: { 200: { content: { 'text/plain': { schema: z.string() } } } },
      },
    },
    async (_request, reply) => {
      const { contentType, text } = await metrics()
      return reply.header('cache-control', 'no-store').type(contentType).send(text)
    },
  )
}
