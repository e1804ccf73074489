import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { ApiApp } from '../app.ts'

export interface EventsPorts {
  /** Throws NODE_BUSY where too many listen. */
  readonly live: { subscribe(): Readable }
}

const TYPE = 'text/event-stream'

export function eventsRoutes(app: ApiApp, { live }: EventsPorts): void {
  app.get(
    '/admin/v1/events',
    {
      schema: {
        tags: ['node'],
        summary: 'What happens at this node, as it happens',
        description:
          'Server-sent events: «counts» each second, with what /admin/v1/status tells but for mirrors; «change» for each change by this API, as the audit log has it.',
        response: {
          200: { description: 'A stream that ends when the node does', content: { [TYPE]: { schema: z.string() } } },
        },
      },
    },
    (_request, reply) => {
      reply.header('cache-control', 'no-store')
      // The description says what is in the stream; what is sent is the stream.
      void reply.type(TYPE).send(live.subscribe() as never)
    },
  )
}
