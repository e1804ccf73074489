import { createHash, timingSafeEqual } from 'node:crypto'
import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { WarrenError } from '../../node/errors.ts'
import type { NodeToken } from '../../node/node-token.ts'
import { isLoopback } from '../../node/tcp-address.ts'
import type { ApiApp } from './app.ts'

/** Wrong tokens of one address in the window (ms) that are told where the right one is. */
const MAX_WRONG = 10
const WINDOW = 60_000

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the node token came with it. */
    hasToken: boolean
  }
}

/** Lets only those pass whom the `access` of a route is for; of a route that says nothing, whoever sends the token. */
export async function guardByToken(app: ApiApp, token: NodeToken): Promise<void> {
  await app.register(rateLimit, { global: false, max: MAX_WRONG, timeWindow: WINDOW, keyGenerator: addressOf })
  const countWrong = app.createRateLimit()
  app.decorateRequest('hasToken', false)
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return
    const { access = 'token' } = request.routeOptions.config
    const isOpen = access === 'everybody' || (access === 'loopback' && isLocal(request))
    // A token that is wrong is told to whoever sends it, also where none would do.
    if (isOpen && request.headers.authorization === undefined) return
    const { authorization } = request.headers
    request.hasToken = authorization !== undefined && isRight(authorization, token)
    if (request.hasToken) return
    // The right token passes at any time: any job on this machine could lock its owner out else, and it is too long to be guessed.
    const count = authorization === undefined ? undefined : await countWrong(request)
    if (count && !count.isAllowed && count.isExceeded)
      throw new WarrenError(
        'TOO_MANY_FAILURES',
        'too many wrong tokens came from this address: wait, and read the right one in its file',
        {
          retryAfter: count.ttlInSeconds,
        },
      )
    refuse(request, reply, isLocal(request) ? token.file : undefined)
  })
}

/** For a route that everybody may ask, where what is asked needs the node token all the same. Throws TOKEN_REQUIRED. */
export function demandToken(request: FastifyRequest, reply: FastifyReply): void {
  if (!request.hasToken) refuse(request, reply)
}

function refuse({ headers }: FastifyRequest, reply: FastifyReply, file = 'node.token in its data folder'): never {
  reply.header('www-authenticate', 'Bearer realm="warren"')
  const what =
    bearerIn(headers.authorization) === undefined ? 'this needs the node token' : 'that is not the token of this node'
  throw new WarrenError('TOKEN_REQUIRED', `${what}: send «Authorization: Bearer …» with what stands in ${file}`)
}

function isRight(authorization: string, { value }: NodeToken): boolean {
  const sent = bearerIn(authorization)
  // Digests have one length, so that the comparison tells nothing about the token, its length included.
  return sent !== undefined && timingSafeEqual(sha256(sent), sha256(value))
}

/** RFC 6750 section 2.1. */
function bearerIn(authorization = ''): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization)?.[1]
}

/** Who asks, as far as limits go. */
export function addressOf({ raw }: FastifyRequest): string {
  return raw.socket.remoteAddress ?? 'unix'
}

/** Whether it comes from this machine: a Unix socket has no address. */
export function isLocal({ raw }: FastifyRequest): boolean {
  const { remoteAddress } = raw.socket
  return remoteAddress === undefined || isLoopback({ host: remoteAddress.replace(/^::ffff:/, '') })
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
