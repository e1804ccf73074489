import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { WarrenError } from '../../node/errors.ts'
import type { NodeToken } from '../../node/node-token.ts'
import { isLoopback } from '../../node/tcp-address.ts'
import type { ApiApp } from './app.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the node token came with it. */
    hasToken: boolean
  }
}

/** Lets only those pass whom the `access` of a route is for; of a route that says nothing, whoever sends the token. */
export function guardByToken(app: ApiApp, token: NodeToken): void {
  app.decorateRequest('hasToken', false)
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return
    const { access = 'token' } = request.routeOptions.config
    const isOpen = access === 'everybody' || (access === 'loopback' && isLocal(request))
    // A token that is wrong is told to whoever sends it, also where none would do.
    if (isOpen && request.headers.authorization === undefined) return
    checkBearer(request, reply, token)
    request.hasToken = true
  })
}

/** Lets only those pass who send the token (RFC 6750 section 2.1); throws TOKEN_REQUIRED for others. */
function checkBearer({ headers }: FastifyRequest, reply: FastifyReply, { value, file }: NodeToken): void {
  const [, sent] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
  // Digests have one length, so that the comparison tells nothing about the token, its length included.
  if (sent !== undefined && timingSafeEqual(sha256(sent), sha256(value))) return
  reply.header('www-authenticate', 'Bearer realm="warren"')
  const what = sent === undefined ? 'this needs the node token' : 'that is not the token of this node'
  throw new WarrenError('TOKEN_REQUIRED', `${what}: send «Authorization: Bearer …» with what stands in ${file}`)
}

/** Whether it comes from this machine: a Unix socket has no address. */
function isLocal({ raw }: FastifyRequest): boolean {
  const { remoteAddress } = raw.socket
  return remoteAddress === undefined || isLoopback({ host: remoteAddress.replace(/^::ffff:/, '') })
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
