import type { IncomingMessage, ServerResponse } from 'node:http'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { isWarrenError, WarrenError } from '../../node/errors.ts'
import type { NodeToken } from '../../node/node-token.ts'
import type { Explanation } from './explain-schema.ts'
import type { Peers } from './peers-schema.ts'
import type { PinsAnswer, PlaceAnswer } from './pins-schema.ts'
import type { Status } from './status-schema.ts'
import { checkBearer } from './token.ts'

/** What the API may see and do; nothing else of the node is within its reach. */
export interface AdminPorts {
  /** Throws FOREIGN_HOST for a request under a name that is not this node's. */
  checkHost(request: IncomingMessage): void
  /** What has to be sent for more than counts. */
  readonly token: NodeToken
  status(): Promise<Status>
  peers(): Promise<Peers>
  pins(): Promise<PinsAnswer>
  /** Where the pin of a target of the mirrors is. Throws BAD_REQUEST and NO_SUCH_MIRROR. */
  placeOf(target: string): Promise<PlaceAnswer>
  /** Where a path of the mirrors, or a digest, would come from. Throws BAD_REQUEST and NO_SUCH_MIRROR. */
  explain(key: string): Promise<Explanation>
}

export interface AdminApi {
  /** Answers what is below `/admin` and `/metrics`; false: the path is somebody else's. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  close(): Promise<void>
}

/** The REST API of a node, for its admin listener: counts for everybody, the rest for whoever has the node token. */
export async function adminApi(ports: AdminPorts): Promise<AdminApi> {
  const app = Fastify({ logger: false, forceCloseConnections: false })
  app.addHook('onRequest', async (request) => ports.checkHost(request.raw))
  app.setErrorHandler((error, _request, reply) => {
    const status = isWarrenError(error) ? error.status : 500
    return reply.code(status).type('application/problem+json').send(problem(status, error))
  })
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .type('application/problem+json')
      .send(problem(404, new Error(`there is nothing at ${request.url.slice(0, 200)}`))),
  )
  app.get('/admin/v1/status', () => ports.status())
  const withToken = {
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => checkBearer(request, reply, ports.token),
  }
  app.get('/admin/v1/peers', withToken, () => ports.peers())
  app.get('/admin/v1/pins', withToken, () => ports.pins())
  app.get('/admin/v1/pins/place', withToken, ({ query }) => {
    const { target } = query as { readonly target?: unknown }
    if (typeof target === 'string' && target.startsWith('/')) return ports.placeOf(target)
    throw new WarrenError('BAD_REQUEST', 'name a path of a mirror: /admin/v1/pins/place?target=/npm/lodash')
  })
  app.get('/admin/v1/explain', withToken, ({ query }) => {
    const { key } = query as { readonly key?: unknown }
    if (typeof key === 'string') return ports.explain(key)
    throw new WarrenError('BAD_REQUEST', 'name a path of a mirror, or a digest: /admin/v1/explain?key=/npm/lodash')
  })
  await app.ready()
  return {
    handle(request, response) {
      if (!/^\/(?:admin|metrics)(?:[/?]|$)/.test(request.url ?? '')) return false
      app.routing(request, response)
      return true
    },
    close: () => app.close(),
  }
}

/** RFC 9457. */
function problem(status: number, error: unknown): { status: number; title: string; detail: string } {
  const known = isWarrenError(error) || status === 404
  return {
    status,
    title: isWarrenError(error) ? error.code : status === 404 ? 'NOT_FOUND' : 'INTERNAL',
    detail: known && error instanceof Error ? error.message : 'this node failed to answer',
  }
}
