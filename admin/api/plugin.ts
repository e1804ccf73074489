import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { AuditEntry } from '../../node/audit-log.ts'
import type { NodeToken } from '../../node/node-token.ts'
import { inRequest, requestIdOf } from '../../node/request-id.ts'
import { type ApiApp, apiApp } from './app.ts'
import { auditChanges } from './audit.ts'
import { rememberAnswers } from './idempotency.ts'
import { openApiDocument } from './openapi.ts'
import { pageRoutes } from './page.ts'
import { problemOf } from './problem.ts'
import { type RoutePorts, registerRoutes } from './routes/all.ts'
import { guardByToken } from './token.ts'

/** What the API may see and do; nothing else of the node is within its reach. */
export interface AdminPorts extends RoutePorts {
  /** Throws FOREIGN_HOST for a request under a name that is not this node's. */
  checkHost(request: IncomingMessage): void
  /** What has to be sent for more than counts. */
  readonly token: NodeToken
  /** Hears of each change, and of each that was refused. */
  audit(entry: AuditEntry): void
  /** Hears of what no code expected. */
  bug(error: unknown, path: string): void
}

export interface AdminApi {
  /** Answers what is below `/admin` and `/metrics`; false: the path is somebody else's. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  close(): Promise<void>
}

/** The REST API of a node, for its admin listener: counts for everybody, the rest for whoever has the node token. */
export async function adminApi(ports: AdminPorts): Promise<AdminApi> {
  const app = apiApp()
  app.addHook('onRequest', async (request) => ports.checkHost(request.raw))
  await guardByToken(app, ports.token)
  auditChanges(app, ports.audit)
  rememberAnswers(app)
  app.addHook('onError', async ({ url }, _reply, error) => {
    if (problemOf(error).status === 500) ports.bug(error, url)
  })
  const register = (one: ApiApp) => {
    registerRoutes(one, ports)
    descriptionRoute(one, () => openApiDocument(register))
  }
  register(app)
  pageRoutes(app)
  await app.ready()
  return {
    handle(request, response) {
      if (!/^\/(?:admin|metrics)(?:[/?]|$)/.test(request.url ?? '')) return false
      inRequest(requestIdOf(request), () => app.routing(request, response))
      return true
    },
    close: () => app.close(),
  }
}

function descriptionRoute(app: ApiApp, describe: () => Promise<Record<string, unknown>>): void {
  let description: Promise<Record<string, unknown>> | undefined
  app.get(
    '/admin/v1/openapi.json',
    {
      config: { access: 'everybody' },
      schema: { tags: ['node'], summary: 'This description (OpenAPI 3.1)', response: { 200: z.looseObject({}) } },
    },
    () => (description ??= describe()),
  )
}
