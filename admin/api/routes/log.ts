import { z } from 'zod'
import type { ApiApp } from '../app.ts'

export interface LogPorts {
  /** Where log lines go. */
  readonly log: { level: string }
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const level = z.enum(LEVELS, { error: `one of ${LEVELS.join(', ')}` }).describe('Least severe log line that is written')
const logSchema = z.object({ level }, { error: 'a group of level' })

export function logRoutes(app: ApiApp, { log }: LogPorts): void {
  const told = () => logSchema.parse({ level: log.level })
  app.get(
    '/admin/v1/log',
    { schema: { tags: ['node'], summary: 'Which log lines are written', response: { 200: logSchema } } },
    async () => told(),
  )
  app.put(
    '/admin/v1/log',
    {
      schema: {
        tags: ['node'],
        summary: 'Sets which log lines are written, until the node ends',
        body: logSchema,
        response: { 200: logSchema },
      },
    },
    async (request) => {
      const before = told()
      log.level = request.body.level
      request.change = { what: 'log', before, after: told() }
      return told()
    },
  )
}
